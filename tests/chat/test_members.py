"""Members: who belongs to a room, and who decides about that."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from chat.callers import Scope
from chat.chat import Chat
from chat.entries import Author
from chat.errors import ChatError, Forbidden, NotFound, Unavailable
from chat.people import User
from chat.policy import Member, Policy, Sanction
from chat.room import Room
from chat.rooms import NewRoom
from tests.chats import HERE, PASSWORD, account, guest, open_chat
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import FakeWaiter
from tests.waiting import until


async def room_of(chat: Chat, *owners: Any, moderators: Any = (), members: Any = (), **rules: Any) -> Room:
    """A room called den of these people, private unless said otherwise."""
    ranks = {"owner": owners, "moderator": moderators, "member": members}
    people = {each.id: Member(each.user.name, role) for role, some in ranks.items() for each in some}  # type: ignore[arg-type]
    return await chat.registry.make("den", None, Policy(**({"access": "private", "members": people} | rules)))


def roles(room: Room) -> dict[str, str]:
    return {member.name: member.role for member in room.policy.members.values()}


async def refusal(work: Any) -> ChatError | None:
    try:
        await work
    except ChatError as error:
        return error
    return None


async def test_lists_members_to_those_who_may_see_the_room(mongod: SessionMongod, database: str) -> None:
    """Owners, moderators, members, each by name; to strangers there is no such room."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid, dan = [await account(chat, name) for name in ("ann", "bob", "cid", "Dan")]
        await room_of(chat, bob, moderators=[dan, ann], members=[cid])
        listed = await chat.house.members.of("den", cid)
        assert [(each.name, each.role) for each in listed] == [
            ("bob", "owner"),
            ("ann", "moderator"),
            ("Dan", "moderator"),
            ("cid", "member"),
        ]
        assert listed == await chat.house.members.of("den", replace(await account(chat, "root"), admin=True))
        accounts = chat.identity.accounts
        cid_now = await accounts.by_id(cid.id)
        assert cid_now is not None
        await accounts.change(cid_now, display="Cid the Great")
        assert (await chat.house.members.of("den", ann))[-1].name == "Cid the Great"
        for stranger in (None, await account(chat, "eve"), guest(chat, "gus")):
            with pytest.raises(NotFound, match="no such room"):
                await chat.house.members.of("den", stranger)


async def test_lets_people_in_by_name_or_id(mongod: SessionMongod, database: str) -> None:
    """A moderator lets in whoever has an account, under any spelling of the name; it is stored."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid, dan = [await account(chat, name) for name in ("ann", "Bob", "cid", "dan")]
        room = await room_of(chat, ann, moderators=[dan])
        await chat.house.members.put("den", "BOB", "member", dan)
        await chat.house.members.put("den", cid.id, "moderator", ann)
        assert roles(room) == {"ann": "owner", "dan": "moderator", "Bob": "member", "cid": "moderator"}
        stored = await chat.history.rooms.find("den")
        assert stored is not None and stored.policy == room.policy
        assert [record.name for record in await chat.registry.rooms_of(bob.id, 10)] == ["den"]
        for nobody in ("nobody", "a-0000000000000000", "g-0000000000000000"):
            with pytest.raises(NotFound, match="no account"):
                await chat.house.members.put("den", nobody, "member", ann)


async def test_only_owners_give_and_take_roles(mongod: SessionMongod, database: str) -> None:
    """Moderators let in and put out members; of each other and of owners they decide nothing, but may step down."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid, dan = [await account(chat, name) for name in ("ann", "bob", "cid", "dan")]
        room = await room_of(chat, ann, moderators=[bob, cid], members=[dan])
        put, remove = chat.house.members.put, chat.house.members.remove
        for work in (
            put("den", "dan", "moderator", bob),
            put("den", "cid", "member", bob),
            put("den", "bob", "owner", bob),
            put("den", "ann", "member", bob),
            remove("den", "ann", bob),
            remove("den", "cid", bob),
            put("den", "dan", "member", dan),
            remove("den", "cid", dan),
        ):
            assert isinstance(await refusal(work), Forbidden)
        assert len(roles(room)) == 4
        await put("den", "bob", "member", bob)
        assert roles(room)["bob"] == "member"
        await put("den", "dan", "owner", ann)
        await put("den", "ann", "member", dan)
        assert roles(room) == {"ann": "member", "bob": "member", "cid": "moderator", "dan": "owner"}
        await remove("den", "ann", cid)
        await remove("den", "cid", dan)
        assert roles(room) == {"bob": "member", "dan": "owner"}


async def test_the_last_owner_stays(mongod: SessionMongod, database: str) -> None:
    """They can neither leave nor be removed nor take another role, by whomever; with a second one they can."""
    async with open_chat(mongod, database) as chat:
        ann, bob, root = [await account(chat, name) for name in ("ann", "bob", "root")]
        room = await room_of(chat, ann, members=[bob])
        members, admin = chat.house.members, replace(root, admin=True)
        for work in (
            members.remove("den", "ann", ann),
            members.put("den", "ann", "member", ann),
            members.put("den", "ann", "moderator", admin),
            members.remove("den", "ann", admin),
        ):
            error = await refusal(work)
            assert isinstance(error, Forbidden) and "keeps an owner" in error.reason
        await members.put("den", "bob", "owner", ann)
        results = await asyncio.gather(*(refusal(members.remove("den", who.id, who)) for who in (ann, bob)))
        assert sorted(type(result) for result in results if result) == [Forbidden]
        assert len(room.policy.owners) == 1


async def test_who_is_removed_is_out(mongod: SessionMongod, database: str) -> None:
    """At once, wherever they wait in the room; and whoever leaves as well."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        room = await room_of(chat, ann, members=[bob, cid])
        waiters = [FakeWaiter(each.user, account=each.id) for each in (ann, bob, cid)]
        for waiter in waiters:
            room.join(waiter)
        await chat.house.members.remove("den", "bob", ann)
        await chat.house.members.remove("den", cid.id, cid)
        assert [bool(waiter.rooms) for waiter in waiters] == [True, False, False]
        assert [waiter.refused[0][1] for waiter in waiters[1:]] == [4403, 4403]
        for work in (chat.house.members.remove("den", "bob", ann), chat.house.members.remove("den", "bob", bob)):
            assert isinstance(await refusal(work), NotFound)
        assert isinstance(await refusal(chat.house.members.remove("den", "ann", bob)), NotFound)


async def test_a_room_and_a_person_have_limits(mongod: SessionMongod, database: str) -> None:
    """A full room takes nobody more, and one who belongs to as many rooms as one can is in no other."""
    async with open_chat(mongod, database, members_limit=2, memberships_limit=2) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        room = await room_of(chat, ann)
        await chat.house.members.put("den", "bob", "member", ann)
        error = await refusal(chat.house.members.put("den", "cid", "member", ann))
        assert isinstance(error, Forbidden) and "as many as it can hold" in error.reason
        await chat.house.members.put("den", "bob", "moderator", ann)
        own = Policy(members={bob.id: Member("bob")})
        await chat.registry.make("b", None, own)
        other = await chat.registry.make("c", None, Policy(members={ann.id: Member("ann", "owner")}))
        with pytest.raises(Forbidden, match="as many as one can"):
            await chat.house.members.put("c", "bob", "member", ann)
        with pytest.raises(Forbidden, match="as many as one can"):
            await chat.house.members.enter(other, Author(bob.id, "bob"))
        assert len(room.policy.members) == 2 and cid.id not in room.policy.members


async def test_a_banned_person_is_not_let_in(mongod: SessionMongod, database: str) -> None:
    """Not before the ban is lifted, or over."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        await room_of(chat, ann, bans={bob.id: Sanction("bob"), cid.id: Sanction("cid", 1)})
        with pytest.raises(Forbidden, match="banned"):
            await chat.house.members.put("den", "bob", "member", ann)
        await chat.house.members.put("den", "cid", "member", ann)


async def test_a_bot_decides_nothing_for_its_maker(mongod: SessionMongod, database: str) -> None:
    """It neither leaves for them nor gives roles; as a moderator's it may let people in."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        room = await room_of(chat, ann, members=[bob])
        bot = replace(ann, scope=Scope())
        for work in (
            chat.house.members.put("den", "bob", "moderator", bot),
            chat.house.members.remove("den", ann.id, bot),
            chat.house.members.remove("den", bob.id, replace(bob, scope=Scope())),
        ):
            assert isinstance(await refusal(work), Forbidden)
        await chat.house.members.put("den", "cid", "member", bot)
        assert set(roles(room)) == {"ann", "bob", "cid"} and cid.id in room.policy.members


async def test_one_is_a_member_once(mongod: SessionMongod, database: str) -> None:
    """However often one enters, and at once; one keeps the role one has."""
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        room = await room_of(chat, ann)
        await asyncio.gather(*(chat.house.members.enter(room, bob.user.author) for _ in range(5)))
        await chat.house.members.enter(room, ann.user.author)
        assert roles(room) == {"ann": "owner", "bob": "member"}


async def test_acts_are_noted_before_they_are_done(mongod: SessionMongod, database: str) -> None:
    """Who rules is in the audit log, and where that cannot be written nothing is done; leaving is no act."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        room = await room_of(chat, ann, members=[cid])
        await chat.house.members.put("den", "bob", "moderator", ann)
        await chat.house.members.remove("den", cid.id, cid)
        await chat.house.members.remove("den", "bob", ann)
        acts = await chat.audit.acts(before=None, limit=10)
        told = [(each.act, each.by.name, each.target and each.target.name, each.details, each.room) for each in acts]
        assert told == [
            ("remove_member", "ann", "bob", {}, "den"),
            ("role", "ann", "bob", {"role": "moderator"}, "den"),
        ]

        async def away(*_: object) -> Any:
            raise Unavailable("away")

        replace_methods(chat.audit, _append=away)
        with pytest.raises(Unavailable):
            await chat.house.members.put("den", "bob", "member", ann)
        assert set(roles(room)) == {"ann"} and bob.id not in room.policy.members


async def test_who_is_gone_for_good_leaves_no_room_behind(mongod: SessionMongod, database: str) -> None:
    """Somebody else owns what they alone owned, a moderator first; what nobody can enter any more is deleted."""
    async with open_chat(mongod, database, memberships_limit=3) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        await room_of(chat, ann, members=[bob], moderators=[cid])

        async def make(name: str, access: Any, *people: Any) -> None:
            owns = {ann.id} if access != "direct" else {}
            members = {each.id: Member(each.user.name, "owner" if each.id in owns else "member") for each in people}
            await chat.registry.make(name, None, Policy(access=access, members=members))

        await make("alone", "link", ann)
        await make("hall", "open", ann)
        await make("club", "private", bob, ann)
        await make("pair", "direct", ann, bob)
        await chat.house.members.forget(ann.id)
        assert await chat.registry.rooms_of(ann.id, 10) == []
        left = {room.name: roles(room) for room in chat.registry}
        assert left == {
            "den": {"bob": "member", "cid": "owner"},
            "hall": {},
            "club": {"bob": "owner"},
            "pair": {"bob": "member"},
        }
        assert mongod.client[database].rooms.count_documents({}) == 4
        await chat.house.members.forget(ann.id)


@pytest.mark.parametrize("access", ["direct", "link"])
async def test_a_room_that_somebody_enters_meanwhile_stays(access: Any, mongod: SessionMongod, database: str) -> None:
    """The last one leaves, or is gone for good, and somebody else comes before the room is deleted."""
    async with open_chat(mongod, database) as chat:
        ann, bob = await account(chat, "ann"), await account(chat, "bob")
        people = {ann.id: Member("ann", "owner" if access == "link" else "member")}
        room = await chat.registry.make("den", None, Policy(access=access, members=people))
        govern, gate, governing = chat.history.rooms.govern, asyncio.Event(), asyncio.Event()

        async def held(*given: Any) -> bool:
            governing.set()
            await gate.wait()
            return await govern(*given)

        replace_methods(chat.history.rooms, govern=held)
        members = chat.house.members
        leaving = members.remove("den", ann.id, ann) if access == "direct" else members.forget(ann.id)
        going = asyncio.create_task(leaving)
        await governing.wait()
        coming = asyncio.create_task(members.enter(room, bob.user.author))
        await until(lambda: room.pending == 2)
        gate.set()
        await asyncio.gather(going, coming)
        assert not room.over and roles(room) == {"bob": "member"}
        assert mongod.client[database].rooms.count_documents({"doomed": True}) == 0


async def test_a_guest_who_gets_an_account_keeps_their_rooms(mongod: SessionMongod, database: str) -> None:
    """With the better of both roles, wherever the account is not banned; who signs out leaves them."""
    async with open_chat(mongod, database) as chat:
        ann, bob, eve = [await account(chat, name) for name in ("ann", "bob", "eve")]
        gus, guy = guest(chat, "gus"), guest(chat, "guy")
        room = await room_of(chat, gus, bob, members=[ann, guy], access="link", bans={eve.id: Sanction("eve")})
        hall = await chat.registry.make("hall", None, Policy(members={gus.id: Member("gus")}))
        await chat.identity.departures.sign_out(gus, heir=ann.user.author)
        assert roles(room) == {"ann": "owner", "bob": "owner", "guy": "member"}
        assert roles(hall) == {"ann": "member"}
        await chat.identity.departures.sign_out(guy, heir=eve.user.author)
        assert roles(room) == {"ann": "owner", "bob": "owner"}
        alone = await chat.house.rooms.make(NewRoom(access="link"), guest(chat, "gil"))
        await chat.identity.departures.sign_out(replace(ann, user=User(alone.policy.owners[0], "gil")))
        assert alone.over


async def test_a_guest_registers_and_owns_their_room(mongod: SessionMongod, database: str) -> None:
    """By the way that a browser takes."""
    async with open_chat(mongod, database) as chat:
        gus = guest(chat, "gus")
        room = await chat.house.rooms.make(NewRoom(access="link"), gus)
        signed_in = await chat.identity.entrance.register("gus", PASSWORD, HERE, caller=gus)
        assert room.policy.owners == [signed_in.user.id]


async def test_what_a_guest_leaves_while_mongodb_is_away_is_nobodys(mongod: SessionMongod, database: str) -> None:
    """Signing out is done all the same."""
    async with open_chat(mongod, database) as chat:
        gus = guest(chat, "gus")
        room = await chat.house.rooms.make(NewRoom(access="link"), gus)

        async def away(*_: object, **__: object) -> Any:
            raise Unavailable("away")

        replace_methods(chat.history.rooms, govern=away)
        await chat.identity.departures.sign_out(gus)
        assert room.policy.owners == [gus.id]
