"""The Motor client: connecting, indexes, the schema's version, and the server's own secret."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any, TypeAlias

# Motor runs each operation on a thread, 5 for each core by default; every waiting change stream holds one.
os.environ.setdefault("MOTOR_MAX_WORKERS", "64")

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ASCENDING, ReturnDocument, WriteConcern
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidURI, PyMongoError
from pymongo.read_concern import ReadConcern

from chat.errors import Unavailable

Document: TypeAlias = dict[str, Any]
Database: TypeAlias = AsyncIOMotorDatabase[Document]

SCHEMA = 1
# Nobody is told of something, or reads it, that a crash could take back (MongoDB manual, "Write Concern").
DURABLE = WriteConcern("majority", j=True)
STORED_FOR_GOOD: dict[str, Any] = {"write_concern": DURABLE, "read_concern": ReadConcern("majority")}

# Documents of a page: some megabytes at most, and far less than a second.
PAGE = 5_000


# Milliseconds for which a change stream's reading waits at most, see mongo_bus.py, with slack.
LONGEST_WAIT = 600


class DatabaseError(Exception):
    """MongoDB cannot be used; the message is one line for the user."""


class Connection:
    """One client for the whole server. `timeout` (seconds) bounds every operation, the search for a server included."""

    def __init__(self, uri: str, name: str, *, timeout: float) -> None:
        self._uri = uri
        self._timeout = timeout
        self._streaming: AsyncIOMotorClient[Document] | None = None
        try:
            self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
                uri,
                timeoutMS=int(timeout * 1000),
                # Closing looks for a server once more, whatever timeoutMS says.
                serverSelectionTimeoutMS=int(timeout * 1000),
                appname="parley",
            )
            self.database: Database = self._client[name]
        except (InvalidURI, ConfigurationError, ValueError, PyMongoError) as error:
            raise DatabaseError(f"--mongo is not a usable address: {error}") from None

    async def open(self) -> None:
        """Checks that MongoDB answers and that its data is of this version; raises DatabaseError."""
        try:
            await self._client.admin.command("ping")
            meta = await self._meta("schema", {"version": SCHEMA})
        except PyMongoError as error:
            raise unusable(error) from None
        if meta["version"] != SCHEMA:
            raise DatabaseError(
                f"the database {self.database.name!r} is of version {meta['version']}, this Parley needs {SCHEMA}"
            )

    async def secret(self) -> str:
        """The key that signs sessions: made once, shared by all servers on this database; raises DatabaseError."""
        try:
            return str((await self._meta("signing", {"secret": secrets.token_hex(32)}))["secret"])
        except PyMongoError as error:
            raise unusable(error) from None

    async def ping(self) -> None:
        """Raises PyMongoError if MongoDB does not answer."""
        await self._client.admin.command("ping")

    async def has_change_streams(self) -> bool:
        """Whether MongoDB tells of changes: a replica set does, or a cluster of them. Raises DatabaseError."""
        try:
            hello = await self._client.admin.command("hello")
        except PyMongoError as error:
            raise unusable(error) from None
        return "setName" in hello or hello.get("msg") == "isdbgrid"

    def streaming(self) -> Database:
        """The same database by a client of its own, on which one operation may wait for longer."""
        if self._streaming is None:
            self._streaming = AsyncIOMotorClient(
                self._uri,
                connectTimeoutMS=int(self._timeout * 1000),
                serverSelectionTimeoutMS=int(self._timeout * 1000),
                socketTimeoutMS=int(self._timeout * 1000) + LONGEST_WAIT,
                retryReads=False,
                appname="parley bus",
            )
        return self._streaming[self.database.name]

    def close(self) -> None:
        if self._streaming is not None:
            # It takes its leave of MongoDB, and would wait for an answer: nobody waits for that.
            Thread(target=self._streaming.close, daemon=True).start()
        self._client.close()

    async def _meta(self, name: str, new: Document) -> Document:
        """A document about the database itself, stored as `new` if there is none."""
        collection = self.database.get_collection("meta", write_concern=DURABLE)
        found = await collection.find_one_and_update(
            {"_id": name}, {"$setOnInsert": new}, upsert=True, return_document=ReturnDocument.AFTER
        )
        assert found is not None
        return found


@asynccontextmanager
async def mongo_errors() -> AsyncIterator[None]:
    """Says `unavailable` for whatever goes wrong between here and MongoDB."""
    try:
        yield
    except PyMongoError as error:
        raise Unavailable("The history cannot be reached; try again in a moment.", retry_after=1) from error


async def in_pages(
    collection: "AsyncIOMotorCollection[Document]", which: Document, fields: Document
) -> AsyncIterator[Document]:
    """All documents that fit, in the order of their ids, with some of their fields; raises PyMongoError.

    One reading of them all could take longer than the time of an operation.
    """
    after: Document = {}
    while True:
        cursor = collection.find({**which, **after}, {"_id": True, **fields}).sort("_id", ASCENDING)
        page = await cursor.limit(PAGE).to_list(PAGE)
        for document in page:
            yield document
        if len(page) < PAGE:
            return
        after = {"_id": {"$gt": page[-1]["_id"]}}


def unusable(error: PyMongoError) -> DatabaseError:
    """What to tell the user when MongoDB refuses what the start needs."""
    what = "reached" if isinstance(error, ConnectionFailure) else "used"
    return DatabaseError(f"MongoDB cannot be {what}: {_brief(error)}; check --mongo, or leave it out for a private one")


def summary(error: BaseException | None) -> str:
    """What went wrong, for the log: where MongoDB has answered its code, as its words may quote what is stored."""
    if isinstance(error, ConnectionFailure):
        return _brief(error)
    return " ".join(filter(None, (type(error).__name__, str(getattr(error, "code", None) or ""))))


def _brief(error: PyMongoError) -> str:
    """The first sentence of the driver's message, which goes on with its whole view of the topology."""
    return str(error).split(", Timeout:")[0].split(" (configured timeouts")[0].splitlines()[0]
