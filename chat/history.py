"""History: the stored logs of all rooms. The only module that knows the collections of the log."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from chat.database import Database, Document, unusable
from chat.entries import Entry, settle
from chat.errors import Unavailable
from chat.policy import Policy
from chat.room import RoomRecord

# Nobody is told of an entry that a crash could take back (MongoDB manual, "Write Concern").
DURABLE = WriteConcern("majority", j=True)
DUPLICATE_KEY = 11000


class Conflict(Exception):
    """An insert stopped at `index`: its `seq` is taken, or if `by_key` its key. The entries before it are stored."""

    def __init__(self, index: int, by_key: bool) -> None:
        super().__init__(f"entry {index}, {'key' if by_key else 'seq'}")
        self.index = index
        self.by_key = by_key


@asynccontextmanager
async def mongo_errors() -> AsyncIterator[None]:
    """Says `unavailable` for whatever goes wrong between here and MongoDB."""
    try:
        yield
    except PyMongoError as error:
        raise Unavailable("The history cannot be reached; try again in a moment.", retry_after=1) from error


class History:
    """Logs in the collection `entries`, rooms in `rooms`. Every call raises Unavailable while MongoDB is away.

    A stored entry has the fields of `Entry`, its room's key as `log`, and `data` as JSON text, so that this comes
    back exactly
    as it was sent and nothing in it means anything to MongoDB.
    """

    def __init__(self, database: Database) -> None:
        options: dict[str, Any] = {"write_concern": DURABLE, "read_concern": ReadConcern("majority")}
        self._entries = database.get_collection("entries", **options)
        self._rooms = database.get_collection("rooms", **options)

    async def prepare(self) -> None:
        """Makes the indexes; they hold the order, and each key to one entry. Raises DatabaseError."""
        try:
            await self._make_indexes()
        except PyMongoError as error:
            raise unusable(error) from None

    async def _make_indexes(self) -> None:
        await self._entries.create_index([("log", ASCENDING), ("seq", ASCENDING)], unique=True, name="order")
        await self._entries.create_index([("log", ASCENDING), ("key", ASCENDING)], unique=True, name="keys")
        await self._entries.create_index(
            [("log", ASCENDING), ("target", ASCENDING), ("seq", ASCENDING)],
            partialFilterExpression={"target": {"$gt": 0}},
            name="changes",
        )
        await self._rooms.create_index([("active", DESCENDING)], name="active")

    # Rooms

    async def room(self, key: str) -> RoomRecord | None:
        async with mongo_errors():
            found = await self._rooms.find_one({"_id": key})
        return _record(found) if found else None

    async def make_room(self, record: RoomRecord) -> tuple[RoomRecord, bool]:
        """The room as it is stored, and whether this call made it."""
        fields = msgspec.to_builtins(record)
        del fields["key"]
        found: Document | None
        async with mongo_errors():
            try:
                found = await self._rooms.find_one_and_update(
                    {"_id": record.key},
                    {"$setOnInsert": fields},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:  # another process made it at the same moment
                found = await self._rooms.find_one({"_id": record.key})
        assert found is not None
        made = _record(found)
        return made, made.epoch == record.epoch

    async def rooms(self, limit: int) -> list[RoomRecord]:
        """The rooms in which something was said last, the latest first."""
        async with mongo_errors():
            found = (
                await self._rooms.find({"policy.access": {"$exists": False}}).sort("active", DESCENDING).to_list(limit)
            )
        return [_record(document) for document in found]

    async def govern(self, key: str, policy: Policy) -> None:
        """Stores the rules of a room."""
        async with mongo_errors():
            await self._rooms.update_one({"_id": key}, {"$set": {"policy": msgspec.to_builtins(policy)}})

    async def mark_active(self, times: dict[str, int]) -> None:
        """Keeps when each room was last active."""
        updates = [UpdateOne({"_id": key}, {"$max": {"active": at}}) for key, at in times.items()]
        async with mongo_errors():
            await self._rooms.bulk_write(updates, ordered=False)

    # Writing

    async def insert(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Stores entries, each with its room's key, in their order and durably, or up to a Conflict.

        Raises Unavailable where it is not known what was stored.
        """
        documents = [_document(key, entry) for key, entry in entries]
        async with mongo_errors():
            try:
                await self._entries.insert_many(documents, ordered=True)
            except BulkWriteError as error:
                failed = (error.details or {}).get("writeErrors", [])
                concerns = (error.details or {}).get("writeConcernErrors", [])
                if concerns or not failed or failed[0]["code"] != DUPLICATE_KEY:
                    raise
                raise Conflict(failed[0]["index"], "key" in failed[0]["keyPattern"]) from None

    async def redact(self, room: str, target: int, at: int) -> None:
        """Takes the text of a deleted message, and of its edits, out of the store."""
        async with mongo_errors():
            await self._entries.update_many(
                {"log": room, "$or": [{"seq": target}, {"target": target, "type": "edit"}]},
                {"$unset": {"text": "", "data": ""}},
            )
            await self._entries.update_one({"log": room, "seq": target}, {"$set": {"deleted": at}})

    # Reading

    async def entry_of(self, room: str, key: str) -> Entry | None:
        """The entry that was sent to the room with this key, as it was stored."""
        async with mongo_errors():
            found = await self._entries.find_one({"log": room, "key": key})
        return _entry(found) if found else None

    async def message(self, room: str, seq: int) -> Entry | None:
        """The message with this number in its present state."""
        async with mongo_errors():
            found = await self._entries.find_one({"log": room, "seq": seq, "type": "message"})
        return (await self._settled(room, [_entry(found)]))[0] if found else None

    async def newest(self, room: str, limit: int) -> list[Entry]:
        """The last `limit` entries, in order."""
        return await self._last(room, {}, limit)

    async def between(self, room: str, after: int, end: int, limit: int) -> list[Entry]:
        """The last `limit` entries of those numbered `after` + 1 to `end`, in order."""
        return await self._last(room, {"seq": {"$gt": after, "$lte": end}}, limit)

    async def following(self, room: str, after: int, limit: int) -> list[Entry]:
        """The first `limit` entries after a cursor, in order."""
        async with mongo_errors():
            cursor = self._entries.find({"log": room, "seq": {"$gt": after}}).sort("seq", ASCENDING)
            found = await cursor.limit(limit).to_list(limit)
        return await self._settled(room, [_entry(document) for document in found])

    async def messages(self, room: str, before: int, limit: int) -> list[Entry]:
        """The last `limit` messages of those numbered below `before`, in order."""
        return await self._last(room, {"seq": {"$lt": before}, "type": "message"}, limit)

    async def _last(self, room: str, which: Document, limit: int) -> list[Entry]:
        if limit <= 0:
            return []
        async with mongo_errors():
            cursor = self._entries.find({"log": room, **which}).sort("seq", DESCENDING)
            found = await cursor.limit(limit).to_list(limit)
        return await self._settled(room, [_entry(document) for document in reversed(found)])

    async def _settled(self, room: str, entries: list[Entry]) -> list[Entry]:
        """Brings messages to their present state: whatever changed them has them as its target."""
        targets = [entry.seq for entry in entries if entry.type == "message"]
        targets += [entry.target for entry in entries if entry.type == "edit"]
        if targets:
            async with mongo_errors():
                changes = await self._entries.find(
                    {"log": room, "target": {"$gt": 0, "$in": targets}}, sort=[("seq", ASCENDING)]
                ).to_list(None)
            settle(entries, [_entry(change) for change in changes])
        return entries


def _record(document: Document) -> RoomRecord:
    return msgspec.convert({"key": document["_id"], **document}, RoomRecord)


def _document(room: str, entry: Entry) -> Document:
    document: Document = msgspec.to_builtins(entry)
    document["log"] = room
    if entry.data is not None:
        document["data"] = msgspec.json.encode(entry.data).decode()
    return document


def _entry(document: Document) -> Entry:
    if "data" in document:
        document["data"] = msgspec.json.decode(document["data"])
    return msgspec.convert(document, Entry)
