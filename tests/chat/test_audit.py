"""The audit log: numbered without holes, only ever added to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chat.audit import Audit
from chat.callers import Caller
from chat.database import DatabaseError
from chat.entries import Author
from chat.errors import Forbidden, Unavailable
from tests.mongo import SessionMongod
from tests.rooms import ANN, BOB, new_room

BY = Caller(user=ANN)


@asynccontextmanager
async def audits(mongod: SessionMongod, name: str, *, count: int = 1) -> AsyncIterator[list[Audit]]:
    """Logs on one database, as several processes would have them, and the names of acts that the first was told of."""
    connection = mongod.connection(name)
    try:
        made = [Audit(connection.database) for _ in range(count)]
        await made[0].prepare()
        yield made
    finally:
        connection.close()


async def test_keeps_who_did_what_to_whom(mongod: SessionMongod, database: str) -> None:
    """An act comes back with its time, its room, its target and its details; the latest first."""
    async with audits(mongod, database) as (audit,):
        room = new_room()
        await audit.note(BY, "ban", room=room, target=BOB.author, seconds=60, reason="noise")
        await audit.note(BY, "make_admin", target=BOB.author)
        later, first = await audit.acts(before=None, limit=10)
        assert (first.id, first.act, first.by, first.room) == (1, "ban", ANN.author, "Lobby")
        assert (first.target, first.details) == (BOB.author, {"seconds": 60, "reason": "noise"})
        assert (later.id, later.room, later.details) == (2, "", {})
        assert later.at >= first.at > 1_600_000_000_000
        assert await audit.acts_in(room, 10) == [first]


async def test_pages(mongod: SessionMongod, database: str) -> None:
    """`before` goes on where a page has ended."""
    async with audits(mongod, database) as (audit,):
        for _ in range(5):
            await audit.note(BY, "kick")
        assert [act.id for act in await audit.acts(before=None, limit=2)] == [5, 4]
        assert [act.id for act in await audit.acts(before=4, limit=10)] == [3, 2, 1]


async def test_numbers_have_no_holes(mongod: SessionMongod, database: str) -> None:
    """Whoever writes at once, in one process or in several, each act has its number."""
    async with audits(mongod, database, count=2) as (here, there):
        await asyncio.gather(*(audit.note(BY, "mute") for audit in (here, there) for _ in range(20)))
        assert [act.id for act in await here.acts(before=None, limit=100)] == list(range(40, 0, -1))


async def test_another_room_of_the_name_is_another(mongod: SessionMongod, database: str) -> None:
    """The moderators of a room see nothing of one that was there before it."""
    async with audits(mongod, database) as (audit,):
        old, new = new_room(), new_room()
        new.epoch = "e2"
        await audit.note(BY, "mute", room=old)
        assert await audit.acts_in(new, 10) == []
        assert len(await audit.acts_in(old, 10)) == 1


async def test_what_is_not_noted_is_not_done(mongod: SessionMongod, database: str) -> None:
    """While the log cannot be written nobody is banned."""
    async with audits(mongod, database) as (audit,):
        with mongod.away(), pytest.raises(Unavailable):
            async with audit.noted(BY, "ban"):
                raise AssertionError("it was done")


async def test_a_failure_is_noted(mongod: SessionMongod, database: str) -> None:
    """An act that came to nothing is in the log as that."""
    told: list[str] = []
    async with audits(mongod, database) as (audit,):
        audit._observe = told.append
        with pytest.raises(Forbidden):
            async with audit.noted(BY, "ban", target=Author("g-1", "x")):
                raise Forbidden("no")
        async with audit.noted(BY, "kick"):
            pass
        assert [(act.act, act.details) for act in await audit.acts(before=None, limit=9)] == [
            ("kick", {}),
            ("ban", {"failed": True}),
            ("ban", {}),
        ]
        assert told == ["ban", "ban", "kick"]


async def test_says_when_mongodb_is_away(mongod: SessionMongod, database: str) -> None:
    """A server that cannot make its index does not start."""
    async with audits(mongod, database) as (audit,):
        with mongod.away(), pytest.raises(DatabaseError):
            await audit.prepare()
