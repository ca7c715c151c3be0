"""Bans from the whole server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chat.bans import Bans
from chat.clients import Clients
from chat.database import DatabaseError
from chat.entries import Author
from chat.errors import BadRequest, Forbidden, NotFound, Unavailable
from tests.mongo import SessionMongod
from tests.rooms import ANN

BY = ANN.author
MALLORY = Author("a-1", "mallory")


class Wall:
    """The time of day, in seconds."""

    now = 1_700_000_000.0


@asynccontextmanager
async def bans(mongod: SessionMongod, name: str, *, limit: int = 10) -> AsyncIterator[tuple[Bans, Wall]]:
    connection = mongod.connection(name)
    try:
        wall = Wall()
        clients = Clients(limit=10, address_limit=10, backlog_limit=1)
        made = Bans(connection.database, clients, limit=limit, wall=lambda: wall.now)
        await made.prepare()
        yield made, wall
    finally:
        connection.close()


async def test_a_banned_account(mongod: SessionMongod, database: str) -> None:
    """It is told until when and why; when the time is over it is banned no more."""
    async with bans(mongod, database) as (banned, wall):
        banned.check_account(MALLORY.id)
        await banned.ban_account(MALLORY, BY, seconds=60, reason="noise")
        with pytest.raises(Forbidden) as refused:
            banned.check_account(MALLORY.id)
        assert refused.value.reason == "This account is banned until 2023-11-14 22:14 UTC: noise."
        assert refused.value.retry_after == 60
        banned.check_account("a-2")
        assert banned.of_account(MALLORY.id) is not None
        wall.now += 60
        banned.check_account(MALLORY.id)
        assert banned.of_account(MALLORY.id) is None


async def test_a_ban_for_ever(mongod: SessionMongod, database: str) -> None:
    """Without a time it ends when it is lifted, and not before; lifting it again finds nothing."""
    async with bans(mongod, database) as (banned, wall):
        await banned.ban_account(MALLORY, BY, seconds=0, reason="")
        wall.now += 1e9
        with pytest.raises(Forbidden) as refused:
            banned.check_account(MALLORY.id)
        assert (refused.value.reason, refused.value.retry_after) == ("This account is banned.", None)
        await banned.lift(MALLORY.id)
        banned.check_account(MALLORY.id)
        with pytest.raises(NotFound):
            await banned.lift(MALLORY.id)


async def test_banned_addresses(mongod: SessionMongod, database: str) -> None:
    """All addresses of a range are refused and no others; a lifted or expired one is refused no more."""
    async with bans(mongod, database) as (banned, wall):
        banned.check_address("203.0.113.7")
        await banned.ban_range("203.0.113.9/24", BY, seconds=60, reason="")
        await banned.ban_range("2001:db8::/48", BY, seconds=0, reason="spam")
        for address in ("203.0.113.7", "::ffff:203.0.113.8", "2001:db8::1"):
            with pytest.raises(Forbidden):
                banned.check_address(address)
        for address in ("203.0.114.7", "2001:db8:1::1", ""):
            banned.check_address(address)
        assert {ban.id for ban in banned.ranges()} == {"203.0.113.0/24", "2001:db8::/48"}
        wall.now += 61
        banned.check_address("203.0.113.7")
        assert [ban.id for ban in banned.ranges()] == ["2001:db8::/48"]
        await banned.lift_range("2001:db8::/48")
        banned.check_address("2001:db8::1")
        with pytest.raises(NotFound):
            await banned.lift_range("2001:db8::/48")
        with pytest.raises(BadRequest):
            await banned.lift_range("x")


async def test_outlives_the_server(mongod: SessionMongod, database: str) -> None:
    """A server that starts again knows who is banned."""
    async with bans(mongod, database) as (banned, _):
        await banned.ban_account(MALLORY, BY, seconds=0, reason="noise")
        await banned.ban_range("203.0.113.0/24", BY, seconds=0, reason="")
    async with bans(mongod, database) as (banned, _):
        with pytest.raises(Forbidden, match="noise"):
            banned.check_account(MALLORY.id)
        with pytest.raises(Forbidden):
            banned.check_address("203.0.113.7")
        assert banned.ranges()[0].by == BY


async def test_forgets_what_is_over(mongod: SessionMongod, database: str) -> None:
    """Expired bans leave memory and the store; one that was given anew stays."""
    async with bans(mongod, database) as (banned, wall):
        await banned.drop_expired()
        await banned.ban_account(MALLORY, BY, seconds=1, reason="")
        await banned.ban_account(Author("a-2", "x"), BY, seconds=0, reason="")
        await banned.ban_range("203.0.113.0/24", BY, seconds=1, reason="")
        await banned.ban_range("203.0.114.0/24", BY, seconds=1, reason="")
        wall.now += 2
        await banned.ban_range("203.0.114.0/24", BY, seconds=60, reason="")
        await banned.drop_expired()
        assert sorted(document["_id"] for document in mongod.client[database]["bans"].find()) == [
            "203.0.114.0/24",
            "a-2",
        ]
        assert (len(banned._accounts), len(banned._ranges)) == (1, 1)
        with pytest.raises(Forbidden):
            banned.check_address("203.0.114.1")


async def test_ranges_are_so_many_at_most(mongod: SessionMongod, database: str) -> None:
    """One more is refused; one that is there already may be given another time."""
    async with bans(mongod, database, limit=1) as (banned, _):
        await banned.ban_range("203.0.113.0/24", BY, seconds=1, reason="")
        await banned.ban_range("203.0.113.0/24", BY, seconds=2, reason="")
        with pytest.raises(BadRequest):
            await banned.ban_range("203.0.114.0/24", BY, seconds=1, reason="")


async def test_what_is_not_stored_does_not_hold(mongod: SessionMongod, database: str) -> None:
    """While MongoDB is away nobody is banned or let in, and no server starts without knowing who is banned."""
    async with bans(mongod, database) as (banned, _):
        with mongod.away():
            with pytest.raises(Unavailable):
                await banned.ban_account(MALLORY, BY, seconds=0, reason="")
            with pytest.raises(DatabaseError):
                await banned.prepare()
        banned.check_account(MALLORY.id)
