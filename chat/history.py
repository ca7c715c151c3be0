"""History: the stored logs of all rooms. The only module that knows their collection."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError, PyMongoError

from chat.board import BOARD_KINDS, END_OF_KINDS, FIRST_KIND
from chat.database import STORED_FOR_GOOD, Database, Document, mongo_errors, unusable
from chat.entries import Author, Entry, settle
from chat.room import RoomRecord
from chat.room_store import RoomStore

DUPLICATE_KEY = 11000
# Entries removed by one operation; some 20 ms of MongoDB's time.
ERASED_AT_ONCE = 1_000
# The entries of a drawing board, as their index has them; among them those that are nothing but drawn.
DRAWN: dict[str, Any] = {"$gte": FIRST_KIND, "$lt": END_OF_KINDS}
MERELY_DRAWN = DRAWN | {"$in": sorted(BOARD_KINDS)}
# So many drawn entries in a row have a bridge over them: the last one says where the first is, so that what was said
# before is found without them. One more look costs as much as reading some hundred of them.
LONG_RUN = 500
BRIDGED: dict[str, Any] = {"$gt": 0}
# Of deletions whose texts are still to be taken out of the store.
UNDONE = {"undone": True}


class Conflict(Exception):
    """An insert stopped at `index`: its `seq` is taken, or if `by_key` its key. The entries before it are stored."""

    def __init__(self, index: int, by_key: bool) -> None:
        super().__init__(f"entry {index}, {'key' if by_key else 'seq'}")
        self.index = index
        self.by_key = by_key


class History:
    """The collection `entries`. Every call but `prepare` and `unredacted` raises Unavailable while MongoDB is away.

    A stored entry has the fields of `Entry`, its room's key as `log`, and `data` as JSON text, so that this comes
    back exactly as it was sent and nothing in it means anything to MongoDB. `rooms` has what the rooms are like.
    """

    def __init__(self, database: Database) -> None:
        self._entries = database.get_collection("entries", **STORED_FOR_GOOD)
        self.rooms = RoomStore(database)

    async def prepare(self) -> None:
        """Makes the indexes; they hold the order, and each key to one entry. Raises DatabaseError."""
        try:
            await self.rooms.prepare()
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
        # What is drawn lies among what is said, and is read by itself. Texts are not in it and cost nothing.
        await self._entries.create_index(
            [("log", ASCENDING), ("seq", DESCENDING)], partialFilterExpression={"kind": DRAWN}, name="drawn"
        )
        await self._entries.create_index(
            [("log", ASCENDING), ("seq", DESCENDING), ("bridge", ASCENDING)],
            partialFilterExpression={"bridge": BRIDGED},
            name="bridges",
        )
        await self._entries.create_index([("undone", ASCENDING)], partialFilterExpression=UNDONE, name="undone")

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
            await self._entries.update_many({"log": room, "target": target, **UNDONE}, {"$unset": {"undone": ""}})

    async def unredacted(self) -> list[tuple[str, Entry]]:
        """The deletions whose texts are in the store yet, each with its room's key; raises PyMongoError."""
        found = await self._entries.find(UNDONE, hint="undone").to_list(None)
        return [(document["log"], entry_of_document(document)) for document in found]

    # The end of entries

    async def forget(self, record: RoomRecord, before: int, limit: int) -> int | None:
        """Removes the oldest entries of a room, at most `limit` of those older than `before` (milliseconds since the
        Unix epoch). Returns the number of the last one removed, or None: so too where the room keeps them for another
        time than `record` says.

        First the room keeps that number: so its log never begins again with entries that clients have seen.
        """
        log = {"log": record.key}
        async with mongo_errors():
            oldest = await self._entries.find_one(log, {"at": True}, sort=[("seq", ASCENDING)])
            if oldest is None or oldest["at"] >= before:
                return None
            found = self._entries.find(log, {"seq": True, "at": True}).sort("seq", ASCENDING).limit(limit)
            last = max(entry["seq"] for entry in await found.to_list(limit) if entry["at"] < before)
            if not await self.rooms.note_forgotten(record, last):
                return None
            await self._entries.delete_many({**log, "seq": {"$lte": last}})
        return int(last)

    async def erase(self, key: str) -> None:
        """Removes the log of a doomed room, then the room; nothing of one that is not doomed any more."""
        log = {"log": key}
        async with mongo_errors():
            while await self.rooms.is_doomed(key):
                found = self._entries.find(log, {"seq": True}).sort("seq", ASCENDING).limit(ERASED_AT_ONCE)
                oldest = await found.to_list(ERASED_AT_ONCE)
                if not oldest:
                    break
                await self._entries.delete_many({**log, "seq": {"$lte": oldest[-1]["seq"]}})
        await self.rooms.remove(key)

    # One author's entries

    async def messages_of(self, author: str, room: str, after: int, end: int) -> list[int]:
        """The numbers of that author's messages among those numbered `after` + 1 to `end`, without deleted ones."""
        which = _by(author, room, after, end) | {"type": "message", "deleted": {"$exists": False}}
        async with mongo_errors():
            found = await self._entries.find(which, {"seq": True, "_id": False}).to_list(None)
        return [document["seq"] for document in found]

    async def rename_author(self, author: Author, room: str, after: int, end: int) -> None:
        """Gives an author (by the id) that name in what they wrote among the entries `after` + 1 to `end`."""
        async with mongo_errors():
            await self._entries.update_many(_by(author.id, room, after, end), {"$set": {"user.name": author.name}})

    async def end_of(self, room: str) -> int:
        """The number of the last entry; 0 if there is none."""
        async with mongo_errors():
            found = await self._entries.find_one({"log": room}, {"seq": True}, sort=[("seq", DESCENDING)])
        return found["seq"] if found else 0

    # Reading

    async def ends_of(self, rooms: Sequence[str]) -> dict[str, int]:
        """The number of the last entry of each of these logs that has any."""
        stages: list[Document] = [
            {"$match": {"log": {"$in": list(rooms)}}},
            {"$sort": {"log": DESCENDING, "seq": DESCENDING}},  # with the index it looks at one entry of each log
            {"$group": {"_id": "$log", "seq": {"$first": "$seq"}}},
        ]
        async with mongo_errors():
            found = await self._entries.aggregate(stages).to_list(None)
        return {document["_id"]: document["seq"] for document in found}

    async def entry_of(self, room: str, key: str) -> Entry | None:
        """The entry that was sent to the room with this key, as it was stored."""
        async with mongo_errors():
            found = await self._entries.find_one({"log": room, "key": key})
        return entry_of_document(found) if found else None

    async def message(self, room: str, seq: int) -> Entry | None:
        """The message with this number in its present state."""
        async with mongo_errors():
            found = await self._entries.find_one({"log": room, "seq": seq, "type": "message"})
        return (await self._settled(room, [entry_of_document(found)]))[0] if found else None

    async def newest(self, room: str, limit: int) -> list[Entry]:
        """The last `limit` entries, in order."""
        return await self._last(room, {}, limit)

    async def between(self, room: str, after: int, end: int, limit: int, without: Collection[str] = ()) -> list[Entry]:
        """The last `limit` entries of those numbered `after` + 1 to `end`, in order, without messages of some kinds."""
        return await self._last(room, {"seq": {"$gt": after, "$lte": end}, **_but(without)}, limit)

    async def following(self, room: str, after: int, limit: int) -> list[Entry]:
        """The first `limit` entries after a cursor, in order."""
        async with mongo_errors():
            cursor = self._entries.find({"log": room, "seq": {"$gt": after}}).sort("seq", ASCENDING)
            found = await cursor.limit(limit).to_list(limit)
        return await self._settled(room, [entry_of_document(document) for document in found])

    async def messages(self, room: str, before: int, limit: int, without: Collection[str] = ()) -> list[Entry]:
        """The last `limit` messages of those numbered below `before`, in order, without some kinds."""
        found: list[Entry] = []
        while len(found) < limit:
            bridge = await self._bridge(room, before) if set(without) >= BOARD_KINDS else None
            which = {"seq": {"$lt": before, "$gt": bridge["seq"] if bridge else 0}, "type": "message", **_but(without)}
            found = await self._last(room, which, limit - len(found)) + found
            if bridge is None:
                break
            before = bridge["bridge"]
        return found

    async def _bridge(self, room: str, before: int) -> Document | None:
        """The last drawn entry before a number that leads over those before it."""
        async with mongo_errors():
            return await self._entries.find_one(
                {"log": room, "seq": {"$lt": before}, "bridge": BRIDGED}, sort=[("seq", DESCENDING)], hint="bridges"
            )

    async def drawn(self, room: str, after: int, end: int, limit: int) -> list[Entry]:
        """The first `limit` entries of the room's drawing board numbered `after` + 1 to `end`, in order and in their
        present state."""
        which = {"log": room, "kind": DRAWN, "seq": {"$gt": after, "$lte": end}}
        async with mongo_errors():
            cursor = self._entries.find(which).sort("seq", ASCENDING).hint("drawn")
            found = await cursor.limit(limit).to_list(limit)
        return await self._settled(room, [entry_of_document(document) for document in found])

    async def deleted(self, room: str, seqs: Sequence[int]) -> list[int]:
        """Those of the messages with these numbers that have been deleted."""
        which = {"log": room, "target": {"$gt": 0, "$in": list(seqs)}, "type": "delete"}
        async with mongo_errors():
            found = await self._entries.find(which, {"target": True}, hint="changes").to_list(None)
        return [deletion["target"] for deletion in found]

    async def strip_drawn(self, room: str, upto: int) -> None:
        """Takes the data out of the entries of the room's drawing board up to that number."""
        which = {"log": room, "kind": MERELY_DRAWN, "seq": {"$lte": upto}, "data": {"$exists": True}}
        async with mongo_errors():
            await self._entries.update_many(which, {"$unset": {"data": ""}}, hint="drawn")
        await self._build_bridges(room, upto)

    async def _build_bridges(self, room: str, upto: int) -> None:
        """Over what has been drawn since the last bridge."""
        last = await self._bridge(room, upto + 1)
        begins = last["seq"] if last else 0
        said = {"log": room, "seq": {"$gt": begins, "$lte": upto}, "kind": {"$nin": sorted(BOARD_KINDS)}}
        async with mongo_errors():
            found = await self._entries.find(said, {"seq": True}).sort("seq", ASCENDING).to_list(None)
            ends = [begins, *(entry["seq"] for entry in found), upto + 1]
            for before, after in pairwise(ends):
                if after - before > LONG_RUN:
                    first = last["bridge"] if last and before == begins else before + 1
                    await self._entries.update_one({"log": room, "seq": after - 1}, {"$set": {"bridge": first}})

    async def _last(self, room: str, which: Document, limit: int) -> list[Entry]:
        if limit <= 0:
            return []
        async with mongo_errors():
            cursor = self._entries.find({"log": room, **which}).sort("seq", DESCENDING)
            found = await cursor.limit(limit).to_list(limit)
        return await self._settled(room, [entry_of_document(document) for document in reversed(found)])

    async def _settled(self, room: str, entries: list[Entry]) -> list[Entry]:
        """Brings messages to their present state: whatever changed them has them as its target."""
        targets = [entry.seq for entry in entries if entry.type == "message"]
        targets += [entry.target for entry in entries if entry.type == "edit"]
        if targets:
            async with mongo_errors():
                changes = await self._entries.find(
                    {"log": room, "target": {"$gt": 0, "$in": targets}}, sort=[("seq", ASCENDING)]
                ).to_list(None)
            settle(entries, [entry_of_document(change) for change in changes])
        return entries


def _but(kinds: Collection[str]) -> Document:
    return {"kind": {"$nin": list(kinds)}} if kinds else {}


def _by(author: str, room: str, after: int, end: int) -> Document:
    return {"log": room, "seq": {"$gt": after, "$lte": end}, "user.id": author}


def _document(room: str, entry: Entry) -> Document:
    document: Document = msgspec.to_builtins(entry)
    document["log"] = room
    if entry.data is not None:
        document["data"] = msgspec.json.encode(entry.data).decode()
    if entry.type == "delete":
        document |= UNDONE
    return document


def entry_of_document(document: Document) -> Entry:
    """The entry that is stored as this document."""
    if "data" in document:
        document["data"] = msgspec.json.decode(document["data"])
    return msgspec.convert(document, Entry)
