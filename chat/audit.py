"""The audit log: who ruled over whom, when and how. It is only ever added to, and never holds what people wrote."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import msgspec
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError, PyMongoError

from chat.callers import Caller
from chat.database import STORED_FOR_GOOD, Database, Document, mongo_errors, unusable
from chat.entries import Author
from chat.errors import Unavailable

Detail = str | int | bool


class Ruled(Protocol):
    """A room, awake or as a record."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def epoch(self) -> str: ...


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One entry, numbered from 1 without holes. `at` is milliseconds since the Unix epoch; `room` a name or empty."""

    id: int
    at: int
    by: Author
    act: str
    room: str = ""
    target: Author | None = None
    details: dict[str, Detail] = {}


class Audit:
    """The acts in the collection `audit`. Every call raises Unavailable while MongoDB is away.

    `observe` is told the name of each act.
    """

    def __init__(self, database: Database, *, observe: Callable[[str], object] = lambda act: None) -> None:
        self._acts = database.get_collection("audit", **STORED_FOR_GOOD)
        self._observe = observe
        self._last: int | None = None
        self._writing = asyncio.Lock()

    async def prepare(self) -> None:
        """Makes the index for one room's acts; raises DatabaseError."""
        try:
            await self._acts.create_index(
                [("log", ASCENDING), ("epoch", ASCENDING), ("_id", DESCENDING)],
                partialFilterExpression={"log": {"$gt": ""}},
                name="room",
            )
        except PyMongoError as error:
            raise unusable(error) from None

    async def note(
        self, by: Caller, act: str, *, room: Ruled | None = None, target: Author | None = None, **details: Detail
    ) -> None:
        """Adds what has been done, or is about to be. `details` are settings, times and reasons."""
        fields: Document = {"at": int(time.time() * 1000), "by": msgspec.to_builtins(by.user.author), "act": act}
        if room is not None:
            fields |= {"room": room.name, "log": room.key, "epoch": room.epoch}
        if target is not None:
            fields["target"] = msgspec.to_builtins(target)
        if details:
            fields["details"] = details
        async with self._writing:
            await self._append(fields)
        self._observe(act)

    @asynccontextmanager
    async def noted(
        self, by: Caller, act: str, *, room: Ruled | None = None, target: Author | None = None, **details: Detail
    ) -> AsyncIterator[None]:
        """Notes what is done inside before it is done: nothing is done that is not noted.

        Should it fail, that is noted as well.
        """
        await self.note(by, act, room=room, target=target, **details)
        try:
            yield
        except BaseException:
            with suppress(Unavailable):
                await self.note(by, act, room=room, target=target, **details, failed=True)
            raise

    async def _append(self, fields: Document) -> None:
        while True:
            if self._last is None:
                newest = await self._read({}, 1)
                self._last = newest[0].id if newest else 0
            async with mongo_errors():
                try:
                    await self._acts.insert_one({"_id": self._last + 1, **fields})
                except DuplicateKeyError:  # another process was first, or a write of ours that had timed out
                    self._last = None
                    continue
            self._last += 1
            return

    async def acts(self, *, before: int | None, limit: int) -> list[Act]:
        """The last `limit` acts of those numbered below `before`, or of all, the latest first."""
        return await self._read({} if before is None else {"_id": {"$lt": before}}, limit)

    async def acts_in(self, room: Ruled, limit: int) -> list[Act]:
        """The last `limit` acts in a room, the latest first; not those in an earlier room of that name."""
        return await self._read({"log": room.key, "epoch": room.epoch}, limit)

    async def _read(self, which: Document, limit: int) -> list[Act]:
        async with mongo_errors():
            found = await self._acts.find(which).sort("_id", DESCENDING).limit(limit).to_list(limit)
        return [msgspec.convert({"id": document["_id"], **document}, Act) for document in found]
