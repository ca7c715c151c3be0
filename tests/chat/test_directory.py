"""Directory: the lobby's list, and waiting for it to change."""

import asyncio
import time

import pytest

from chat import directory as directory_module
from chat.directory import Directory
from chat.registry import RoomRegistry
from tests.clock import FakeClock
from tests.mongo import SessionMongod
from tests.rooms import ANN, FakeWaiter


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is looked at ten times as often as in earnest."""
    monkeypatch.setattr(directory_module, "CHANGE_INTERVAL", 0.1)


async def test_waits_together_for_one_look(mongod: SessionMongod, database: str) -> None:
    """Many who wait cost one look in an interval, and all are told of the change with one version."""
    async with mongod.history(database) as history:
        registry = RoomRegistry(history, FakeClock().call_later, keep=1, presence_limit=1, idle=1)
        looks, original = [], history.rooms

        async def counted(limit: int) -> list:
            looks.append(limit)
            return await original(limit)

        history.rooms = counted  # type: ignore[method-assign]
        directory = Directory(registry, asyncio.Event(), limit=10, memberships=10)
        version, rooms = await directory.rooms(10)
        assert rooms == []
        begin = time.monotonic()
        waiting = [asyncio.create_task(directory.changed(version, 10, 10)) for _ in range(20)]
        await asyncio.sleep(0.25)
        await registry.wake("a")
        found = await asyncio.gather(*waiting)
        assert {new for new, _ in found} == {version + 1}
        assert all([room.name for room in rooms] == ["a"] for _, rooms in found)
        assert len(looks) <= (time.monotonic() - begin) / 0.1 + 3


async def test_people_are_a_change(mongod: SessionMongod, database: str) -> None:
    """Somebody who enters a room makes a new version; the room's line says so."""
    async with mongod.history(database) as history:
        registry = RoomRegistry(history, FakeClock().call_later, keep=1, presence_limit=1, idle=1)
        room = await registry.wake("a")
        directory = Directory(registry, asyncio.Event(), limit=10, memberships=10)
        version, rooms = await directory.rooms(10)
        assert (rooms[0].people, rooms[0].active) == (0, None)
        room.join(FakeWaiter(ANN))
        new, rooms = await directory.changed(version, 10, 10)
        assert new == version + 1
        assert rooms[0].people == 1


async def test_a_wait_ends(mongod: SessionMongod, database: str) -> None:
    """After the wait, or when the server stops, one gets what there is."""
    async with mongod.history(database) as history:
        registry = RoomRegistry(history, FakeClock().call_later, keep=1, presence_limit=1, idle=1)
        stopping = asyncio.Event()
        directory = Directory(registry, stopping, limit=10, memberships=10)
        version, _ = await directory.rooms(10)
        assert (await directory.changed(version, 0.15, 10))[0] == version
        waiting = asyncio.create_task(directory.changed(version, 60, 10))
        await asyncio.sleep(0.15)
        assert not waiting.done()
        stopping.set()
        assert (await asyncio.wait_for(waiting, 5))[0] == version


async def test_a_version_of_before_a_restart_is_an_old_one(mongod: SessionMongod, database: str) -> None:
    """Who waits with a version of another run does not wait."""
    async with mongod.history(database) as history:
        registry = RoomRegistry(history, FakeClock().call_later, keep=1, presence_limit=1, idle=1)
        directory = Directory(registry, asyncio.Event(), limit=10, memberships=10)
        begin = time.monotonic()
        version, _ = await directory.changed(7, 10, 10)
        assert version != 7
        assert time.monotonic() - begin < 5
