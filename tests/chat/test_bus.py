"""The bus: what holds for each kind of it, and what MongoDB's change stream adds to that."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from pymongo.errors import PyMongoError
from tornado.testing import ExpectLog

from chat import processes
from chat.bus import Bus, Exchange, LocalBus
from chat.database import Connection, Document
from chat.entries import Entry
from chat.errors import Unavailable
from chat.history import History
from chat.mongo_bus import MongoBus
from chat.notes import Told
from chat.processes import Processes
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import ANN, message
from tests.waiting import until


class Ear:
    """What one process hears: notes with their senders, entries, deaths; it knows logs up to a number."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.notes: list[tuple[str, str]] = []
        self.entries: list[tuple[str, int]] = []
        self.dead: list[str] = []
        self.known: dict[str, int] = {}
        self.recoveries = 0
        self.unavailable = 0
        bus.follow(self)
        bus.hear(Told, lambda note, by: self.notes.append((note.room, by)))
        bus.mourn(self.dead.append)

    def wants(self, log: str, seq: int) -> bool:
        return log in self.known and seq > self.known[log]

    def take(self, log: str, entries: list[Entry]) -> None:
        self.entries += [(log, entry.seq) for entry in entries]

    async def recover(self) -> None:
        if self.unavailable:
            self.unavailable -= 1
            raise Unavailable("not now")
        self.recoveries += 1


class Stage:
    """Buses that are joined, and a log that they all know."""

    def __init__(self, make: Callable[[str], Awaitable[Bus]], history: History) -> None:
        self._make = make
        self._history = history
        self.buses: list[Bus] = []

    async def join(self, name: str) -> Ear:
        bus = await self._make(name)
        self.buses.append(bus)
        ear = Ear(bus)
        ear.known["lobby"] = 0
        await bus.start()
        return ear

    async def store(self, by: Ear, log: str, *seqs: int) -> None:
        entries = [message(seq) for seq in seqs]
        await self._history.insert([(log, entry) for entry in entries])
        by.bus.stored(log, entries)


@asynccontextmanager
async def _local(history: History, connection: Connection) -> AsyncIterator[Stage]:
    exchange = Exchange()

    async def make(name: str) -> Bus:
        return LocalBus(name, exchange)

    yield Stage(make, history)


@asynccontextmanager
async def _over_mongodb(history: History, connection: Connection) -> AsyncIterator[Stage]:
    async def make(name: str) -> Bus:
        return MongoBus(connection.database, connection.streaming(), name)

    stage = Stage(make, history)
    try:
        yield stage
    finally:
        await asyncio.gather(*(bus.stop() for bus in stage.buses))


@asynccontextmanager
async def staged(kind: str, mongod: SessionMongod, database: str) -> AsyncIterator[Stage]:
    connection = mongod.connection(database)
    try:
        history = History(connection.database)
        await history.prepare()
        async with (_local if kind == "local" else _over_mongodb)(history, connection) as stage:
            yield stage
    finally:
        connection.close()


@pytest.fixture(params=["local", "mongodb"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is silent is given up soon."""
    monkeypatch.setattr(processes, "LEASE", 0.5)
    monkeypatch.setattr("chat.mongo_bus.BEAT", 0.1)


async def test_a_note_reaches_all_others_in_its_order(kind: str, mongod: SessionMongod, database: str) -> None:
    async with staged(kind, mongod, database) as stage:
        ann, bob, cid = [await stage.join(name) for name in ("ann", "bob", "cid")]
        for number in range(30):
            ann.bus.tell(Told(room=str(number), kind="typing", user=ANN))
        await until(lambda: len(bob.notes) >= 30 and len(cid.notes) >= 30)
        assert bob.notes == cid.notes == [(str(number), "ann") for number in range(30)]
        assert ann.notes == []


async def test_one_who_joins_hears_nothing_old(kind: str, mongod: SessionMongod, database: str) -> None:
    async with staged(kind, mongod, database) as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        ann.bus.tell(Told(room="before", kind="typing", user=ANN))
        await until(lambda: bob.notes)
        cid = await stage.join("cid")
        ann.bus.tell(Told(room="after", kind="typing", user=ANN))
        await until(lambda: cid.notes)
        assert cid.notes == [("after", "ann")]


async def test_entries_reach_those_who_want_them_in_order(kind: str, mongod: SessionMongod, database: str) -> None:
    async with staged(kind, mongod, database) as stage:
        ann, bob, cid = [await stage.join(name) for name in ("ann", "bob", "cid")]
        bob.known["lobby"], cid.known["lobby"] = 2, 100
        await stage.store(ann, "lobby", 1, 2, 3, 4)
        await stage.store(ann, "elsewhere", 1)
        ann.bus.tell(Told(room="done", kind="typing", user=ANN))
        await until(lambda: bob.notes and cid.notes)
        assert bob.entries == [("lobby", 3), ("lobby", 4)]
        assert cid.entries == []


async def test_what_fails_on_a_note_costs_nobody_else_anything(kind: str, mongod: SessionMongod, database: str) -> None:
    async with staged(kind, mongod, database) as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        heard: list[str] = []

        def fail(note: Told, by: str) -> None:
            raise RuntimeError("a listener of the test fails")

        bob.bus.hear(Told, fail)
        bob.bus.hear(Told, lambda note, by: heard.append(note.room))
        with ExpectLog("parley.bus", "a note of Told from ann was not understood"):
            ann.bus.tell(Told(room="lobby", kind="typing", user=ANN))
            await until(lambda: heard)


async def test_one_leads_and_another_follows_it(kind: str, mongod: SessionMongod, database: str, quick: None) -> None:
    async with staged(kind, mongod, database) as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        await until(lambda: ann.bus.others() == {"bob"} and bob.bus.others() == {"ann"})
        assert ann.bus.leads and not bob.bus.leads
        await ann.bus.stop()
        await until(lambda: bob.bus.leads and bob.dead)
        assert bob.dead == ["ann"] and bob.bus.others() == set()


# MongoDB


async def test_a_killed_process_is_missed(mongod: SessionMongod, database: str, quick: None) -> None:
    """Its lease ends; until then it counts as there."""
    async with staged("mongodb", mongod, database) as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        await until(lambda: bob.bus.others() == {"ann"})
        assert isinstance(ann.bus, MongoBus)
        for task in (*ann.bus._hearing, *ann.bus._telling, *ann.bus._living):
            task.cancel()
        await until(lambda: bob.dead and bob.bus.leads)
        assert bob.dead == ["ann"] and bob.bus.leads


async def test_a_broken_stream_goes_on_where_it_was(mongod: SessionMongod, database: str) -> None:
    async with staged("mongodb", mongod, database) as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        await stage.store(ann, "lobby", 1)
        await until(lambda: bob.entries)
        with ExpectLog("parley.bus", "the bus is cut"):
            bob_bus = bob.bus
            assert isinstance(bob_bus, MongoBus) and bob_bus._cursor is not None
            mongod.client[database].command({"killCursors": "$cmd.aggregate", "cursors": [bob_bus._cursor[1]]})
            await stage.store(ann, "lobby", 2, 3)
            ann.bus.tell(Told(room="done", kind="typing", user=ANN))
            await until(lambda: bob.notes)
        assert bob.entries == [("lobby", 1), ("lobby", 2), ("lobby", 3)]
        assert bob.recoveries == 0


async def test_a_stream_that_cannot_go_on_lets_everything_be_read_anew(mongod: SessionMongod, database: str) -> None:
    """Again and again, until that is done; what is told from then on arrives."""
    async with staged("mongodb", mongod, database) as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        bob.unavailable = 1
        with ExpectLog("parley.bus", "the change stream cannot be resumed|the bus is cut"):
            ann_bus, bob_bus = ann.bus, bob.bus
            assert isinstance(ann_bus, MongoBus) and isinstance(bob_bus, MongoBus) and bob_bus._cursor is not None
            close = bob_bus._close

            async def lose_the_place() -> None:
                await close()
                ann.bus.tell(Told(room="lost", kind="typing", user=ANN))
                await ann_bus._all_said.wait()
                replace_methods(bob_bus, _close=close)
                bob_bus._token = {"_data": "nonsense"}

            replace_methods(bob_bus, _close=lose_the_place)
            mongod.client[database].command({"killCursors": "$cmd.aggregate", "cursors": [bob_bus._cursor[1]]})
            await until(lambda: bob.recoveries == 1)
            ann.bus.tell(Told(room="found", kind="typing", user=ANN))
            await until(lambda: ("found", "ann") in bob.notes)
        assert ("lost", "ann") not in bob.notes


@pytest.mark.parametrize("arrives", [True, False])
async def test_of_too_many_notes_the_oldest_are_dropped(
    mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    """They are those that wait: what is on its way to MongoDB meanwhile takes nothing with it, and waits again if it
    does not arrive."""
    monkeypatch.setattr("chat.mongo_bus.NOTES_LIMIT", 4)
    async with staged("mongodb", mongod, database) as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        bus = ann.bus
        assert isinstance(bus, MongoBus)
        insert, inserting, gate = bus._notes.insert_one, asyncio.Event(), asyncio.Event()

        async def held(document: Document) -> None:
            inserting.set()
            await gate.wait()
            replace_methods(bus._notes, insert_one=insert)
            if not arrives:
                raise PyMongoError("away")
            await insert(document)

        replace_methods(bus._notes, insert_one=held)
        bus.tell(Told(room="0", kind="typing", user=ANN))
        bus.tell(Told(room="1", kind="typing", user=ANN))
        await inserting.wait()
        for number in range(2, 7):
            bus.tell(Told(room=str(number), kind="typing", user=ANN))
        with ExpectLog("parley.bus", "the bus is cut", required=not arrives):
            gate.set()
            await bus._all_said.wait()
        bus.tell(Told(room="done", kind="typing", user=ANN))
        await until(lambda: ("done", "ann") in bob.notes)
        told = ["0", "1", "3", "4", "5", "6"] if arrives else ["3", "4", "5", "6"]
        assert [room for room, _ in bob.notes] == [*told, "done"]


async def test_a_second_process_finds_the_first(
    mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a standalone: it lives if it beats; what a killed one has left is cleared away when its lease is over."""
    monkeypatch.setattr(processes, "LEASE", 0.5)
    monkeypatch.setattr(processes, "BEAT", 0.1)
    connection = mongod.connection(database)
    try:
        clock = asyncio.get_running_loop().time
        first, second = (Processes(connection.database, name, clock) for name in ("first", "second"))
        await first.join()
        living = asyncio.create_task(first.live())
        await mongod_place(mongod, database, "first")
        await second.join()
        assert await second.find_rival() == "first"
        assert await first.find_rival() is None
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        assert await second.find_rival() is None
        assert mongod.client[database]["processes"].count_documents({"_id": "first"}) == 0
    finally:
        connection.close()


async def mongod_place(mongod: SessionMongod, database: str, name: str) -> None:
    """As if it ran on another machine: whether it lives can be seen by its beats alone."""
    mongod.client[database]["processes"].update_one({"_id": name}, {"$set": {"place": "another machine"}})
