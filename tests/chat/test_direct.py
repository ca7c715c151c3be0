"""Direct conversations: one room of exactly these people."""

import asyncio
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chat.callers import Scope
from chat.direct import circle_of, title_of
from chat.errors import BadRequest, Forbidden, NotFound, RateLimited, Unauthenticated
from chat.names import TITLE_LIMIT, room_title
from tests.chats import account, guest, open_chat
from tests.mongo import SessionMongod


async def test_finds_the_same_room_for_the_same_people(mongod: SessionMongod, database: str) -> None:
    """Whoever begins, by names or ids, in whatever order, themselves named or not; with others it is another."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "Bob", "cid")]
        room, made = await chat.house.direct.begin(["bob"], ann)
        assert made and room.title == "ann and Bob"
        assert room.policy.access == "direct" and not room.policy.owners
        for names, who in ((["ann"], bob), ([ann.id], bob), (["ann", "BOB"], ann), (["bob", bob.id, "bob"], ann)):
            assert await chat.house.direct.begin(names, who) == (room, False)
        group, made = await chat.house.direct.begin(["ann", "cid"], bob)
        assert made and group is not room and group.title == "ann, Bob and cid"
        assert await chat.house.direct.begin(["bob", "ann"], cid) == (group, False)


async def test_two_who_begin_at_once_get_the_same_room(mongod: SessionMongod, database: str) -> None:
    """However many and however often; one of them made it."""
    async with open_chat(mongod, database) as chat:
        people = [await account(chat, name) for name in ("ann", "bob", "cid")]
        orders = [*permutations(people)] * 3
        found = await asyncio.gather(
            *(chat.house.direct.begin([other.id for other in others], who) for who, *others in orders)
        )
        assert len({room.key for room, _ in found}) == 1
        assert sum(made for _, made in found) == 1
        assert mongod.client[database].rooms.count_documents({}) == 1


async def test_its_name_cannot_be_guessed(mongod: SessionMongod, database: str) -> None:
    """It follows from nobody's name or id."""
    async with open_chat(mongod, database) as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        room, _ = await chat.house.direct.begin(["bob"], ann)
        assert len(room.name) == 32
        assert room.name not in circle_of([ann.id, bob.id])


async def test_who_cannot_begin_one(mongod: SessionMongod, database: str) -> None:
    """Guests, bots, people who do not exist, nobody but oneself, too many, and who makes too many rooms."""
    async with open_chat(mongod, database, memberships_limit=2, making_rate="0.001/3") as chat:
        ann, bob = [await account(chat, name) for name in ("ann", "bob")]
        begin = chat.house.direct.begin
        with pytest.raises(Unauthenticated, match="account"):
            await begin(["ann"], guest(chat, "gus"))
        with pytest.raises(Forbidden):
            await begin(["bob"], replace(ann, scope=Scope()))
        with pytest.raises(NotFound, match="nobody"):
            await begin(["bob", "nobody"], ann)
        for names in ([], ["ann"], [f"p{n}" for n in range(10)]):
            with pytest.raises(BadRequest):
                await begin(names, ann)
        room, _ = await begin(["bob"], ann)
        for name in ("cid", "dan"):
            await account(chat, name)
        await begin(["cid"], ann)
        with pytest.raises(Forbidden, match="as many as one can"):
            await begin(["dan"], ann)
        assert await begin(["bob"], ann) == (room, False)
        with pytest.raises(RateLimited):
            await begin(["dan"], ann)
        assert await begin(["ann"], bob) == (room, False)


async def test_one_leaves_a_group_and_not_a_pair(mongod: SessionMongod, database: str) -> None:
    """Nobody rules it, nobody is added; who has left is out of it, and the same people begin another then."""
    async with open_chat(mongod, database) as chat:
        ann, bob, cid = [await account(chat, name) for name in ("ann", "bob", "cid")]
        members, begin = chat.house.members, chat.house.direct.begin
        pair, _ = await begin(["bob"], ann)
        with pytest.raises(Forbidden, match="conversation of two"):
            await members.remove(pair.name, ann.id, ann)
        group, _ = await begin(["bob", "cid"], ann)
        for work in (
            lambda: members.put(group.name, "cid", "moderator", ann),
            lambda: members.remove(group.name, "cid", ann),
            lambda: members.put(group.name, "cid", "member", replace(ann, admin=True)),
        ):
            with pytest.raises(Forbidden):
                await work()
        await members.remove(group.name, cid.id, cid)
        with pytest.raises(NotFound):
            await members.of(group.name, cid)
        assert await begin(["bob"], ann) == (pair, False)
        again, made = await begin(["bob", "cid"], ann)
        assert made and again is not group
        await members.remove(group.name, bob.id, bob)
        await members.remove(group.name, ann.id, ann)
        assert group.over


async def test_a_pair_outlives_memory(mongod: SessionMongod, database: str) -> None:
    """Asleep it is found as well."""
    async with open_chat(mongod, database, room_idle=0) as chat:
        ann, _ = [await account(chat, name) for name in ("ann", "bob")]
        room, _ = await chat.house.direct.begin(["bob"], ann)
        await chat.registry.in_memory.drop_idle()
        again, made = await chat.house.direct.begin(["bob"], ann)
        assert (again.key, again is room, made) == (room.key, False, False)


@given(st.lists(st.text("abcxyz ", min_size=1, max_size=32).map(lambda text: f"n{text}"), min_size=2, max_size=10))
def test_a_title_names_as_many_as_it_can(names: list[str]) -> None:
    """It is a title, begins with the first names, and counts those who are not named."""
    title = title_of(names)
    assert len(title) <= TITLE_LIMIT
    room_title(title)
    shown = [name for name in sorted(names, key=str.casefold) if name in title]
    assert shown and title.startswith(shown[0])
    if title.endswith(("other", "others")):
        assert len(", ".join(sorted(names, key=str.casefold))) + 2 > TITLE_LIMIT - 25
