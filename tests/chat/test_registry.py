"""RoomRegistry: where rooms are made, woken and dropped."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from chat import registry as registry_module
from chat.errors import BadRequest, NameTaken, NotFound, Unavailable
from chat.gently import AT_ONCE
from chat.history import History
from chat.policy import Member, Policy
from chat.registry import RoomRegistry
from chat.room import RoomRecord
from tests.clock import FakeClock
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import ANN, FakeWaiter, message


@asynccontextmanager
async def registry(mongod: SessionMongod, database: str, **values: Any) -> AsyncIterator[tuple[RoomRegistry, History]]:
    async with mongod.history(database) as history:
        bounds: dict[str, Any] = {"keep": 200, "presence_limit": 200, "idle": 0.0} | values
        yield RoomRegistry(history, FakeClock().call_later, **bounds), history


async def test_wakes_one_room_for_all(mongod: SessionMongod, database: str) -> None:
    """However many ask at once and in whatever spelling, it is made once, as the first one spelt it."""
    async with registry(mongod, database) as (rooms, _):
        found = await asyncio.gather(*(rooms.wake(name) for name in ["Café", "CAFÉ", "cafe\u0301"] * 10))
        assert len({id(room) for room in found}) == 1
        assert found[0].name == "Café"
        assert len(rooms) == 1
        assert list(rooms) == [found[0]]


async def test_finds_only_what_is_there(mongod: SessionMongod, database: str) -> None:
    """`find` makes nothing; a name that is none is refused."""
    async with registry(mongod, database) as (rooms, _):
        with pytest.raises(NotFound):
            await rooms.find("den")
        await rooms.make("den", "The den")
        assert (await rooms.find("DEN")).title == "The den"
        for call in (rooms.find, rooms.wake):
            with pytest.raises(BadRequest):
                await call("a b")


async def test_a_room_is_made_once(mongod: SessionMongod, database: str) -> None:
    """Whoever makes it second is told that the name is taken."""
    async with registry(mongod, database) as (rooms, _):
        made = await asyncio.gather(*(rooms.make("den", None) for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(result, NameTaken) for result in made) == 4


@pytest.mark.parametrize("visits", [False, True])
async def test_a_room_is_made_beside_a_first_visit(visits: bool, mongod: SessionMongod, database: str) -> None:
    """Somebody looked for it just before: whoever makes it is given it all the same, and who came to visit as well."""
    async with registry(mongod, database) as (rooms, history):
        find, make = history.rooms.find, history.rooms.make
        looked, made = asyncio.Event(), asyncio.Event()

        async def late(key: str) -> Any:
            found = await find(key)
            looked.set()
            await made.wait()
            return found

        async def telling(record: RoomRecord) -> Any:
            answer = await make(record)
            made.set()
            return answer

        replace_methods(history.rooms, find=late, make=telling)
        looking = asyncio.create_task(rooms.wake("den") if visits else rooms.find("den"))
        await looked.wait()
        room = await rooms.make("den", "The den")
        assert room.title == "The den"
        if visits:
            assert await looking is room
        else:
            with pytest.raises(NotFound):
                await looking


async def test_a_room_that_is_gone_right_after_it_was_made(mongod: SessionMongod, database: str) -> None:
    """Whoever made it, or came first, is told to try again."""
    async with registry(mongod, database) as (rooms, history):
        make = history.rooms.make

        async def deleted_at_once(record: RoomRecord) -> Any:
            made = await make(record)
            await history.rooms.doom(record)
            return made

        replace_methods(history.rooms, make=deleted_at_once)
        for work in (rooms.wake("a"), rooms.make("b", None)):
            with pytest.raises(Unavailable, match="just been deleted") as refused:
                await work
            assert refused.value.retry_after == 1


async def test_a_random_name_is_a_free_one(
    mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A random name that is taken is not given out again."""
    names = iter(["den", "den", "attic"])
    monkeypatch.setattr(registry_module, "random_room_name", lambda: next(names))
    async with registry(mongod, database) as (rooms, _):
        assert (await rooms.make(None, None)).name == "den"
        assert (await rooms.make(None, "Up there")).name == "attic"


async def test_an_idle_room_leaves_memory(mongod: SessionMongod, database: str) -> None:
    """A room nobody is in is dropped, and wakes with its log, its epoch and its end."""
    async with registry(mongod, database) as (rooms, history):
        room = await rooms.wake("Lobby")
        await history.insert([("lobby", message(1))])
        room.publish([message(1)])
        waiter = FakeWaiter(ANN)
        room.join(waiter)
        await rooms.in_memory.mark_active()
        await rooms.in_memory.drop_idle()
        assert len(rooms) == 1
        room.leave(waiter)
        await rooms.in_memory.drop_idle()
        assert len(rooms) == 0
        assert rooms.people_in("lobby") == 0
        again = await rooms.wake("lobby")
        assert again is not room
        assert (again.epoch, again.seq, again.name) == (room.epoch, 1, "Lobby")


async def test_a_room_in_use_stays(mongod: SessionMongod, database: str) -> None:
    """Neither one who reads nor a change under way loses its room, nor a time of activity that is not stored yet."""
    async with registry(mongod, database) as (rooms, history):
        room = await rooms.wake("a")
        with room.tail.reading():
            await rooms.in_memory.drop_idle()
            assert len(rooms) == 1
        room.pending = 1
        await rooms.in_memory.drop_idle()
        assert len(rooms) == 1
        room.pending = 0
        await history.insert([("a", message(1, room="a"))])
        room.publish([message(1, room="a")])
        await rooms.in_memory.drop_idle()
        assert len(rooms) == 1
        await rooms.in_memory.mark_active()
        await rooms.in_memory.drop_idle()
        assert len(rooms) == 0


async def test_a_room_just_used_stays(mongod: SessionMongod, database: str) -> None:
    """Only after the idle time a room goes."""
    async with registry(mongod, database, idle=60) as (rooms, _):
        await rooms.wake("a")
        await rooms.in_memory.drop_idle()
        assert len(rooms) == 1


async def test_rooms_come_and_go_while_the_idle_ones_are_dropped(mongod: SessionMongod, database: str) -> None:
    """Of many rooms those are dropped that are idle when they are looked at: neither one that is used meanwhile, nor
    one that has gone and come again."""
    async with registry(mongod, database, idle=-1) as (rooms, _):
        held = [rooms.hold("", Policy()) for _ in range(3 * AT_ONCE)]
        for room in held:
            room.keep()
        used, replaced = held[-1], held[-2]
        dropping = asyncio.create_task(rooms.in_memory.drop_idle())
        await asyncio.sleep(0)
        assert 0 < len(rooms) < len(held)
        used.pending = 1
        rooms.over(replaced)
        again = rooms._room(replaced.record, [])
        rooms.in_memory.add(again)
        await dropping
        assert list(rooms) == [used, again]


async def test_nothing_is_kept_of_a_dropped_room(mongod: SessionMongod, database: str) -> None:
    """A thousand rooms that came and went, or were asked for in vain, leave no trace in memory."""
    async with registry(mongod, database) as (rooms, _):

        def sizes() -> int:
            return sum(len(value) for value in vars(rooms.in_memory).values() if isinstance(value, dict | set | list))

        for n in range(20):
            await rooms.wake(f"room-{n}")
            with pytest.raises(NotFound):
                await rooms.find(f"none-{n}")
        assert sizes() > 0
        await rooms.in_memory.drop_idle()
        await asyncio.sleep(0)
        assert sizes() == 0


async def test_marks_and_lists_activity(mongod: SessionMongod, database: str) -> None:
    """What is awake is listed with its latest activity before that is stored; it is stored once."""
    async with registry(mongod, database) as (rooms, history):
        for name in ("old", "new"):
            await rooms.wake(name)
        (await rooms.find("old")).publish([message(1, at=5_000_000_000_000)])
        listed = await rooms.rooms(10)
        assert [(record.key, record.active) for record in listed] == [("old", 5_000_000_000_000), ("new", 0)]
        assert [record.active for record in await history.rooms.latest(10)] == [0, 0]
        await rooms.in_memory.mark_active()
        assert (await history.rooms.latest(1))[0].active == 5_000_000_000_000
        calls: list[Any] = []
        replace_methods(history.rooms, mark_active=calls.append)
        await rooms.in_memory.mark_active()
        assert calls == []
        assert len(await rooms.rooms(1)) == 1


async def test_lists_who_is_awake_without_mongodb(mongod: SessionMongod, database: str) -> None:
    """Those in memory are listed even when the history cannot be read, and waking another is unavailable."""
    async with registry(mongod, database) as (rooms, history):
        await rooms.wake("a")

        async def away(*_: object) -> Any:
            raise Unavailable("away")

        replace_methods(history.rooms, latest=away, find=away)
        assert [record.key for record in await rooms.rooms(10)] == ["a"]
        assert (await rooms.wake("a")).key == "a"
        for _ in range(2):
            with pytest.raises(Unavailable):
                await rooms.wake("b")


async def test_counts_people(mongod: SessionMongod, database: str) -> None:
    """A room says how many are in it, and one that sleeps has nobody."""
    async with registry(mongod, database) as (rooms, _):
        room = await rooms.wake("a")
        room.join(FakeWaiter(ANN))
        assert (rooms.people_in("a"), rooms.people_in("b")) == (1, 0)


async def test_rules_are_changed_one_after_the_other(mongod: SessionMongod, database: str) -> None:
    """Of many who change a room's rules at once none undoes what another did; all of it is stored, and told once."""
    async with registry(mongod, database) as (rooms, history):
        room = await rooms.wake("a")
        told: list[tuple[int, int]] = []
        rooms.watch(lambda room, before: told.append((len(before.policy.members), len(room.policy.members))))

        def enter(name: str) -> Callable[[Policy], Policy]:
            return lambda policy: replace(policy, members={**policy.members, name: Member(name)})

        await asyncio.gather(*(rooms.govern(room, enter(f"g-{n}")) for n in range(20)))
        await rooms.govern(room, enter("g-3"))
        assert len(room.policy.members) == 20
        stored = await history.rooms.find("a")
        assert stored is not None and stored.policy == room.policy
        assert told == [(n, n + 1) for n in range(20)]


async def test_rules_that_cannot_be_stored_do_not_hold(mongod: SessionMongod, database: str) -> None:
    """While MongoDB is away, or where the change itself is refused, the old rules stay, and others may try again."""
    async with registry(mongod, database) as (rooms, history):
        room = await rooms.wake("a")
        govern = history.rooms.govern

        async def away(*_: object) -> Any:
            await rooms.in_memory.drop_idle()
            assert rooms.awake("a") is room
            raise Unavailable("away")

        replace_methods(history.rooms, govern=away)
        with pytest.raises(Unavailable):
            await rooms.govern(room, lambda policy: replace(policy, locked=True))
        assert not room.policy.locked and room.plain
        replace_methods(history.rooms, govern=govern)
        await rooms.govern(room, lambda policy: replace(policy, locked=True))
        assert room.policy.locked and not room.plain


async def test_a_room_is_removed_by_the_rules_that_hold(mongod: SessionMongod, database: str) -> None:
    """Another process has changed them, and that has not been heard yet: it is asked again by the new ones, and
    everybody here is told of these. Without a condition it is removed all the same."""
    async with registry(mongod, database) as (here, history), registry(mongod, database) as (there, _):
        room = await here.make("a", None, Policy(ephemeral=True))
        await there.govern(await there.find("a"), lambda policy: replace(policy, ephemeral=False))
        told: list[bool] = []
        here.watch(lambda room, before: told.append(room.policy.ephemeral))
        with pytest.raises(NotFound):
            await here.remove(room, lambda room: room.policy.ephemeral)
        assert (room.over, room.plain, told) == (False, True, [False])
        assert await here.find("a") is room and await history.rooms.doomed() == []
        await there.govern(await there.find("a"), lambda policy: replace(policy, locked=True))
        await here.remove(room)
        assert room.over and await history.rooms.doomed() == ["a"]


async def test_a_room_that_is_gone_cannot_be_removed(mongod: SessionMongod, database: str) -> None:
    """Another process has deleted it, and another of its name is there: that one stays."""
    async with registry(mongod, database) as (here, history), registry(mongod, database) as (there, _):
        room = await here.make("a", None)
        await there.remove(await there.find("a"))
        await history.rooms.remove("a")
        again = await there.make("a", None)
        with pytest.raises(NotFound):
            await here.remove(room)
        assert room.over and here.get("a") is None
        assert (await here.find("a")).epoch == again.epoch
