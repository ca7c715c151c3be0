"""Invitations: who they let in, how often and how long."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from chat import invitations as invitations_module
from chat.callers import Caller, Scope
from chat.chat import Chat
from chat.errors import BadRequest, ChatError, Forbidden, NotFound, RateLimited, Unauthenticated, Unavailable
from chat.invitations import HOUR, Invitation, NewInvitation
from chat.policy import Kind, Member, Policy, Sanction
from chat.room import Room
from tests.chats import account, guest, open_chat
from tests.mongo import SessionMongod
from tests.replacing import replace_methods

NONE = "There is no such invitation."


async def room_of(chat: Chat, owner: Caller, *members: Caller, access: Kind = "private", **rules: Any) -> Room:
    people = {each.id: Member(each.user.name) for each in members} | {owner.id: Member(owner.user.name, "owner")}
    return await chat.registry.make("den", "The den", Policy(access=access, members=people, **rules))


async def made(chat: Chat, by: Caller, room: str = "den", **wanted: int) -> tuple[Invitation, str]:
    return await chat.house.invitations.make(room, NewInvitation(**wanted), by)


async def outcome(work: Any) -> str:
    """`in`, or the reason why not."""
    try:
        await work
    except ChatError as error:
        return error.reason
    return "in"


async def test_lets_somebody_in(mongod: SessionMongod, database: str) -> None:
    """Who shows the token is a member; before that one may see which room it is; the store has the hash alone."""
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        room = await room_of(chat, ann)
        invitation, token = await made(chat, ann)
        assert len(token) >= 43  # 256 bits
        assert (await chat.house.invitations.room(token, "127.0.0.1")) is room
        assert bob.id not in room.policy.members
        assert await chat.house.invitations.accept(token, bob) is room
        assert room.policy.members[bob.id] == Member("bob")
        (stored,) = mongod.client[database].invitations.find()
        assert token not in str(stored)
        assert stored["_id"] == invitation.id


async def test_n_uses_are_n_uses(mongod: SessionMongod, database: str) -> None:
    """However many come at the same moment; the same person twice is one use, and a member uses up nothing."""
    async with open_chat(mongod, database, attempts=1_000, attempts_delay=0) as chat:
        ann = await account(chat, "ann")
        room = await room_of(chat, ann)
        people = [await account(chat, f"p{n}") for n in range(12)]
        _, token = await made(chat, ann, uses=5)
        accept = chat.house.invitations.accept
        assert await outcome(accept(token, ann)) == "in"
        outcomes = Counter(await asyncio.gather(*(outcome(accept(token, each)) for each in people for _ in range(2))))
        assert outcomes == {"in": 10, NONE: 14}
        assert len(room.policy.members) == 6
        _, token = await made(chat, ann, uses=0)
        for each in people:
            assert await outcome(accept(token, each)) == "in"


async def test_what_lets_nobody_in_is_all_the_same(mongod: SessionMongod, database: str) -> None:
    """Wrong, used up, too old, revoked, of a room that is gone, closed to invitations or another, or whose maker may
    not invite any more: one answer."""
    async with open_chat(mongod, database, attempts=1_000, attempts_delay=0) as chat:
        ann, bob, cid, eve = [await account(chat, name) for name in ("ann", "bob", "cid", "eve")]
        room = await room_of(chat, ann, bob, access="link")
        tokens: dict[str, str] = {"wrong": "x" * 43, "empty": "", "odd": "\ud800"}
        for name in ("used up", "too old", "revoked", "closed", "gone", "by bob"):
            invitation, tokens[name] = await made(chat, bob if name == "by bob" else ann, uses=1)
            if name == "used up":
                await chat.house.invitations.accept(tokens[name], cid)
            elif name == "too old":
                which = {"_id": invitation.id}
                mongod.client[database].invitations.update_one(which, {"$set": {"until": 1}})
            elif name == "revoked":
                await chat.house.invitations.revoke("den", invitation.id, ann)

        async def refused(*names: str) -> None:
            for name in names:
                for work in (
                    chat.house.invitations.accept(tokens[name], eve),
                    chat.house.invitations.room(tokens[name], "127.0.0.1"),
                ):
                    with pytest.raises(NotFound, match=NONE):
                        await work

        async def works(*names: str) -> None:
            for name in names:
                assert await chat.house.invitations.room(tokens[name], "127.0.0.1") is room

        await refused("wrong", "empty", "odd", "used up", "too old", "revoked")
        await works("closed", "gone", "by bob")
        await chat.registry.govern(room, lambda policy: replace(policy, access="private"))
        await refused("by bob")
        await works("closed", "gone")
        await chat.registry.govern(room, lambda policy: replace(policy, access="link"))
        await works("by bob")
        await chat.house.members.remove("den", "bob", ann)
        await refused("by bob")
        await chat.registry.govern(room, lambda policy: replace(policy, access="open"))
        await refused("closed", "gone")
        await chat.house.lifetimes.delete(room)
        await room_of(chat, ann, access="link")
        await refused("closed", "gone")
        assert mongod.client[database].invitations.count_documents({}) == 0


async def test_an_invitation_of_an_earlier_room_is_none(mongod: SessionMongod, database: str) -> None:
    """Even one that was not erased with it."""
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        room = await room_of(chat, ann)
        _, token = await made(chat, ann)
        (stored,) = mongod.client[database].invitations.find()
        await chat.house.lifetimes.delete(room)
        mongod.client[database].invitations.insert_one(stored)
        for _ in range(2):
            assert await outcome(chat.house.invitations.accept(token, bob)) == NONE
            await chat.registry.make("den", None, room.policy)
            break
        assert await outcome(chat.house.invitations.accept(token, bob)) == NONE


async def test_guessing_is_slowed_and_then_refused(mongod: SessionMongod, database: str) -> None:
    """Ten wrong ones in three minutes from one address, and even a right one is refused there; not elsewhere."""
    async with open_chat(mongod, database, attempts_delay=0) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        await room_of(chat, ann)
        _, token = await made(chat, ann)
        for n in range(10):
            with pytest.raises(NotFound):
                await chat.house.invitations.room(f"wrong-{n}", "203.0.113.7")
        for wrong in ("wrong", token):
            with pytest.raises(RateLimited) as error:
                await chat.house.invitations.accept(wrong, replace(bob, address="203.0.113.7"))
            assert 170 < (error.value.retry_after or 0) <= 180
        await chat.house.invitations.accept(token, replace(bob, address="203.0.113.8"))


async def test_who_may_be_a_member(mongod: SessionMongod, database: str) -> None:
    """Guests of secret-link rooms while they have a session, of private ones nobody without an account; no bots."""
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        gus, pat = guest(chat, "gus"), guest(chat, "pat", passing=True)
        room = await room_of(chat, ann, access="link", bans={bob.id: Sanction("bob")})
        _, token = await made(chat, ann, uses=0)
        accept = chat.house.invitations.accept
        assert await accept(token, gus) is room
        for who, error in ((pat, Unauthenticated), (replace(ann, scope=Scope()), Forbidden), (bob, Forbidden)):
            with pytest.raises(error):
                await accept(token, who)
        await chat.registry.govern(room, lambda policy: replace(policy, access="private"))
        with pytest.raises(Forbidden, match="account"):
            await accept(token, guest(chat, "gil"))
        assert set(room.policy.members) == {ann.id, gus.id}


async def test_a_use_that_came_to_nothing_is_given_back(mongod: SessionMongod, database: str) -> None:
    """When the room is full, or cannot be changed at the moment."""
    async with open_chat(mongod, database, members_limit=2) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        room = await room_of(chat, ann, bob)
        _, token = await made(chat, ann, uses=1)
        with pytest.raises(Forbidden, match="as many as it can hold"):
            await chat.house.invitations.accept(token, cid)
        await chat.house.members.remove("den", "bob", ann)

        async def away(*_: object) -> Any:
            raise Unavailable("away")

        govern = chat.history.rooms.govern
        replace_methods(chat.history.rooms, govern=away)
        with pytest.raises(Unavailable):
            await chat.house.invitations.accept(token, cid)
        replace_methods(chat.history.rooms, govern=govern)
        assert [each.uses for each in await chat.house.invitations.of("den", ann)] == [1]
        await chat.house.invitations.accept(token, cid)
        assert cid.id in room.policy.members
        assert await chat.house.invitations.of("den", ann) == []


async def test_lists_and_revokes(mongod: SessionMongod, database: str) -> None:
    """Moderators see all that are open, others their own; one revokes what one sees."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        await room_of(chat, ann, bob, cid, access="link")
        first, _ = await made(chat, ann, hours=0, uses=0)
        second, _ = await made(chat, bob, hours=2, uses=3)
        invitations = chat.house.invitations
        listed = await invitations.of("den", ann)
        assert {each.id for each in listed} == {first.id, second.id}
        assert (first.until, first.uses) == (0, None)
        assert (second.until - second.made, second.uses, second.by.name) == (2 * HOUR, 3, "bob")
        assert [each.id for each in await invitations.of("den", bob)] == [second.id]
        assert await invitations.of("den", cid) == []
        for who, id in ((bob, first.id), (cid, second.id), (ann, "nothing")):
            with pytest.raises(NotFound, match=NONE):
                await invitations.revoke("den", id, who)
        await invitations.revoke("den", second.id, bob)
        await invitations.revoke("den", first.id, ann)
        assert await invitations.of("den", ann) == []
        with pytest.raises(NotFound, match="no such room"):
            await invitations.of("den", await account(chat, "eve"))


async def test_an_administrators_invitation_holds(mongod: SessionMongod, database: str) -> None:
    """Though they do not belong to the room."""
    async with open_chat(mongod, database) as chat:
        ann, bob, root = [await account(chat, name) for name in ("ann", "bob", "root")]
        room = await room_of(chat, ann)
        _, token = await made(chat, replace(root, admin=True))
        assert await chat.house.invitations.accept(token, bob) is room


async def test_invitations_have_limits(mongod: SessionMongod, database: str) -> None:
    """So many at once, so long, so often."""
    async with open_chat(mongod, database, invitations_limit=2, invitation_hours=48, members_limit=10) as chat:
        ann = await account(chat, "ann")
        await room_of(chat, ann)
        for wanted in ({"hours": 49}, {"uses": 11}):
            with pytest.raises(BadRequest):
                await made(chat, ann, **wanted)
        first, _ = await made(chat, ann, hours=48, uses=10)
        await made(chat, ann)
        with pytest.raises(Forbidden, match="revoke one first"):
            await made(chat, ann)
        await chat.house.invitations.revoke("den", first.id, ann)
        await made(chat, ann)


async def test_mongodb_removes_what_is_too_old(
    mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an index on when they end; those without an end have none there."""
    monkeypatch.setattr(invitations_module, "now", lambda: 1_000_000_000_000)
    async with open_chat(mongod, database) as chat:
        ann = await account(chat, "ann")
        await room_of(chat, ann)
        await made(chat, ann, hours=1)
        await made(chat, ann, hours=0)
        raw = mongod.client[database].invitations
        assert raw.index_information()["expires"]["expireAfterSeconds"] == 0
        ends = [document.get("expires") for document in raw.find().sort("until", -1)]
        assert ends[0].timestamp() % 3600 == 1_000_000_000 % 3600 and ends[1] is None
