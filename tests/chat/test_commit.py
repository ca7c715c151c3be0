"""Group commit, with a real MongoDB: order, keys, conflicts, and what is done when MongoDB does not answer."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.testing import ExpectLog

from chat import commit as commit_module
from chat.commit import GroupCommit, Stored
from chat.entries import Author, Entry
from chat.errors import Unavailable
from chat.history import History
from chat.room import Room
from tests.mongo import SessionMongod
from tests.rooms import ANN, BOB, FakeWaiter, message, new_key, new_room
from tests.waiting import until


class WatchedHistory(History):
    """Remembers the sizes of its inserts, and lets a test stand between them and MongoDB."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.inserts: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing: Exception | None = None
        self.before: Callable[[], Any] | None = None

    async def insert(self, entries: Sequence[tuple[str, Entry]]) -> None:
        self.inserts.append(len(entries))
        await self.gate.wait()
        if self.before is not None:
            before, self.before = self.before, None
            await before()
        if self.failing is not None:
            failing, self.failing = self.failing, None
            raise failing
        await super().insert(entries)


class Bench:
    """A GroupCommit at work on a database of its own."""

    def __init__(self, history: WatchedHistory, commit: GroupCommit) -> None:
        self.history = history
        self.commit = commit

    def send(self, room: Room, text: str = "hi", *, key: str = "", user: Any = ANN) -> "asyncio.Future[Stored]":
        author = Author(user.id, user.name)
        draft = Entry(type="message", room=room.name, seq=0, user=author, at=0, key=key or new_key(), text=text)
        return self.commit.append(room, draft)


@asynccontextmanager
async def bench(mongod: SessionMongod, database: str, *, timeout: float = 10.0, **values: Any) -> AsyncIterator[Bench]:
    """`timeout`: of one operation of MongoDB, in seconds."""
    bounds: dict[str, Any] = {"batch": 1_000, "queue": 10_000, "timeout": 10.0, "heal_interval": 0.05} | values
    connection = mongod.connection(database)
    quick = mongod.connection(database, timeout=timeout)
    history = WatchedHistory(quick.database)
    await History(connection.database).prepare()
    commit = GroupCommit(history, **bounds)
    commit.start()
    try:
        yield Bench(history, commit)
    finally:
        await commit.stop(1)
        connection.close()
        quick.close()


async def test_stores_and_then_publishes(mongod: SessionMongod, database: str) -> None:
    """A change is in the log before anybody is told, and its sender is told after the others."""
    async with bench(mongod, database) as at:
        room, waiter = new_room(), FakeWaiter(BOB)
        room.join(waiter)
        at.history.gate.clear()
        sent = at.send(room, "hello")
        await until(lambda: at.history.inserts)
        assert not waiter.seqs and not sent.done()
        at.history.gate.set()
        stored = await sent
        assert waiter.seqs == [1]
        assert (stored.new, stored.entry.seq, stored.entry.text) == (True, 1, "hello")
        assert await at.history.newest("lobby", 10) == [stored.entry]


async def inserts_of(at: Bench, people: int, messages: int) -> list[int]:
    """The sizes of the inserts of so many who send as fast as they are answered, each a turn later than the one
    before; the first one alone has begun when the others come."""
    room = new_room()

    async def talk(pause: int) -> None:
        for _ in range(messages):
            await at.send(room)
            for _ in range(pause):
                await asyncio.sleep(0)

    at.history.gate.clear()
    first = asyncio.create_task(talk(0))
    await until(lambda: at.history.inserts)
    others = [asyncio.create_task(talk(pause)) for pause in range(1, people)]
    await asyncio.sleep(0.05)
    at.history.gate.set()
    await asyncio.gather(first, *others)
    return at.history.inserts


async def test_many_who_are_answered_together_stay_together(mongod: SessionMongod, database: str) -> None:
    """Those who come a little later are waited for: they do not fall into two groups."""
    async with bench(mongod, database) as at:
        assert await inserts_of(at, 8, 10) == [1, *[8] * 9, 7]


async def test_a_few_are_not_waited_for(mongod: SessionMongod, database: str) -> None:
    """Each is stored as it comes, though another may follow at once."""
    async with bench(mongod, database) as at:
        assert max(await inserts_of(at, 2, 10)) == 1


async def test_gathers_while_an_insert_is_under_way(mongod: SessionMongod, database: str) -> None:
    """What comes for any room while one insert is under way goes together in the next, in the order it came."""
    async with bench(mongod, database) as at:
        rooms = [new_room(name="a"), new_room(name="b")]
        waiters = [FakeWaiter(BOB), FakeWaiter(BOB)]
        for room, waiter in zip(rooms, waiters, strict=True):
            room.join(waiter)
        at.history.gate.clear()
        first = at.send(rooms[0])
        await until(lambda: at.history.inserts)
        later = [at.send(room, str(n)) for n, room in enumerate(rooms * 50)]
        at.history.gate.set()
        await asyncio.gather(first, *later)
        assert at.history.inserts == [1, 100]
        assert [waiter.seqs for waiter in waiters] == [list(range(1, 52)), list(range(1, 51))]
        assert len(waiters[1].broadcasts) == 1


async def test_a_batch_is_bounded(mongod: SessionMongod, database: str) -> None:
    """No insert takes more than the batch's size."""
    async with bench(mongod, database, batch=10) as at:
        room = new_room()
        await asyncio.gather(*(at.send(room) for _ in range(35)))
        assert max(at.history.inserts) <= 10
        assert sum(at.history.inserts) == 35
        assert [entry.seq for entry in await at.history.newest("lobby", 100)] == list(range(1, 36))


async def test_times_never_run_backwards(mongod: SessionMongod, database: str) -> None:
    """When the clock is put back, entries keep the latest time there was."""
    times = itertools.chain([5_000.0, 4_000.0], itertools.repeat(6_000.0))
    async with bench(mongod, database, wall=lambda: next(times)) as at:
        room = new_room()
        found = [(await at.send(room)).entry.at for _ in range(3)]
        assert found == [5_000_000, 5_000_000, 6_000_000]


# Keys


async def test_a_repeated_key_gets_the_entry_of_then(mongod: SessionMongod, database: str) -> None:
    """From memory, and from the log when memory has forgotten it; nothing is stored or published again."""
    async with bench(mongod, database) as at:
        room, waiter = new_room(keep=1), FakeWaiter(BOB)
        room.join(waiter)
        key = new_key()
        first = await at.send(room, "once", key=key)
        again = await at.send(room, "twice", key=key)
        assert (again.new, again.entry) == (False, first.entry)
        await at.send(room)
        assert room.tail.entry_of(key) is None
        later = await at.send(room, "thrice", key=key)
        assert (later.new, later.entry.text, later.entry.seq) == (False, "once", 1)
        assert waiter.seqs == [1, 2]
        await at.send(room)
        assert [entry.seq for entry in await at.history.newest("lobby", 10)] == [1, 2, 3]


async def test_a_key_under_way_is_stored_once(mongod: SessionMongod, database: str) -> None:
    """The same key twice before an answer is one entry, and both are answered with it."""
    async with bench(mongod, database) as at:
        room, key = new_room(), new_key()
        both = [at.send(room, "one", key=key), at.send(room, "two", key=key)]
        found = await asyncio.gather(*both)
        assert [stored.entry.text for stored in found] == ["one", "one"]
        assert room.seq == 1


async def test_the_same_key_in_two_rooms_is_two_entries(mongod: SessionMongod, database: str) -> None:
    """A key belongs to its room."""
    async with bench(mongod, database) as at:
        key = new_key()
        found = await asyncio.gather(*(at.send(new_room(name=name), key=key) for name in "ab"))
        assert [stored.new for stored in found] == [True, True]


async def test_a_known_key_in_a_batch_costs_the_others_nothing(mongod: SessionMongod, database: str) -> None:
    """Where one key of a batch is known to the log, the rest is stored in order without a hole."""
    async with bench(mongod, database) as at:
        room, waiter = new_room(keep=1), FakeWaiter(BOB)
        room.join(waiter)
        keys = [new_key() for _ in range(3)]
        for key in keys:
            await at.send(room, key=key)
        at.history.gate.clear()
        held = at.send(room, "held")
        await until(lambda: len(at.history.inserts) == 4)
        batch = [at.send(room, text, key=key) for text, key in zip("abcd", [keys[0], "", keys[1], ""], strict=True)]
        at.history.gate.set()
        found = await asyncio.gather(held, *batch)
        assert [(stored.new, stored.entry.seq) for stored in found] == [
            (True, 4),
            (False, 1),
            (True, 5),
            (False, 2),
            (True, 6),
        ]
        assert waiter.seqs == [1, 2, 3, 4, 5, 6]


async def test_one_room_that_cannot_publish(
    mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room that fails at publishing costs the other rooms of the batch, and the senders, nothing."""

    def fail(entries: list[Entry]) -> None:
        raise RuntimeError("no")

    async with bench(mongod, database) as at:
        broken, sound, waiter = new_room(name="broken"), new_room(name="sound"), FakeWaiter(BOB)
        sound.join(waiter)
        monkeypatch.setattr(broken, "publish", fail)
        with ExpectLog("parley.commit", "publishing in 'broken' failed"):
            found = await asyncio.gather(at.send(broken), at.send(sound))
        assert [stored.entry.seq for stored in found] == [1, 1]
        assert waiter.seqs == [1]


# Other writers


async def test_another_process_wrote_first(mongod: SessionMongod, database: str) -> None:
    """Entries of another process are published in their place, and ours take the next numbers."""
    async with bench(mongod, database) as at:
        room, waiter = new_room(), FakeWaiter(BOB)
        room.join(waiter)
        await at.send(room, "ours")
        await at.history.insert([("lobby", message(2, BOB, "theirs")), ("lobby", message(3, BOB, "theirs too"))])
        found = await asyncio.gather(at.send(room, "next"), at.send(room, "last"))
        assert [stored.entry.seq for stored in found] == [4, 5]
        assert waiter.seqs == [1, 2, 3, 4, 5]
        texts = [entry.text for entry in await at.history.newest("lobby", 10)]
        assert texts == ["ours", "theirs", "theirs too", "next", "last"]


async def test_two_processes_write_at_once(mongod: SessionMongod, database: str) -> None:
    """Two writers of one room make one log without holes, and both publish all of it in order."""
    async with bench(mongod, database, batch=5) as here, bench(mongod, database, batch=7) as there:
        rooms, waiters = [new_room(), new_room()], [FakeWaiter(ANN), FakeWaiter(BOB)]
        for room, waiter in zip(rooms, waiters, strict=True):
            room.join(waiter)
        sends = []
        for n in range(60):
            sends.append(here.send(rooms[0], f"here {n}"))
            sends.append(there.send(rooms[1], f"there {n}"))
            if n % 7 == 0:
                await asyncio.sleep(0.001)
        found = await asyncio.gather(*sends)
        log = await here.history.newest("lobby", 1_000)
        assert [entry.seq for entry in log] == list(range(1, 121))
        for mine, name in ((found[::2], "here"), (found[1::2], "there")):
            assert [entry.text for entry in log if (entry.text or "").startswith(name)] == [
                f"{name} {n}" for n in range(60)
            ]
            assert sorted(stored.entry.seq for stored in mine) == [stored.entry.seq for stored in mine]
        for room, waiter, at in ((rooms[0], waiters[0], here), (rooms[1], waiters[1], there)):
            await at.send(room, "flush")
            assert waiter.seqs == list(range(1, room.seq + 1))


async def test_our_key_was_stored_by_another_process(mongod: SessionMongod, database: str) -> None:
    """A client that sent to another process first gets the entry of there, and those here are told of it."""
    async with bench(mongod, database) as at:
        room, waiter, key = new_room(), FakeWaiter(BOB), new_key()
        room.join(waiter)
        await at.history.insert([("lobby", message(1, ANN, "there", key=key))])
        stored = await at.send(room, "here", key=key)
        assert (stored.new, stored.entry.text) == (False, "there")
        assert waiter.seqs == [1]
        assert room.pending == 0


async def test_a_known_key_that_is_gone_is_stored_after_all(mongod: SessionMongod, database: str) -> None:
    """Should the entry of a known key vanish between two looks, the change is stored anew."""
    async with bench(mongod, database) as at:
        room, key = new_room(), new_key()
        raw = mongod.client[database].entries
        original = at.history.entry_of

        async def vanishing(*arguments: str) -> Entry | None:
            raw.delete_many({})
            at.history.entry_of = original  # type: ignore[method-assign]
            return await original(*arguments)

        at.history.entry_of = vanishing  # type: ignore[method-assign]
        await at.history.insert([("lobby", message(5, key=key))])
        stored = await at.send(room, key=key)
        assert (stored.new, stored.entry.seq) == (True, 1)


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
        assert room.pending == 0


async def test_a_late_write_is_found(mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that arrives after its sender was told `unavailable` is published, and its key is answered with it."""
    monkeypatch.setattr(commit_module, "LATE_WRITES", 1.0)
    async with bench(mongod, database, timeout=0.8, heal_interval=0.1) as at:
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
    monkeypatch.setattr(commit_module, "LATE_WRITES", 0.5)
    async with bench(mongod, database) as at:
        room, waiter = new_room(), FakeWaiter(BOB)
        room.join(waiter)
        at.history.failing = Unavailable("away")
        with ExpectLog("parley.commit", "a batch of 1 was not stored"), pytest.raises(Unavailable):
            await at.send(room)
        await History.insert(at.history, [("lobby", message(1, ANN, "late"))])
        await until(lambda: waiter.seqs == [1])
        await until(lambda: not at.commit._watched)
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
        assert room.pending == 0
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
            at.history.entry_of = original  # type: ignore[method-assign]
            raise Unavailable("away")

        at.history.entry_of = away  # type: ignore[method-assign]
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

        at.history.following = away  # type: ignore[method-assign]
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
        assert room.pending == 0


async def test_stopping_before_starting_is_harmless(mongod: SessionMongod, database: str) -> None:
    """A server that never came up can be stopped."""
    connection = mongod.connection(database)
    commit = GroupCommit(History(connection.database), batch=1, queue=1, timeout=1, heal_interval=1)
    await commit.stop(1)
    connection.close()
