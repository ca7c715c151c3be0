"""Sessions of accounts, in a real MongoDB."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

import pytest

from chat.errors import Unavailable
from chat.sessions import Origin, Sessions
from chat.times import DAY, now
from tests.mongo import SessionMongod

HERE = Origin("203.0.113.1", "a phone\r\n\x1b[0m" + "x" * 300)


@asynccontextmanager
async def stored(mongod: SessionMongod, database: str, *, limit: int = 9) -> AsyncIterator[Sessions]:
    connection = mongod.connection(database)
    sessions = Sessions(connection.database, days=30, limit=limit)
    await sessions.prepare()
    try:
        yield sessions
    finally:
        connection.close()


async def test_finds_a_session_by_its_token(mongod: SessionMongod, database: str) -> None:
    """And by nothing else: not by its id, not by what is stored."""
    async with stored(mongod, database) as sessions:
        session, token = await sessions.make("a-1", HERE)
        assert await sessions.find(token) == session
        assert session.agent == "a phone[0m" + "x" * 187
        kept = mongod.client[database].sessions.find_one()
        assert kept is not None
        for wrong in (session.id, kept["hash"], token[:-1], token.upper(), "", "\ud800"):
            assert await sessions.find(wrong) is None


async def test_a_session_ends(mongod: SessionMongod, database: str) -> None:
    """At once in memory, in the store when it is reached; `end_all` may spare one."""
    async with stored(mongod, database) as sessions:
        made = [await sessions.make("a-1", HERE) for _ in range(4)]
        other, _ = await sessions.make("a-2", HERE)
        sessions.end([made[0][0].id])
        assert await sessions.find(made[0][1]) is None
        assert len(await sessions.of("a-1")) == 3
        assert mongod.client[database].sessions.count_documents({}) == 5
        await sessions.remove_ended()
        assert mongod.client[database].sessions.count_documents({}) == 4
        await sessions.end_all("a-1", but=made[1][0].id)
        assert await sessions.of("a-1") == [made[1][0]]
        await sessions.end_all("a-1")
        assert await sessions.of("a-1") == []
        assert await sessions.of("a-2") == [other]


async def test_a_session_grows_too_old(mongod: SessionMongod, database: str) -> None:
    """After its days it is over, and MongoDB is told to remove it."""
    async with stored(mongod, database) as sessions:
        session, token = await sessions.make("a-1", HERE)
        assert session.until - session.made == 30 * DAY
        with mock.patch("chat.sessions.now", return_value=session.until):
            assert await sessions.find(token) is None
            assert await sessions.of("a-1") == []
        indexes = mongod.client[database].sessions.index_information()
        assert indexes["expires"]["expireAfterSeconds"] == 0
        kept = mongod.client[database].sessions.find_one()
        assert kept is not None
        assert abs(kept["expires"].timestamp() * 1000 - session.until) < 86_400_000  # whatever this machine's zone


async def test_the_oldest_are_surplus(mongod: SessionMongod, database: str) -> None:
    """Those beyond the limit, the latest staying."""
    async with stored(mongod, database, limit=2) as sessions:
        made = []
        for n in range(4):
            with mock.patch("chat.sessions.now", return_value=now() + n):
                made.append((await sessions.make("a-1", HERE))[0].id)
        assert await sessions.surplus("a-1") == [made[1], made[0]]


async def test_keeps_when_and_where_it_was_seen(mongod: SessionMongod, database: str) -> None:
    """Stored together; what could not be stored is kept for another time."""
    async with stored(mongod, database) as sessions:
        session, token = await sessions.make("a-1", HERE)
        with mock.patch("chat.last_seen.now", return_value=session.made + 5):
            sessions.seen.note(session.id, "203.0.113.9")
        with mock.patch.object(sessions.seen, "_collection") as broken:
            broken.bulk_write.side_effect = Unavailable("away")
            with pytest.raises(Unavailable):
                await sessions.seen.store()
        await sessions.seen.store()
        found = await sessions.find(token)
        assert found is not None
        assert (found.seen, found.address) == (session.made + 5, "203.0.113.9")
