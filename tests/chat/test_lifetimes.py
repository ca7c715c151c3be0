"""Lifetimes: how rooms and their entries end."""

import asyncio
import logging
from typing import Any

import pytest
from msgspec.structs import replace
from tornado.testing import ExpectLog

from chat.chat import Chat
from chat.entries import Author, Entry
from chat.errors import NotFound, Unavailable
from chat.lifetimes import Lifetimes, LifetimeTable
from chat.policy import Policy
from chat.room import Room
from chat.times import DAY
from tests.chats import open_chat
from tests.mongo import SessionMongod
from tests.rooms import ANN, BOB, FakeWaiter, message, new_key
from tests.waiting import until


class Clock:
    """Monotonic and wall time alike, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def lifetimes_of(chat: Chat, clock: Clock, **values: float) -> Lifetimes:
    table = LifetimeTable(**({"ephemeral_grace": 30, "watch_interval": 0.01, "forget_interval": 0.01} | values))
    return Lifetimes(chat.history, chat.registry, chat.commit, table, clock=clock, wall=clock)


def send(chat: Chat, room: Room, text: str = "hi", key: str = "") -> "asyncio.Future[Any]":
    draft = Entry(
        type="message", room=room.name, seq=0, user=Author(ANN.id, ANN.name), at=0, key=key or new_key(), text=text
    )
    return chat.commit.append(room, draft)


async def store(chat: Chat, room: Room, *days: float) -> None:
    """Entries of these ages in days at time 1,000 s, the oldest first."""
    entries = [
        message(seq, room=room.name, at=int(1_000_000 - age * DAY)) for seq, age in enumerate(days, room.seq + 1)
    ]
    await chat.history.insert([(room.key, entry) for entry in entries])
    room.publish(entries)


# Deletion


async def test_a_deleted_room_is_gone(mongod: SessionMongod, database: str) -> None:
    """Whoever is in it is out with a reason, its log and its record are gone, and the next of its name is another."""
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("Lobby", None)
        for text in ("one", "two"):
            await send(chat, room, text)
        await send(chat, await chat.registry.make("other", None))
        waiters = [FakeWaiter(ANN), FakeWaiter(BOB)]
        for waiter in waiters:
            room.join(waiter)
        await chat.house.lifetimes.delete(room)
        for waiter in waiters:
            error, code = waiter.refused[0]
            assert (error.code, error.reason, code) == ("forbidden", "The room has been deleted.", 4403)
        assert not room.is_visited
        raw = mongod.client[database]
        assert (raw.entries.count_documents({"log": "lobby"}), raw.entries.count_documents({})) == (0, 1)
        assert [found["_id"] for found in raw.rooms.find()] == ["other"]
        with pytest.raises(NotFound):
            await chat.registry.find("lobby")
        again = await chat.registry.wake("lobby")
        assert again.epoch != room.epoch
        assert (again.seq, again.name) == (0, "lobby")


async def test_a_room_is_deleted_once(mongod: SessionMongod, database: str) -> None:
    """Whoever comes second is told that there is none."""
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("a", None)
        results = await asyncio.gather(*(chat.house.lifetimes.delete(room) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [type(None), NotFound, NotFound]
        with pytest.raises(NotFound):
            await chat.registry.govern(room, lambda policy: replace(policy, locked=True))


async def test_what_is_under_way_is_refused_or_goes_with_the_room(mongod: SessionMongod, database: str) -> None:
    """Messages that are being stored while the room is deleted leave nothing in the store; later ones are refused."""
    async with open_chat(mongod, database) as chat:
        room, other = await chat.registry.make("a", None), await chat.registry.make("b", None)
        gate, insert = asyncio.Event(), chat.history.insert

        async def late(entries: Any) -> None:
            await gate.wait()
            await insert(entries)

        chat.history.insert = late  # type: ignore[method-assign]
        first = send(chat, room)
        await until(chat.commit._storing.locked)
        queued, elsewhere = send(chat, room), send(chat, other)
        deleting = asyncio.create_task(chat.house.lifetimes.delete(room))
        with pytest.raises(NotFound):
            await queued
        with pytest.raises(NotFound):
            send(chat, room)
        assert not deleting.done()
        gate.set()
        assert (await first).entry.seq == 1
        await deleting
        assert (await elsewhere).entry.seq == 1
        assert mongod.client[database].entries.count_documents({"log": "a"}) == 0
        assert (await chat.registry.wake("a")).seq == 0


async def test_what_was_next_in_a_batch_that_failed_is_refused(mongod: SessionMongod, database: str) -> None:
    """What has to be stored again, as another write came first, is not stored in a room that is over by then."""
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("a", None)
        insert = chat.history.insert

        async def beaten(entries: Any) -> None:
            chat.history.insert = insert  # type: ignore[method-assign]
            await insert([("a", message(1, room="a"))])
            room.end()
            await insert(entries)

        chat.history.insert = beaten  # type: ignore[method-assign]
        with pytest.raises(NotFound):
            await send(chat, room)
        assert room.seq == 1


async def test_a_doubtful_write_is_waited_for(mongod: SessionMongod, database: str) -> None:
    """While a write may still arrive the log is not erased, and the name not given to another room; then it is."""
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("a", None)
        await send(chat, room)
        chat.commit._watched[room] = asyncio.get_running_loop().time() + 60
        await chat.house.lifetimes.delete(room)
        with pytest.raises(NotFound):
            await chat.registry.find("a")
        with pytest.raises(Unavailable, match="being deleted"):
            await chat.registry.wake("a")
        with pytest.raises(Unavailable, match="being deleted"):
            await chat.registry.make("a", None)
        assert await chat.registry.rooms(10) == []
        assert mongod.client[database].entries.count_documents({}) == 1
        await chat.house.lifetimes.end_empty()
        assert mongod.client[database].entries.count_documents({}) == 1
        del chat.commit._watched[room]
        await chat.house.lifetimes.end_empty()
        assert mongod.client[database].entries.count_documents({}) == 0
        assert (await chat.registry.wake("a")).epoch != room.epoch


async def test_a_deletion_that_was_interrupted_is_finished(mongod: SessionMongod, database: str) -> None:
    """A server that is killed between leaves a room that is found by nobody, and erased by the next server."""
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("a", None)
        await send(chat, room)
        await chat.registry.remove(room)
    async with open_chat(mongod, database) as chat:
        with pytest.raises(NotFound):
            await chat.registry.find("a")
        await chat.house.lifetimes.end_empty()
        raw = mongod.client[database]
        assert raw.entries.count_documents({}) == raw.rooms.count_documents({}) == 0


async def test_a_deletion_that_cannot_be_stored_does_not_happen(mongod: SessionMongod, database: str) -> None:
    """While MongoDB is away the room stays as it was."""
    async with open_chat(mongod, database) as chat:
        room, waiter = await chat.registry.make("a", None), FakeWaiter(ANN)
        room.join(waiter)

        async def away(*_: object) -> Any:
            raise Unavailable("away")

        doom, chat.history.doom = chat.history.doom, away  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            await chat.house.lifetimes.delete(room)
        assert not room.over and room.plain and not waiter.refused
        assert await chat.registry.find("a") is room
        chat.history.doom = doom  # type: ignore[method-assign]
        await chat.house.lifetimes.delete(room)
        assert waiter.refused


async def test_a_long_log_is_erased(mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In as many steps as it takes, and what others keep of the room as well."""
    monkeypatch.setattr("chat.history.ERASED_AT_ONCE", 3)
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("a", None)
        await asyncio.gather(*(send(chat, room) for _ in range(10)))
        erased: list[str] = []

        async def eraser(key: str) -> None:
            erased.append(key)

        chat.house.lifetimes.also_erase(eraser)
        await chat.house.lifetimes.delete(room)
        assert erased == ["a"]
        assert mongod.client[database].entries.count_documents({}) == 0


async def test_deleting_while_others_come_and_write(mongod: SessionMongod, database: str) -> None:
    """However deletions, visits and messages meet: each log is whole, and nothing of an earlier room is in it."""
    async with open_chat(mongod, database, room_idle=0) as chat:
        stopped = asyncio.Event()
        refused = 0

        async def write(number: int) -> None:
            nonlocal refused
            while not stopped.is_set():
                try:
                    room = await chat.registry.wake("a")
                    await send(chat, room, room.epoch)
                except (NotFound, Unavailable):
                    refused += 1
                await asyncio.sleep(0)

        async def delete() -> None:
            for _ in range(15):
                await asyncio.sleep(0.01)
                await chat.house.lifetimes.delete(await chat.registry.wake("a"))
            stopped.set()

        async with asyncio.timeout(25), asyncio.TaskGroup() as tasks:
            for number in range(5):
                tasks.create_task(write(number))
            tasks.create_task(delete())
        raw = list(mongod.client[database].entries.find({"log": "a"}).sort("seq", 1))
        assert [entry["seq"] for entry in raw] == list(range(1, len(raw) + 1))
        room = await chat.registry.wake("a")
        assert {entry["text"] for entry in raw} <= {room.epoch}
        assert room.seq == len(raw)
        assert refused > 0


# Ephemeral rooms

EPHEMERAL = Policy(ephemeral=True)


async def test_an_ephemeral_room_goes_after_the_last_one(mongod: SessionMongod, database: str) -> None:
    """Not while somebody is there, nor before the time is over, and whoever comes back within it begins it anew."""
    async with open_chat(mongod, database) as chat:
        clock = Clock()
        lifetimes = lifetimes_of(chat, clock)
        room, waiter = await chat.registry.make("a", None, EPHEMERAL), FakeWaiter(ANN)
        await chat.registry.make("kept", None)
        room.join(waiter)

        async def after(seconds: float) -> bool:
            """Whether the room is still there so much later."""
            clock.now += seconds
            await lifetimes.end_empty()
            return not room.over

        assert await after(0) and await after(100)
        room.leave(waiter)
        assert await after(1) and await after(29)
        room.join(waiter)
        room.leave(waiter)  # between two looks
        assert await after(1) and await after(29)
        assert not await after(1)
        assert [record["_id"] for record in mongod.client[database].rooms.find()] == ["kept"]
        assert lifetimes._empty.keys() <= {room}
        await lifetimes.end_empty()
        assert not lifetimes._empty


async def test_an_ephemeral_room_nobody_ever_enters_goes(mongod: SessionMongod, database: str) -> None:
    """The time runs from its making."""
    async with open_chat(mongod, database) as chat:
        clock = Clock()
        lifetimes = lifetimes_of(chat, clock)
        room = await chat.registry.make("a", None, EPHEMERAL)
        await chat.registry.drop_idle()
        await lifetimes.end_empty()
        clock.now += 31
        await lifetimes.end_empty()
        assert room.over


async def test_an_ephemeral_room_outlives_a_restart_for_its_time(mongod: SessionMongod, database: str) -> None:
    """After the start there is time to come back; then it goes, without anybody having asked for it."""
    async with open_chat(mongod, database) as chat:
        for name in ("a", "b", "c"):
            await chat.registry.make(name, None, EPHEMERAL)
        await chat.registry.make("kept", None)
    async with open_chat(mongod, database) as chat:
        clock, waiter = Clock(), FakeWaiter(ANN)
        lifetimes = lifetimes_of(chat, clock)
        await lifetimes.recover()
        assert len(chat.registry) == 0
        room = await chat.registry.find("b")
        room.join(waiter)

        async def left(seconds: float) -> set[str]:
            clock.now += seconds
            await lifetimes.end_empty()
            return {found["_id"] for found in mongod.client[database].rooms.find()}

        assert await left(29) == {"a", "b", "c", "kept"}
        assert await left(1) == {"b", "kept"}
        room.leave(waiter)
        assert await left(29) == {"b", "kept"}
        assert await left(30) == {"kept"}


async def test_an_end_while_mongodb_is_away_comes_later(mongod: SessionMongod, database: str) -> None:
    """The loop goes on, whatever happens, and says what it did not expect."""
    async with open_chat(mongod, database) as chat:
        clock = Clock()
        lifetimes = lifetimes_of(chat, clock, ephemeral_grace=0)
        room = await chat.registry.make("a", None, EPHEMERAL)
        doom, failures = chat.history.doom, iter([Unavailable("away"), RuntimeError("of the test")])

        async def failing(key: str) -> None:
            error = next(failures, None)
            if error is not None:
                raise error
            await doom(key)

        chat.history.doom = failing  # type: ignore[method-assign]
        with ExpectLog("parley.lifetimes", "a room's lifetime could not be kept", level=logging.ERROR):
            running = asyncio.create_task(lifetimes.run())
            await until(lambda: room.over and not lifetimes._doomed)
            running.cancel()


# Entries that are too old


async def test_forgets_what_is_too_old(mongod: SessionMongod, database: str) -> None:
    """In rooms that keep entries for some days, in memory and in the store, and nowhere else."""
    async with open_chat(mongod, database) as chat:
        clock = Clock()
        lifetimes = lifetimes_of(chat, clock)
        room, kept = await chat.registry.make("a", None, Policy(days=2)), await chat.registry.make("b", None)
        for each in (room, kept):
            await store(chat, each, 5, 3, 2.5, 1, 0)
        await lifetimes.forget_old()
        raw = mongod.client[database].entries
        assert sorted(entry["seq"] for entry in raw.find({"log": "a"})) == [4, 5]
        assert raw.count_documents({"log": "b"}) == 5
        assert (room.forgotten, room.seq, room.tail.since(0)) == (3, 5, None)
        assert [entry.seq for entry in room.tail.latest_messages(50) or []] == [4, 5]
        assert kept.forgotten == 0
        clock.now += 1.5 * DAY / 1000
        await lifetimes.forget_old()
        assert sorted(entry["seq"] for entry in raw.find({"log": "a"})) == [5]


async def test_a_log_that_is_forgotten_goes_on_counting(mongod: SessionMongod, database: str) -> None:
    """When nothing is left a room that wakes goes on after the last entry that anybody has seen."""
    async with open_chat(mongod, database, room_idle=0) as chat:
        clock = Clock()
        lifetimes = lifetimes_of(chat, clock)
        room = await chat.registry.make("a", None, Policy(days=1))
        await store(chat, room, 3, 2, 1.5)
        await chat.registry.mark_active()
        await chat.registry.drop_idle()
        assert chat.registry.get("a") is None
        await lifetimes.forget_old()
        assert mongod.client[database].entries.count_documents({}) == 0
        again = await chat.registry.find("a")
        assert (again.seq, again.forgotten, again.epoch) == (3, 3, room.epoch)
        assert (await send(chat, again)).entry.seq == 4


async def test_forgets_in_steps(mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much it is."""
    monkeypatch.setattr("chat.lifetimes.FORGOTTEN_AT_ONCE", 2)
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("a", None, Policy(days=1))
        await store(chat, room, 9, 8, 7, 6, 5, 0)
        await lifetimes_of(chat, Clock()).forget_old()
        assert [entry["seq"] for entry in mongod.client[database].entries.find()] == [6]
        assert room.forgotten == 5


async def test_who_wakes_while_entries_are_forgotten(mongod: SessionMongod, database: str) -> None:
    """A room that was being read meanwhile counts on rightly, and loses what it read at the next look."""
    async with open_chat(mongod, database, room_idle=0) as chat:
        lifetimes = lifetimes_of(chat, Clock())
        room = await chat.registry.make("a", None, Policy(days=1))
        await store(chat, room, 3, 2)
        await chat.registry.mark_active()
        await chat.registry.drop_idle()
        newest = chat.history.newest

        async def before(key: str, limit: int) -> Any:
            await lifetimes.forget_old()
            return await newest(key, limit)

        chat.history.newest = before  # type: ignore[method-assign]
        assert (await chat.registry.find("a")).seq == 2

        async def after(key: str, limit: int) -> Any:
            found = await newest(key, limit)
            await lifetimes.forget_old()
            return found

        room = await chat.registry.make("b", None, Policy(days=1))
        await store(chat, room, 3, 2)
        await chat.registry.mark_active()
        await chat.registry.drop_idle()
        chat.history.newest = after  # type: ignore[method-assign]
        late = await chat.registry.find("b")
        assert (late.seq, late.tail.entry_at(2) is not None) == (2, True)
        await lifetimes.forget_old()
        assert (late.seq, late.tail.entry_at(2)) == (2, None)


async def test_what_is_forgotten_is_of_this_room(mongod: SessionMongod, database: str) -> None:
    """A room that is deleted, and made again meanwhile, forgets nothing of what the first one had."""
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("a", None, Policy(days=1))
        await store(chat, room, 3, 2)
        before = room.record
        await chat.house.lifetimes.delete(room)
        again = await chat.registry.make("a", None, Policy(days=1))
        await store(chat, again, 3, 2)
        assert await chat.history.forget(before, 10**15, 100) is None
        assert mongod.client[database].entries.count_documents({}) == 2
