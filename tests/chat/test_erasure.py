"""Erasure: what becomes of the messages of deleted accounts, in a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

import pytest
from tornado.testing import ExpectLog

from chat.accounts import Account, Accounts, new_account
from chat.bus import LocalBus
from chat.changes import Changes
from chat.commit import GroupCommit
from chat.database import Connection
from chat.erasure import Erasure
from chat.errors import Unavailable
from chat.history import History
from chat.people import User
from chat.protocol import Send
from chat.redaction import Redaction
from chat.registry import RoomRegistry
from tests.mongo import SessionMongod
from tests.rooms import new_key
from tests.waiting import until

BOB = User("g-bob", "bob")


class Parts:
    """All that erasing needs, on a database."""

    def __init__(self, connection: Connection, stored: Any) -> None:
        self.stored = stored
        self.accounts, self.history = Accounts(connection.database), History(connection.database)
        self.redaction = Redaction(self.history, pause=0.1)
        self.commit = GroupCommit(
            self.history, batch=100, queue=1_000, timeout=10, heal_interval=0.1, published=self.redaction.published
        )
        call_later = asyncio.get_running_loop().call_later
        self.registry = RoomRegistry(self.history, call_later, keep=3, presence_limit=9, idle=0)
        self.changes = Changes(self.history, self.commit, self.redaction, reaction_limit=9)
        self.erasure = Erasure(self.accounts, self.history, self.registry, self.changes, pause=0.01, bus=LocalBus())

    async def account(self, name: str) -> Account:
        account = new_account(name, "a hash")
        await self.accounts.insert(account)
        return account

    async def say(self, user: User, name: str, text: str) -> None:
        room = await self.registry.wake(name)
        await self.changes.make(room, user, Send(room=name, key=new_key(), text=text))

    async def told(self, name: str) -> list[tuple[str, str | None]]:
        """Who said what, as the store has it."""
        return [(entry.user.name, entry.text) for entry in await self.history.newest(name, 1_000)]

    async def done(self) -> None:
        await until(lambda: self.stored.accounts.count_documents({"key": {"$exists": False}}) == 0)


@asynccontextmanager
async def parts(mongod: SessionMongod, database: str) -> AsyncIterator[Parts]:
    connection = mongod.connection(database)
    made = Parts(connection, mongod.client[database])
    await made.history.prepare()
    await made.accounts.prepare()
    made.commit.start()
    try:
        yield made
    finally:
        made.erasure.stop()
        await made.commit.stop(1)
        connection.close()


@pytest.mark.parametrize("messages", [True, False])
async def test_goes_through_all_logs(
    mongod: SessionMongod, database: str, messages: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps, through rooms that are awake and that are not, beyond what memory holds; nobody else is touched."""
    monkeypatch.setattr("chat.erasure.STEP", 2)
    monkeypatch.setattr("chat.erasure.LOT", 2)
    async with parts(mongod, database) as made:
        ann = await made.account("ann")
        for name in ("a", "b"):
            for n in range(5):
                await made.say(ann.user, name, f"secret {n}")
                await made.say(BOB, name, f"mine {n}")
        await made.say(BOB, "c", "alone")
        await made.registry.in_memory.drop_idle()
        room = await made.registry.find("a")
        made.erasure.start()
        await made.accounts.delete(ann.id, messages=messages)
        made.erasure.begin(ann.id)
        assert {entry.user.name for entry in room.tail.since(room.seq - 3) or []} == {"deleted account", "bob"}
        await made.done()
        for name in ("a", "b"):
            told = (await made.told(name))[:10]
            assert told[1::2] == [("bob", f"mine {n}") for n in range(5)]
            expected = [("deleted account", None if messages else f"secret {n}") for n in range(5)]
            assert told[::2] == expected
        assert await made.told("c") == [("bob", "alone")]
        assert ("secret" in str(list(mongod.client[database].entries.find()))) is not messages
        assert "'ann'" not in str(list(mongod.client[database].entries.find()))


async def test_the_next_start_goes_on(mongod: SessionMongod, database: str) -> None:
    """What a server has left undone is done by the next one, in spite of failures on the way."""
    async with parts(mongod, database) as made:
        ann = await made.account("ann")
        await made.say(ann.user, "a", "secret")
        await made.accounts.delete(ann.id, messages=True)
    async with parts(mongod, database) as made:
        forgotten: list[str] = []

        async def forget(id: str) -> None:
            forgotten.append(id)
            if len(forgotten) == 1:
                raise Unavailable("away")

        made.erasure.also(forget)
        made.erasure.start()
        await made.done()
        assert forgotten == [ann.id, ann.id]
        assert await made.told("a") == [("deleted account", None), ("deleted account", None)]


async def test_one_failure_is_not_the_end(mongod: SessionMongod, database: str) -> None:
    """What should not have happened is logged, and those who are deleted later are dealt with."""
    async with parts(mongod, database) as made:
        with (
            ExpectLog("parley.erasure", "a deleted account"),
            mock.patch.object(made.accounts, "deleted", side_effect=[ValueError, []]) as deleted,
        ):
            made.erasure.start()
            await until(lambda: deleted.call_count == 1)
            await asyncio.sleep(0)
        ann = await made.account("ann")
        await made.say(ann.user, "a", "hello")
        await made.accounts.delete(ann.id, messages=False)
        made.erasure.begin(ann.id)
        await made.done()
        assert await made.told("a") == [("deleted account", "hello")]
