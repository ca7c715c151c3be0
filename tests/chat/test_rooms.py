"""Rooms as their owners see them: making them, and changing what they are like."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from chat.callers import Scope
from chat.errors import BadRequest, ChatError, Forbidden, NameTaken, NotFound, RateLimited, Unauthenticated, Unavailable
from chat.policy import Member, Policy, Rights
from chat.rooms import NewRoom, NewSettings
from tests.chats import account, guest, open_chat
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import FakeWaiter


async def refusal(work: Any) -> ChatError | None:
    try:
        await work
    except ChatError as error:
        return error
    return None


async def test_makes_what_is_wanted(mongod: SessionMongod, database: str) -> None:
    """Each kind of access and of lifetime, read-only or not, and the maker owns it."""
    async with open_chat(mongod, database) as chat:
        ann = await account(chat, "ann")
        own = {ann.id: Member("ann", "owner")}
        wanted: list[tuple[dict[str, Any], Policy]] = [
            ({}, Policy(members=own)),
            ({"access": "private"}, Policy(access="private", members=own)),
            ({"access": "link", "lifetime": "ephemeral"}, Policy(access="link", ephemeral=True, members=own)),
            ({"lifetime": 7, "read_only": True}, Policy(days=7, read_only=True, members=own)),
        ]
        for number, (fields, policy) in enumerate(wanted):
            room = await chat.house.rooms.make(NewRoom(name=f"R{number}", title=f"Room {number}", **fields), ann)
            assert (room.name, room.title, room.policy) == (f"R{number}", f"Room {number}", policy)
            stored = await chat.history.rooms.find(room.key)
            assert stored is not None and stored.policy == policy
            facts = chat.house.rooms.facts(room, ann)
            assert facts.lifetime == fields.get("lifetime", "kept")
            assert (facts.role, facts.rights, facts.members_count) == ("owner", Rights(True, True, True, True), 1)
        with pytest.raises(NameTaken):
            await chat.house.rooms.make(NewRoom(name="r0"), ann)


async def test_a_private_name_cannot_be_guessed(mongod: SessionMongod, database: str) -> None:
    """A room that is not open and was given no name has one of 128 random bits."""
    async with open_chat(mongod, database) as chat:
        ann = await account(chat, "ann")
        for access in ("private", "link"):
            room = await chat.house.rooms.make(NewRoom(access=access), ann)  # type: ignore[arg-type]
            assert len(room.name) == 32 and int(room.name, 16)
        assert "-" in (await chat.house.rooms.make(NewRoom(), ann)).name


async def test_who_makes_rooms(mongod: SessionMongod, database: str) -> None:
    """Guests own open and secret-link ones; those who are gone with the connection own nothing; bots make none."""
    async with open_chat(mongod, database) as chat:
        ann, gus, pat = await account(chat, "ann"), guest(chat, "gus"), guest(chat, "pat", passing=True)
        make = chat.house.rooms.make
        for access in ("open", "link"):
            room = await make(NewRoom(access=access), gus)  # type: ignore[arg-type]
            assert room.policy.role(gus) == "owner"
        assert (await make(NewRoom(name="a", title="A"), pat)).policy == Policy()
        for fields, who, error in (
            ({"access": "private"}, gus, Forbidden),
            ({"access": "link"}, pat, Unauthenticated),
            ({"read_only": True}, pat, Unauthenticated),
            ({}, replace(ann, scope=Scope()), Forbidden),
        ):
            with pytest.raises(error):
                await make(NewRoom(**fields), who)  # type: ignore[arg-type]
    async with open_chat(mongod, database, guests="read") as chat:
        with pytest.raises(Forbidden, match="Guests"):
            await chat.house.rooms.make(NewRoom(), guest(chat, "gus"))


async def test_one_owns_and_makes_so_many(mongod: SessionMongod, database: str) -> None:
    """Then one of them has to go first; and not too many at a time."""
    limits = {"rooms_per_person": 2, "memberships_limit": 3, "making_rate": "0.001/4"}
    async with open_chat(mongod, database, **limits) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        make = chat.house.rooms.make
        rooms = [await make(NewRoom(), ann) for _ in range(2)]
        with pytest.raises(Forbidden, match="You own 2 rooms"):
            await make(NewRoom(), ann)
        await chat.registry.make("b", None, Policy(members={ann.id: Member("ann")}))
        await chat.house.rooms.delete(rooms[0].name, ann)
        await chat.registry.make("c", None, Policy(members={ann.id: Member("ann")}))
        with pytest.raises(Forbidden, match="You belong to 3 rooms"):
            await make(NewRoom(), ann)
        for _ in range(2):
            await make(NewRoom(), bob)
            await chat.house.rooms.delete((await make(NewRoom(), bob)).name, bob)
            await chat.house.rooms.delete((await chat.registry.rooms_of(bob.id, 1))[0].name, bob)
        with pytest.raises(RateLimited):
            await make(NewRoom(), bob)


async def test_changes_what_is_given_alone(mongod: SessionMongod, database: str) -> None:
    """The rest stays as it is; it is stored, told to those in the room, and noted."""
    async with open_chat(mongod, database) as chat:
        ann = await account(chat, "ann")
        room, waiter = await chat.house.rooms.make(NewRoom(name="a"), ann), FakeWaiter(ann.user, account=ann.id)
        room.join(waiter)
        expected = room.policy
        title = "a"
        for fields, changed in (
            ({"title": "  The   A "}, {}),
            ({"read_only": True}, {"read_only": True}),
            ({"lifetime": 3}, {"days": 3}),
            ({"lifetime": "ephemeral"}, {"days": 0, "ephemeral": True}),
            ({"lifetime": "kept"}, {"ephemeral": False}),
            ({"locked": True, "slow": 5}, {"locked": True, "slow": 5}),
            ({"access": "link"}, {"access": "link"}),
        ):
            await chat.house.rooms.change("a", NewSettings(**fields), ann)  # type: ignore[arg-type]
            expected, title = replace(expected, **changed), "The A"
            assert (room.policy, room.title) == (expected, title)
            stored = await chat.history.rooms.find("a")
            assert stored is not None and (stored.policy, stored.title) == (expected, title)
        told = [json.loads(payload) for payload in waiter.told]
        notices = [notice for notice in told if notice["type"] == "room"]
        assert len(notices) == 4  # what is not seen in the room is not told
        assert notices[-1] == {
            "type": "room",
            "room": "a",
            "title": "The A",
            "access": "link",
            "read_only": True,
            "locked": True,
            "slow": 5,
        }
        await chat.house.rooms.change("a", NewSettings(), ann)
        acts = await chat.audit.acts(before=None, limit=10)
        assert [act.act for act in acts] == ["settings"] * 7
        assert acts[0].details == {"access": "link"} and acts[1].details == {"locked": True, "slow": 5}


async def test_who_changes_rooms(mongod: SessionMongod, database: str) -> None:
    """Moderators lock and slow; the rest is for owners and administrators; a direct room is changed by nobody."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid, root = [await account(chat, name) for name in ("ann", "bob", "cid", "root")]
        admin = replace(root, admin=True)
        room = await chat.house.rooms.make(NewRoom(name="a", access="private"), ann)
        await chat.house.members.put("a", "bob", "moderator", ann)
        await chat.house.members.put("a", "cid", "member", ann)
        change = chat.house.rooms.change
        for who in (ann, bob, admin):
            await change("a", NewSettings(locked=True), who)
            await change("a", NewSettings(locked=False, slow=2), who)
        for who in (bob, cid, replace(ann, scope=Scope())):
            for settings in (NewSettings(title="x"), NewSettings(slow=1, title="x"), NewSettings(lifetime=1)):
                assert isinstance(await refusal(change("a", settings, who)), Forbidden)
        assert isinstance(await refusal(change("a", NewSettings(locked=True), cid)), Forbidden)
        assert isinstance(await refusal(change("a", NewSettings(), await account(chat, "eve"))), NotFound)
        await change("a", NewSettings(title="new"), admin)
        assert room.title == "new"
        pair, _ = await chat.house.direct.begin(["bob"], ann)
        for who, error in ((ann, Forbidden), (admin, NotFound)):
            assert isinstance(await refusal(change(pair.name, NewSettings(locked=True), who)), error)
            assert isinstance(await refusal(chat.house.rooms.delete(pair.name, who)), error)


async def test_what_cannot_be(mongod: SessionMongod, database: str) -> None:
    """Slower than slow, no title, a guest's private room: refused, and nothing is changed."""
    async with open_chat(mongod, database, slow_limit=60) as chat:
        gus = guest(chat, "gus")
        room = await chat.house.rooms.make(NewRoom(name="a", access="link"), gus)
        before = room.record
        for settings, error in (
            (NewSettings(slow=61), BadRequest),
            (NewSettings(title=""), BadRequest),
            (NewSettings(title="\u202e"), BadRequest),
            (NewSettings(access="private"), Forbidden),
        ):
            with pytest.raises(error):
                await chat.house.rooms.change("a", settings, gus)
        await chat.house.rooms.change("a", NewSettings(slow=60), gus)
        assert replace(room.record, policy=before.policy, revision=before.revision) == before


async def test_closing_a_room_puts_out_who_does_not_belong_to_it(mongod: SessionMongod, database: str) -> None:
    """One that nobody owned belongs to the administrator who closed it, as nobody could enter it otherwise."""
    async with open_chat(mongod, database) as chat:
        ann, root = [await account(chat, name) for name in ("ann", "root")]
        admin = replace(root, admin=True)
        room = await chat.registry.wake("a")
        waiter = FakeWaiter(ann.user, account=ann.id)
        room.join(waiter)
        await chat.house.rooms.change("a", NewSettings(title="A"), admin)
        assert waiter.rooms and not room.policy.members
        await chat.house.rooms.change("a", NewSettings(access="private"), admin)
        assert waiter.refused[0][1] == 4403
        assert room.policy.members == {root.id: Member("root", "owner")}


async def test_deleting_is_for_owners_and_noted(mongod: SessionMongod, database: str) -> None:
    """And for administrators; where it fails that is noted as well."""
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        room = await chat.house.rooms.make(NewRoom(name="a"), ann)
        with pytest.raises(Forbidden):
            await chat.house.rooms.delete("a", bob)

        async def away(*_: object) -> Any:
            raise Unavailable("away")

        doom = chat.history.rooms.doom
        replace_methods(chat.history.rooms, doom=away)
        with pytest.raises(Unavailable):
            await chat.house.rooms.delete("a", ann)
        replace_methods(chat.history.rooms, doom=doom)
        await chat.house.rooms.delete("a", replace(bob, admin=True))
        assert room.over
        acts = await chat.audit.acts(before=None, limit=10)
        assert [(act.act, act.by.name, act.room, act.details) for act in acts] == [
            ("delete_room", "bob", "a", {}),
            ("delete_room", "ann", "a", {"failed": True}),
            ("delete_room", "ann", "a", {}),
        ]


async def test_what_strangers_see_of_a_room(mongod: SessionMongod, database: str) -> None:
    """Of an open one all but a role, also those without a name."""
    async with open_chat(mongod, database) as chat:
        ann = await account(chat, "ann")
        room = await chat.house.rooms.make(NewRoom(name="a", lifetime=9), ann)
        facts = chat.house.rooms.facts(room, None)
        assert (facts.role, facts.lifetime, facts.members_count) == (None, 9, 1)
        assert facts.rights == Rights(read=True)
        assert chat.house.rooms.facts(room, guest(chat, "gus")).rights == Rights(read=True, write=True)
