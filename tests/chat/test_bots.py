"""Bots, in a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

from chat.bots import Bots, new_bot
from chat.errors import NameTaken
from chat.times import DAY
from tests.mongo import SessionMongod


@asynccontextmanager
async def stored(mongod: SessionMongod, database: str) -> AsyncIterator[Bots]:
    connection = mongod.connection(database)
    bots = Bots(connection.database)
    await bots.prepare()
    try:
        yield bots
    finally:
        connection.close()


async def test_finds_a_bot_by_its_token(mongod: SessionMongod, database: str) -> None:
    """And by its id, until its time is over; the list of its maker has it all the same."""
    async with stored(mongod, database) as bots:
        bot = new_bot("helper", "a-1", rooms=["Lobby"], write=True, days=2)
        token = await bots.insert(bot)
        assert bot.until - bot.made == 2 * DAY
        assert await bots.find(token) == await bots.by_id(bot.id) == bot
        assert await bots.find(token[:-1]) is None and await bots.by_id(token) is None
        caller = bot.caller
        assert (caller.id, caller.session, caller.user.guest, caller.until) == ("a-1", bot.id, False, bot.until)
        assert caller.scope is not None and caller.scope.rooms == {"lobby"} and caller.scope.write
        with mock.patch("chat.bots.now", return_value=bot.until):
            assert await bots.find(token) is None
            assert await bots.of("a-1") == [bot]


async def test_a_name_is_one_bots(mongod: SessionMongod, database: str) -> None:
    """Also where two are stored at the same moment, of names that look alike."""
    async with stored(mongod, database) as bots:
        made = [new_bot(name, "a-1", rooms=[], write=False, days=1) for name in ("helper", "heIper")]
        outcomes = await asyncio.gather(*map(bots.insert, made), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == [NameTaken.__name__, "str"]
        assert len({id: names async for id, names in bots.names()}) == 1


async def test_is_removed_by_its_maker_alone(mongod: SessionMongod, database: str) -> None:
    """Once."""
    async with stored(mongod, database) as bots:
        bot = new_bot("helper", "a-1", rooms=[], write=False, days=1)
        token = await bots.insert(bot)
        assert not await bots.remove("a-2", bot.id)
        assert await bots.find(token) == bot
        assert await bots.remove("a-1", bot.id)
        assert not await bots.remove("a-1", bot.id)
        assert await bots.of("a-1") == []
