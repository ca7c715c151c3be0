"""Lifetimes: how ephemeral rooms, and entries that are kept for some days, end."""

import asyncio
import logging
from typing import Any

import pytest
from msgspec.structs import replace
from tornado.testing import ExpectLog

from chat.errors import Unavailable
from chat.policy import Policy
from chat.room import Room, RoomRecord
from chat.times import DAY
from tests.chats import open_chat
from tests.lifetimes import Clock, lifetimes_of, send, store
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import ANN, FakeWaiter
from tests.waiting import until

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
        await chat.registry.in_memory.drop_idle()
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
        doom, failures = chat.history.rooms.doom, iter([Unavailable("away"), RuntimeError("of the test")])

        async def failing(record: RoomRecord) -> bool:
            error = next(failures, None)
            if error is not None:
                raise error
            return await doom(record)

        replace_methods(chat.history.rooms, doom=failing)
        with ExpectLog("parley.lifetimes", "a room's lifetime could not be kept", level=logging.ERROR):
            running = asyncio.create_task(lifetimes.run())
            await until(lambda: room.over and not lifetimes._doomed)
            running.cancel()


async def test_a_room_that_is_another_one_meanwhile_does_not_end(mongod: SessionMongod, database: str) -> None:
    """While the first of some ephemeral rooms is deleted, one of the others is made one that is kept, and somebody
    visits another: both stay."""
    async with open_chat(mongod, database) as chat:
        lifetimes = lifetimes_of(chat, Clock(), ephemeral_grace=0)
        _, kept, visited, _ = [await chat.registry.make(name, None, EPHEMERAL) for name in "abcd"]
        doom, gate, dooming = chat.history.rooms.doom, asyncio.Event(), asyncio.Event()

        async def held(record: RoomRecord) -> bool:
            dooming.set()
            await gate.wait()
            return await doom(record)

        replace_methods(chat.history.rooms, doom=held)
        ending = asyncio.create_task(lifetimes.end_empty())
        await dooming.wait()
        await chat.registry.govern(kept, lambda policy: replace(policy, ephemeral=False))
        waiter = FakeWaiter(ANN)
        visited.join(waiter)
        visited.leave(waiter)
        gate.set()
        await ending
        assert {found["_id"] for found in mongod.client[database].rooms.find()} == {"b", "c"}
        await lifetimes.end_empty()
        assert [found["_id"] for found in mongod.client[database].rooms.find()] == ["b"]


async def test_a_room_that_is_kept_since_the_start_does_not_end(mongod: SessionMongod, database: str) -> None:
    """It was an ephemeral one when the server started, and has fallen asleep since; or is just waking for its end."""
    async with open_chat(mongod, database) as chat:
        for name in ("a", "b"):
            await chat.registry.make(name, None, EPHEMERAL)
    async with open_chat(mongod, database, room_idle=0) as chat:
        clock = Clock()
        lifetimes = lifetimes_of(chat, clock)
        await lifetimes.recover()

        async def keep(name: str) -> None:
            room = await chat.registry.find(name)
            await chat.registry.govern(room, lambda policy: replace(policy, ephemeral=False))

        await keep("a")
        await chat.registry.in_memory.drop_idle()
        by_key = chat.registry.by_key

        async def late(key: str) -> Room:
            room = await by_key(key)
            await keep("b")
            return room

        replace_methods(chat.registry, by_key=late)
        clock.now += 30
        await lifetimes.end_empty()
        assert {found["_id"] for found in mongod.client[database].rooms.find()} == {"a", "b"}


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
        await chat.registry.in_memory.mark_active()
        await chat.registry.in_memory.drop_idle()
        assert chat.registry.get("a") is None
        await lifetimes.forget_old()
        assert mongod.client[database].entries.count_documents({}) == 0
        again = await chat.registry.find("a")
        assert (again.seq, again.forgotten, again.epoch) == (3, 3, room.epoch)
        assert (await send(chat, again)).entry.seq == 4


async def test_forgets_by_the_rule_that_holds(mongod: SessionMongod, database: str) -> None:
    """A room that keeps its entries for longer since it was looked at loses none by what held before."""
    async with open_chat(mongod, database) as chat:
        lifetimes = lifetimes_of(chat, Clock())
        rooms = [await chat.registry.make(name, None, Policy(days=1)) for name in ("a", "b", "c")]
        for room in rooms:
            await store(chat, room, 3, 2, 0)
        dated = chat.history.rooms.dated

        async def before() -> list[RoomRecord]:
            found = await dated()
            for room, days in zip(rooms, (1, 0, 3), strict=True):
                await chat.registry.govern(room, lambda policy, days=days: replace(policy, days=days))
            return found

        replace_methods(chat.history.rooms, dated=before)
        await lifetimes.forget_old()
        left = [(entry["log"], entry["seq"]) for entry in mongod.client[database].entries.find().sort("_id", 1)]
        assert sorted(left) == [("a", 3), *((key, seq) for key in "bc" for seq in (1, 2, 3))]
        assert [room.forgotten for room in rooms] == [2, 0, 0]


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
        await chat.registry.in_memory.mark_active()
        await chat.registry.in_memory.drop_idle()
        newest = chat.history.newest

        async def before(key: str, limit: int) -> Any:
            await lifetimes.forget_old()
            return await newest(key, limit)

        replace_methods(chat.history, newest=before)
        assert (await chat.registry.find("a")).seq == 2

        async def after(key: str, limit: int) -> Any:
            found = await newest(key, limit)
            await lifetimes.forget_old()
            return found

        room = await chat.registry.make("b", None, Policy(days=1))
        await store(chat, room, 3, 2)
        await chat.registry.in_memory.mark_active()
        await chat.registry.in_memory.drop_idle()
        replace_methods(chat.history, newest=after)
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
