"""Group commit when MongoDB does not answer, and when the server stops."""

import asyncio
from typing import Any

import pytest
from tornado.testing import ExpectLog

from chat import doubt
from chat.commit import GroupCommit
from chat.entries import Entry
from chat.errors import Unavailable
from chat.history import History
from tests.commits import bench
from tests.mongo import SHORT_TIMEOUT, SessionMongod
from tests.replacing import replace_methods
from tests.rooms import ANN, BOB, FakeWaiter, message, new_key, new_room
from tests.waiting import until

# When MongoDB does not answer


async def test_a_failed_batch_is_unavailable_and_the_next_works(mongod: SessionMongod, database: str) -> None:
    """The senders of a batch that failed are told to send again; with the same key they get exactly one entry."""
    async with bench(mongod, database) as at:
        room, waiter, key = new_room(), FakeWaiter(BOB), new_key()
        room.join(waiter)
        at.history.failing = Unavailable("away", retry_after=1)
        with ExpectLog("parley.commit", "a batch of 1 was not stored"):
            with pytest.raises(Unavailable):
                await at.send(room, key=key)
            stored = await at.send(room, key=key)
        assert (stored.new, stored.entry.seq) == (True, 1)
        assert waiter.seqs == [1]
        assert not room.under_way


async def test_a_late_write_is_found(mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that arrives after its sender was told `unavailable` is published, and its key is answered with it."""
    monkeypatch.setattr(doubt, "LATE_WRITES", 1.0)
    async with bench(mongod, database, timeout=SHORT_TIMEOUT, heal_interval=0.1) as at:
        room, waiter, key = new_room(), FakeWaiter(BOB), new_key()
        room.join(waiter)
        await at.send(room)
        with ExpectLog("parley.commit", "a batch of 1 was not stored"):
            with mongod.stalled(), pytest.raises(Unavailable):
                await at.send(room, "late", key=key)
            again = await at.send(room, "late", key=key)
        assert again.entry.seq == 2
        assert waiter.seqs == [1, 2]
        log = await at.history.newest("lobby", 10)
        assert [entry.text for entry in log] == ["hi", "late"]


async def test_a_late_write_is_told_without_another_send(
    mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For some seconds after MongoDB has come back the log is looked at, and then no more."""
    monkeypatch.setattr(doubt, "LATE_WRITES", 0.5)
    async with bench(mongod, database) as at:
        room, waiter = new_room(), FakeWaiter(BOB)
        room.join(waiter)
        at.history.failing = Unavailable("away")
        with ExpectLog("parley.commit", "a batch of 1 was not stored"), pytest.raises(Unavailable):
            await at.send(room)
        await History.insert(at.history, [("lobby", message(1, ANN, "late"))])
        await until(lambda: waiter.seqs == [1])
        await until(lambda: not at.commit._doubt.watched)
        await History.insert(at.history, [("lobby", message(2, ANN, "much later"))])
        stored = await at.send(room)
        assert stored.entry.seq == 3


async def test_a_change_is_answered_in_time(mongod: SessionMongod, database: str) -> None:
    """A sender is told `unavailable` after the time it is given, however long MongoDB takes."""
    async with bench(mongod, database) as at:
        room = new_room()
        at.commit._timeout = 0.1
        at.history.gate.clear()
        sent, queued = at.send(room, "held"), at.send(room, "queued")
        for each in (sent, queued):
            with pytest.raises(Unavailable, match="in time"):
                await each
        assert not room.under_way
        at.commit._timeout = 10
        at.history.gate.set()
        assert (await at.send(room, "after")).new


async def test_what_has_expired_is_not_stored(mongod: SessionMongod, database: str) -> None:
    """A change whose sender was told `unavailable` while it was queued is not stored afterwards."""
    async with bench(mongod, database) as at:
        room = new_room()
        at.history.gate.clear()
        held = at.send(room, "held")
        await until(lambda: at.history.inserts)
        at.commit._timeout = 0.05
        queued = at.send(room, "queued")
        with pytest.raises(Unavailable):
            await queued
        at.history.gate.set()
        await held
        await until(lambda: not at.commit._queue)
        at.commit._timeout = 10
        assert (await at.send(room, "after")).entry.seq == 2
        assert [entry.text for entry in await at.history.newest("lobby", 10)] == ["held", "after"]


async def test_mongodb_goes_while_a_known_key_is_looked_up(mongod: SessionMongod, database: str) -> None:
    """The sender is told `unavailable`, and gets the entry of then with the next try."""
    async with bench(mongod, database) as at:
        room, key, original = new_room(keep=1), new_key(), at.history.entry_of
        await at.send(room, "one", key=key)
        await at.send(room, "two")

        async def away(*_: str) -> Entry | None:
            replace_methods(at.history, entry_of=original)
            raise Unavailable("away")

        replace_methods(at.history, entry_of=away)
        with pytest.raises(Unavailable):
            await at.send(room, "one", key=key)
        assert (await at.send(room, "one", key=key)).entry.seq == 1


async def test_mongodb_stays_away_for_a_while(mongod: SessionMongod, database: str) -> None:
    """Until the log could be read again nothing is stored; then what waits is, in order."""
    async with bench(mongod, database) as at:
        room, original, tries = new_room(), at.history.following, []

        async def away(*arguments: Any) -> list[Entry]:
            tries.append(arguments)
            if len(tries) < 3:
                raise Unavailable("away")
            return await original(*arguments)

        replace_methods(at.history, following=away)
        at.history.failing = Unavailable("away")
        with ExpectLog("parley.commit", "a batch of 1 was not stored"), pytest.raises(Unavailable):
            await at.send(room, "lost")
        found = await asyncio.gather(*(at.send(room, text) for text in ("one", "two")))
        assert [stored.entry.seq for stored in found] == [1, 2]
        assert len(tries) >= 3


async def test_the_queue_is_bounded(mongod: SessionMongod, database: str) -> None:
    """More than the queue holds is refused at once, and what it holds is stored."""
    async with bench(mongod, database, queue=3) as at:
        room = new_room()
        at.history.gate.clear()
        held = [at.send(room) for _ in range(3)]
        with pytest.raises(Unavailable, match="Too much"):
            at.send(room)
        at.history.gate.set()
        assert [(await each).entry.seq for each in held] == [1, 2, 3]
        assert (await at.send(room)).entry.seq == 4


async def test_a_fault_of_ours_ends_nothing(mongod: SessionMongod, database: str) -> None:
    """An exception in one batch is logged, its senders time out, and the next change is stored."""
    async with bench(mongod, database) as at:
        room = new_room()
        at.commit._timeout = 0.1
        at.history.failing = RuntimeError("a fault of the test")
        with ExpectLog("parley.commit", "a batch failed"), pytest.raises(Unavailable):
            await at.send(room)
        at.commit._timeout = 10
        assert (await at.send(room)).new


# Stopping


async def test_stopping_finishes_what_was_accepted(mongod: SessionMongod, database: str) -> None:
    """What was accepted is stored and answered; what comes later is refused; a known key is still answered."""
    async with bench(mongod, database) as at:
        room, key = new_room(), new_key()
        await at.send(room, key=key)
        at.history.gate.clear()
        accepted = [at.send(room) for _ in range(10)]
        stopping = asyncio.create_task(at.commit.stop(10))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="stopping"):
            at.send(room)
        assert (await at.send(room, key=key)).entry.seq == 1
        at.history.gate.set()
        await stopping
        assert [(await each).entry.seq for each in accepted] == list(range(2, 12))


async def test_stopping_does_not_wait_for_ever(mongod: SessionMongod, database: str) -> None:
    """What could not be stored in time is answered with `unavailable`."""
    async with bench(mongod, database) as at:
        room = new_room()
        at.history.gate.clear()
        accepted = at.send(room)
        await at.commit.stop(0.05)
        with pytest.raises(Unavailable, match="stopping"):
            await accepted
        assert not room.under_way


async def test_stopping_before_starting_is_harmless(mongod: SessionMongod, database: str) -> None:
    """A server that never came up can be stopped."""
    connection = mongod.connection(database)
    commit = GroupCommit(History(connection.database), batch=1, queue=1, timeout=1, heal_interval=1)
    await commit.stop(1)
    connection.close()
