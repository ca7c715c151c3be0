"""Homes: what several processes say in one room is stored by one of them, or by whoever can if that fails."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat import commit as commit_module
from chat.bus import Exchange, LocalBus
from chat.commit import GroupCommit
from chat.entries import Author, Entry
from chat.history import History
from chat.kinds import Kinds
from chat.pending import Stored
from chat.people import User
from chat.registry import RoomRegistry
from chat.relay import Relay
from chat.room import Room
from tests.clock import FakeClock
from tests.mongo import SessionMongod
from tests.rooms import ANN, BOB, new_key
from tests.waiting import until


class Process:
    """One process: its end of the bus, its rooms, and its commits. `inserts` are the sizes of those."""

    def __init__(self, name: str, exchange: Exchange, history: History) -> None:
        self.bus = LocalBus(name, exchange)
        self.inserts: list[int] = []
        self.commit = GroupCommit(
            history,
            batch=100,
            queue=1_000,
            timeout=10,
            heal_interval=0.1,
            bus=self.bus,
            observe=lambda entries, seconds: self.inserts.append(entries),
        )
        self.registry = RoomRegistry(
            history, FakeClock().call_later, keep=200, presence_limit=10, idle=300, bus=self.bus
        )
        self.relay = Relay(self.bus, self.registry, self.commit, Kinds())

    def say(self, room: Room, text: str, user: User = ANN) -> "asyncio.Future[Stored]":
        author = Author(user.id, user.name)
        draft = Entry(type="message", room=room.name, seq=0, user=author, at=0, key=new_key(), kind="text", text=text)
        return self.commit.append(room, draft)


@asynccontextmanager
async def processes(mongod: SessionMongod, database: str) -> AsyncIterator[tuple[Process, Process, Room, Room]]:
    """The home of a room and another process, with the room as each has it; each has just seen the other write."""
    async with mongod.history(database) as history:
        exchange = Exchange()
        both = [Process(name, exchange, history) for name in ("one", "two")]
        for each in both:
            each.commit.start()
        rooms = [await each.registry.wake("lobby") for each in both]
        for room in rooms:
            room.rivalled = asyncio.get_running_loop().time() + 1_000
        is_first = not both[0].commit._homes._home_of(rooms[0])
        home, other = (0, 1) if is_first else (1, 0)
        try:
            yield both[home], both[other], rooms[home], rooms[other]
        finally:
            for each in both:
                await each.commit.stop(1)


async def test_the_home_stores_what_others_hand_over(mongod: SessionMongod, database: str) -> None:
    """In the order in which it was said; the one who handed it over answers when the entry has come back."""
    async with processes(mongod, database) as (home, other, home_room, other_room):
        stored = await asyncio.gather(*(other.say(other_room, str(number)) for number in range(20)))
        assert [each.entry.text for each in sorted(stored, key=lambda each: each.entry.seq)] == [
            str(number) for number in range(20)
        ]
        assert (sum(home.inserts), sum(other.inserts)) == (20, 0)
        assert home_room.seq == other_room.seq == 20
        await home.say(home_room, "from the home", BOB)
        assert sum(home.inserts) == 21


async def test_without_rivals_each_stores_its_own(mongod: SessionMongod, database: str) -> None:
    """A room that one process alone writes takes no longer way."""
    async with processes(mongod, database) as (home, other, _, other_room):
        other_room.rivalled = 0
        await other.say(other_room, "hi")
        assert (home.inserts, other.inserts) == ([], [1])


async def test_who_sees_the_other_write_hands_over_from_then_on(mongod: SessionMongod, database: str) -> None:
    """What the other has stored in the room is seen as soon as the bus brings it."""
    async with processes(mongod, database) as (home, other, home_room, other_room):
        other_room.rivalled = 0
        first = other.say(other_room, "first")
        await home.say(home_room, "rival", BOB)
        await first
        await until(lambda: other_room.seq == 2)
        second = await other.say(other_room, "second")
        assert second.entry.seq == 3
        assert sum(other.inserts) == 1


async def test_a_home_that_does_not_answer_is_not_waited_for(mongod: SessionMongod, database: str) -> None:
    """After a moment it is stored here; one that answers late has changed nothing."""
    async with processes(mongod, database) as (home, other, home_room, other_room):
        hears, home.bus._listeners = home.bus._listeners, {}
        begun = time.monotonic()
        stored = await asyncio.gather(other.say(other_room, "one"), other.say(other_room, "two"))
        assert time.monotonic() - begun >= commit_module.AWAY
        assert [each.entry.seq for each in stored] == [1, 2]
        assert sum(other.inserts) == 2
        home.bus._listeners = hears
        assert (await other.say(other_room, "three")).entry.seq == 3
        assert home_room.seq == other_room.seq == 3


async def test_a_key_that_the_home_knows_is_the_entry_of_then(mongod: SessionMongod, database: str) -> None:
    """Sent again at another process it is stored once."""
    async with processes(mongod, database) as (home, other, home_room, other_room):
        key = new_key()
        draft = Entry(type="message", room="lobby", seq=0, user=ANN.author, at=0, key=key, kind="text", text="once")
        first, second = await asyncio.gather(
            home.commit.append(home_room, draft), other.commit.append(other_room, draft)
        )
        assert first.entry.seq == second.entry.seq == 1
        assert home_room.seq == 1
