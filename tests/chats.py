"""The whole domain of a server at work on a database of its own, without the web."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from argon2 import PasswordHasher

import assembly
from chat.bus import Bus
from chat.callers import Caller
from chat.chat import Chat
from chat.sessions import Origin
from settings import Settings
from tests.mongo import SessionMongod

HERE = Origin("127.0.0.1", "tests")
PASSWORD = "correct horse battery"
# The real parameters take a tenth of a second and 64 MiB.
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@asynccontextmanager
async def open_chat(mongod: SessionMongod, database: str, bus: Bus | None = None, **values: Any) -> AsyncIterator[Chat]:
    """With these settings; changes are stored, and nothing is done of itself. `bus` joins it to others."""
    connection = mongod.connection(database)
    chat = assembly.make_chat(Settings(**values), connection, "a secret of the tests", bus=bus)
    chat.identity.passwords.hasher = QUICK_HASHER
    try:
        await chat.bus.start()
        await assembly.prepare(chat)
        chat.commit.start()
        yield chat
    finally:
        await chat.commit.stop(1)
        await chat.redaction.stop()
        await chat.hooks.stop()
        chat.hearsay.close()
        await chat.bus.stop()
        chat.identity.close()
        connection.close()


async def account(chat: Chat, name: str, *, admin: bool = False) -> Caller:
    """A new account, as one who asks."""
    signed_in = await chat.identity.entrance.register(name, PASSWORD, HERE)
    return Caller(user=signed_in.user, account=signed_in.user.id, session="s", admin=admin, address="127.0.0.1")


def guest(chat: Chat, name: str, *, passing: bool = False) -> Caller:
    """A guest, as one who asks."""
    user = chat.people.guest(name)
    return Caller(user=user, session="" if passing else user.id, passing=passing, address="127.0.0.1")
