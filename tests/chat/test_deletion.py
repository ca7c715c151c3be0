"""Lifetimes: how a room is deleted."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from chat.errors import NotFound, Unavailable
from tests.chats import open_chat
from tests.lifetimes import send
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import ANN, BOB, FakeWaiter, message
from tests.waiting import until


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

        replace_methods(chat.history, insert=late)
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
            replace_methods(chat.history, insert=insert)
            await insert([("a", message(1, room="a"))])
            room.end()
            await insert(entries)

        replace_methods(chat.history, insert=beaten)
        with pytest.raises(NotFound):
            await send(chat, room)
        assert room.seq == 1


async def test_a_doubtful_write_is_waited_for(mongod: SessionMongod, database: str) -> None:
    """While a write may still arrive the log is not erased, and the name not given to another room; then it is."""
    async with open_chat(mongod, database) as chat:
        room = await chat.registry.make("a", None)
        await send(chat, room)
        chat.commit._doubt.watched[room] = asyncio.get_running_loop().time() + 60
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
        del chat.commit._doubt.watched[room]
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

        doom = chat.history.rooms.doom
        replace_methods(chat.history.rooms, doom=away)
        with pytest.raises(Unavailable):
            await chat.house.lifetimes.delete(room)
        assert not room.over and room.plain and not waiter.refused
        assert await chat.registry.find("a") is room
        replace_methods(chat.history.rooms, doom=doom)
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
