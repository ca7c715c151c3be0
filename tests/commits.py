"""A group commit at work on a real MongoDB, with a test between the two."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from chat.commit import GroupCommit
from chat.entries import Author, Entry
from chat.history import History
from chat.pending import Stored
from chat.room import Room
from tests.mongo import SessionMongod
from tests.rooms import ANN, new_key


class WatchedHistory(History):
    """Remembers the sizes of its inserts, and lets a test stand between them and MongoDB."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.inserts: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing: Exception | None = None
        self.before: Callable[[], Any] | None = None

    async def insert(self, entries: Sequence[tuple[str, Entry]]) -> None:
        self.inserts.append(len(entries))
        await self.gate.wait()
        if self.before is not None:
            before, self.before = self.before, None
            await before()
        if self.failing is not None:
            failing, self.failing = self.failing, None
            raise failing
        await super().insert(entries)


class Bench:
    """A GroupCommit at work on a database of its own."""

    def __init__(self, history: WatchedHistory, commit: GroupCommit) -> None:
        self.history = history
        self.commit = commit

    def send(self, room: Room, text: str = "hi", *, key: str = "", user: Any = ANN) -> "asyncio.Future[Stored]":
        author = Author(user.id, user.name)
        draft = Entry(type="message", room=room.name, seq=0, user=author, at=0, key=key or new_key(), text=text)
        return self.commit.append(room, draft)


@asynccontextmanager
async def bench(mongod: SessionMongod, database: str, *, timeout: float = 10.0, **values: Any) -> AsyncIterator[Bench]:
    """`timeout`: of one operation of MongoDB, in seconds."""
    bounds: dict[str, Any] = {"batch": 1_000, "queue": 10_000, "timeout": 10.0, "heal_interval": 0.05} | values
    connection = mongod.connection(database)
    quick = mongod.connection(database, timeout=timeout)
    history = WatchedHistory(quick.database)
    await History(connection.database).prepare()
    commit = GroupCommit(history, **bounds)
    commit.start()
    try:
        yield Bench(history, commit)
    finally:
        await commit.stop(1)
        connection.close()
        quick.close()
