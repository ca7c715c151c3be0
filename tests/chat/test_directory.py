"""Directory: the lobby's list, and waiting for it to change."""

import asyncio
import time
from typing import Any

import pytest
from msgspec.structs import replace

from chat import directory as directory_module
from chat.callers import Caller, Scope
from chat.directory import Directory
from chat.errors import Unavailable
from chat.policy import Kind, Member, Policy
from chat.registry import RoomRegistry
from chat.rooms import NewRoom, NewSettings
from tests.chats import account, guest, open_chat
from tests.clock import FakeClock
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import ANN, FakeWaiter, message


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is looked at ten times as often as in earnest."""
    monkeypatch.setattr(directory_module, "CHANGE_INTERVAL", 0.1)


async def test_waits_together_for_one_look(mongod: SessionMongod, database: str) -> None:
    """Many who wait cost one look in an interval, and all are told of the change with one version."""
    async with mongod.history(database) as history:
        registry = RoomRegistry(history, FakeClock().call_later, keep=1, presence_limit=1, idle=1)
        looks, original = [], history.rooms.latest

        async def counted(limit: int) -> list:
            looks.append(limit)
            return await original(limit)

        replace_methods(history.rooms, latest=counted)
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


# One's own rooms


async def test_ones_own_rooms_are_in_the_list(mongod: SessionMongod, database: str) -> None:
    """With one's role and how open they are; others see the open ones alone, bots those of their scope."""
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        for name, access in (("hall", "open"), ("den", "private"), ("nest", "link")):
            await chat.house.rooms.make(NewRoom(name=name, access=access), ann)  # type: ignore[arg-type]
        await chat.registry.wake("public")
        pair, _ = await chat.house.direct.begin(["bob"], ann)

        async def listed(caller: Caller | None) -> set[tuple[str, str, str | None]]:
            _, rooms = await chat.directory.rooms(10, caller)
            return {(room.name, room.access, room.role) for room in rooms}

        everybody = {("hall", "open", None), ("public", "open", None)}
        assert await listed(None) == everybody
        assert await listed(guest(chat, "gus")) == everybody
        assert await listed(bob) == everybody | {(pair.name, "direct", "member")}
        mine = {("hall", "open", "owner"), ("den", "private", "owner"), ("nest", "link", "owner")}
        assert await listed(ann) == mine | {("public", "open", None), (pair.name, "direct", "member")}
        bot = replace(ann, scope=Scope(rooms=frozenset({"den", "public"})))
        assert await listed(bot) == {("den", "private", "owner"), ("public", "open", None)}


async def test_they_have_their_place_by_activity(mongod: SessionMongod, database: str) -> None:
    """Among the others, awake or asleep, and as many as wanted."""
    async with open_chat(mongod, database, room_idle=0) as chat:
        ann = await account(chat, "ann")
        for at, name in enumerate(("a", "b", "c", "d"), 1):
            access: Kind = "private" if name in "bd" else "open"
            room = await chat.registry.make(name, None, Policy(access=access, members={ann.id: Member("ann")}))
            room.publish([message(1, at=at)])
        for _ in range(2):
            version, rooms = await chat.directory.rooms(3, ann)
            assert [(room.name, room.active) for room in rooms] == [("d", 4), ("c", 3), ("b", 2)]
            assert await chat.directory.rooms(3, ann) == (version, rooms)
            await chat.registry.in_memory.mark_active()
            await chat.registry.in_memory.drop_idle()
            assert len(chat.registry) == 0


async def test_a_change_of_ones_own_rooms_is_told(mongod: SessionMongod, database: str) -> None:
    """Being let in, another role, a new title, somebody who enters, being put out, the end of the room: each ends the
    wait of those it concerns, and of nobody else."""
    async with open_chat(mongod, database) as chat:
        ann, bob, eve = [await account(chat, name) for name in ("ann", "bob", "eve")]
        room = await chat.house.rooms.make(NewRoom(name="den", access="private"), ann)
        members, change = chat.house.members, chat.house.rooms.change
        seen, _ = await chat.directory.rooms(10, bob)
        others, _ = await chat.directory.rooms(10, eve)
        waiting = asyncio.create_task(chat.directory.changed(others, 60, 10, eve))

        async def after(act: Any) -> list[tuple[str, str | None, int]]:
            nonlocal seen
            told = asyncio.create_task(chat.directory.changed(seen, 60, 10, bob))
            await asyncio.sleep(0.15)
            assert not told.done()
            result = act()
            if result is not None:
                await result
            seen, rooms = await asyncio.wait_for(told, 5)
            return [(room.title, room.role, room.people) for room in rooms]

        assert await after(lambda: members.put("den", "bob", "member", ann)) == [("den", "member", 0)]
        assert await after(lambda: members.put("den", "bob", "moderator", ann)) == [("den", "moderator", 0)]
        assert await after(lambda: change("den", NewSettings(title="The den"), ann)) == [("The den", "moderator", 0)]
        assert await after(lambda: room.join(FakeWaiter(ann.user)) and None) == [("The den", "moderator", 1)]
        assert await after(lambda: members.remove("den", "bob", ann)) == []
        assert await after(lambda: members.put("den", "bob", "member", ann)) == [("The den", "member", 1)]
        assert await after(lambda: chat.house.rooms.delete("den", ann)) == []
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not chat.directory._waits


async def test_a_version_of_before_is_another_after_a_change(mongod: SessionMongod, database: str) -> None:
    """Who was away while their rooms changed does not wait; who changed nothing does; a version is a whole number that
    every reader of JSON keeps."""
    async with open_chat(mongod, database) as chat:
        ann = await account(chat, "ann")
        await chat.house.rooms.make(NewRoom(name="den", access="private"), ann)
        version, _ = await chat.directory.rooms(10, ann)
        assert 0 < version < 2**53
        assert (await chat.directory.changed(version, 0.15, 10, ann))[0] == version
        await chat.house.rooms.change("den", NewSettings(title="new"), ann)
        found, rooms = await asyncio.wait_for(chat.directory.changed(version, 60, 10, ann), 5)
        assert found != version and rooms[0].title == "new"


async def test_those_without_rooms_cost_no_look(mongod: SessionMongod, database: str, monkeypatch: Any) -> None:
    """Once it is known, until they are let in somewhere; only so many are remembered."""
    monkeypatch.setattr(directory_module, "REMEMBERED", 3)
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        await chat.house.rooms.make(NewRoom(name="den", access="private"), ann)
        asked, rooms_of = [], chat.history.rooms.of_member

        async def counted(person: str, limit: int) -> Any:
            asked.append(person)
            return await rooms_of(person, limit)

        replace_methods(chat.history.rooms, of_member=counted)
        for _ in range(3):
            assert (await chat.directory.rooms(10, bob))[1] == []
        assert asked == [bob.id]
        await chat.house.members.put("den", "bob", "member", ann)
        asked.clear()
        for _ in range(2):
            assert len((await chat.directory.rooms(10, bob))[1]) == 1
        assert asked == [bob.id] * 2
        for n in range(5):
            await chat.directory.rooms(10, guest(chat, f"g{n}"))
        assert len(chat.directory._without) == 3


async def test_let_in_while_being_looked_up(mongod: SessionMongod, database: str) -> None:
    """One who is let in just then is not remembered as belonging nowhere."""
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        await chat.house.rooms.make(NewRoom(name="den", access="private"), ann)
        rooms_of = chat.history.rooms.of_member

        async def meanwhile(person: str, limit: int) -> Any:
            found = await rooms_of(person, limit)
            replace_methods(chat.history.rooms, of_member=rooms_of)
            await chat.house.members.put("den", "bob", "member", ann)
            return found

        replace_methods(chat.history.rooms, of_member=meanwhile)
        assert (await chat.directory.rooms(10, bob))[1] == []
        assert len((await chat.directory.rooms(10, bob))[1]) == 1


async def test_ones_awake_rooms_are_listed_while_mongodb_is_away(mongod: SessionMongod, database: str) -> None:
    """Those that are in memory."""
    async with open_chat(mongod, database) as chat:
        ann = await account(chat, "ann")
        await chat.house.rooms.make(NewRoom(name="den", access="private"), ann)

        async def away(*_: object) -> Any:
            raise Unavailable("away")

        replace_methods(chat.history.rooms, latest=away, of_member=away)
        assert [room.name for room in (await chat.directory.rooms(10, ann))[1]] == ["den"]


async def test_a_conversation_that_is_kept_is_listed(mongod: SessionMongod, database: str) -> None:
    """One that was in memory alone so far, for those who had no room before."""
    async with open_chat(mongod, database) as chat:
        ann = await account(chat, "ann")
        assert (await chat.directory.rooms(10, ann))[1] == []
        room = chat.registry.hold("ann", Policy(access="direct", members={ann.id: Member("ann")}))
        assert (await chat.directory.rooms(10, ann))[1] == []
        await chat.registry.store(room)
        assert [found.name for found in (await chat.directory.rooms(10, ann))[1]] == [room.name]


async def test_a_look_that_began_before_a_change_is_not_shared(mongod: SessionMongod, database: str) -> None:
    """Who has deleted a room does not see it any more, though others are just looking; those do not bring it back."""
    async with mongod.history(database) as history:
        registry = RoomRegistry(history, FakeClock().call_later, keep=1, presence_limit=1, idle=1)
        directory = Directory(registry, asyncio.Event(), limit=10, memberships=10)
        room = await registry.make("a", None)
        latest, looked, go_on = history.rooms.latest, asyncio.Event(), asyncio.Event()

        async def late(limit: int) -> list[Any]:
            found = await latest(limit)
            looked.set()
            await go_on.wait()
            return found

        replace_methods(history.rooms, latest=late)
        others = [asyncio.create_task(directory.rooms(10)) for _ in range(2)]
        await looked.wait()
        replace_methods(history.rooms, latest=latest)
        await registry.remove(room)
        seen = await directory.rooms(10)
        go_on.set()
        assert seen[1] == []
        assert await asyncio.gather(*others) == [seen, seen]
