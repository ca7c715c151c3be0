"""History: the stored logs of all rooms. The only module that knows the collections of the log."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import msgspec
from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from chat.board import BOARD_KINDS, END_OF_KINDS, FIRST_KIND
from chat.database import Database, Document, in_pages, unusable
from chat.entries import Author, Entry, settle
from chat.errors import Unavailable
from chat.policy import Policy
from chat.room import RoomRecord

# Nobody is told of an entry that a crash could take back (MongoDB manual, "Write Concern").
DURABLE = WriteConcern("majority", j=True)
DUPLICATE_KEY = 11000
# Entries removed by one operation; some 20 ms of MongoDB's time.
ERASED_AT_ONCE = 1_000
# How a room that is not being deleted is found, and the access of an open one: it is left out, as it is the default.
LASTING: dict[str, Any] = {"doomed": {"$exists": False}}
OPEN: dict[str, Any] = {"$exists": False}
# The entries of a drawing board, as their index has them; among them those that are nothing but drawn.
DRAWN: dict[str, Any] = {"$gte": FIRST_KIND, "$lt": END_OF_KINDS}
MERELY_DRAWN = DRAWN | {"$in": sorted(BOARD_KINDS)}
# So many drawn entries in a row have a bridge over them: the last one says where the first is, so that what was said
# before is found without them. One more look costs as much as reading some hundred of them.
LONG_RUN = 500
BRIDGED: dict[str, Any] = {"$gt": 0}


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
        # What is drawn lies among what is said, and is read by itself. Texts are not in it and cost nothing.
        await self._entries.create_index(
            [("log", ASCENDING), ("seq", DESCENDING)], partialFilterExpression={"kind": DRAWN}, name="drawn"
        )
        await self._entries.create_index(
            [("log", ASCENDING), ("seq", DESCENDING), ("bridge", ASCENDING)],
            partialFilterExpression={"bridge": BRIDGED},
            name="bridges",
        )
        await self._rooms.create_index([("policy.access", ASCENDING), ("active", DESCENDING)], name="listed")
        await self._rooms.create_index([("member_ids", ASCENDING)], name="members")
        for field in ("policy.days", "policy.ephemeral", "doomed"):
            await self._rooms.create_index([(field, ASCENDING)], sparse=True, name=field)
        # There is one room of the same people.
        circle = {"policy.circle": {"$exists": True}}
        await self._rooms.create_index(
            [("policy.circle", ASCENDING)], unique=True, partialFilterExpression=circle, name="circle"
        )

    # Rooms

    async def room(self, key: str) -> RoomRecord | None:
        async with mongo_errors():
            found = await self._rooms.find_one({"_id": key, **LASTING})
        return _record(found) if found else None

    async def is_known(self, key: str, person: str, *, rules_all: bool, desks: Sequence[str] = ()) -> bool:
        """Whether there is a room that this person may know of: an open one, one of theirs, or one of these `desks`;
        direct ones apart, all of them for one who `rules_all`.

        Whether there is another is not even looked at.
        """
        known: list[Document] = [{"policy.access": OPEN}, {"member_ids": person}]
        if desks:
            known.append({"policy.desk": {"$in": list(desks)}})
        if rules_all:
            known.append({"policy.access": {"$ne": "direct"}})
        async with mongo_errors():
            found = await self._rooms.find_one({"_id": key, "$or": known, **LASTING}, {"_id": True})
        return found is not None

    async def make_room(self, record: RoomRecord) -> tuple[RoomRecord, bool]:
        """The room as it is stored, and whether this call made it.

        One of the same circle of people is the same room. Raises Unavailable while one of that name is being deleted.
        """
        circle = record.policy.circle
        fields = msgspec.to_builtins(record) | _ruled(record.policy)
        key = {"_id": fields.pop("key")}
        same = {"policy.circle": circle} if circle else key
        if circle:
            fields |= key
        found: Document | None
        async with mongo_errors():
            try:
                found = await self._rooms.find_one_and_update(
                    same, {"$setOnInsert": fields}, upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # made at the same moment
                found = await self._rooms.find_one(same)
        if found is None or "doomed" in found:
            raise Unavailable("That room is just being deleted; try again in a moment.", retry_after=1)
        made = _record(found)
        return made, made.epoch == record.epoch

    async def room_of_circle(self, circle: str) -> RoomRecord | None:
        """The direct room of that circle of people."""
        async with mongo_errors():
            found = await self._rooms.find_one({"policy.circle": circle, **LASTING})
        return _record(found) if found else None

    async def rooms(self, limit: int) -> list[RoomRecord]:
        """The open rooms in which something was said last, the latest first."""
        async with mongo_errors():
            cursor = self._rooms.find({"policy.access": OPEN, **LASTING}).sort("active", DESCENDING)
            found = await cursor.limit(limit).to_list(limit)
        return [_record(document) for document in found]

    async def rooms_of(self, person: str, limit: int) -> list[RoomRecord]:
        """The rooms of which somebody is a member, the latest active first; of the members it knows them alone."""
        fields = ["name", "title", "epoch", "made", "active", "policy.access", f"policy.members.{person}"]
        async with mongo_errors():
            cursor = self._rooms.find({"member_ids": person, **LASTING}, fields).sort("active", DESCENDING)
            found = await cursor.limit(limit).to_list(limit)
        return [_record(document) for document in found]

    async def page_of_rooms(self, find: str, *, after: str, limit: int) -> list[RoomRecord]:
        """The first `limit` rooms, by their keys, after the one with the key `after`; with `find`, those that have it
        in their key or their title. Direct ones are left out: they are nobody else's business."""
        which: Document = {"_id": {"$gt": after}, "policy.access": {"$ne": "direct"}, **LASTING}
        if find:
            wanted = {"$literal": find}
            which["$or"] = [
                {"$expr": {"$gte": [{"$indexOfCP": ["$_id", wanted]}, 0]}},
                {"$expr": {"$gte": [{"$indexOfCP": [{"$toLower": "$title"}, wanted]}, 0]}},
            ]
        async with mongo_errors():
            found = await self._rooms.find(which).sort("_id", ASCENDING).limit(limit).to_list(limit)
        return [_record(document) for document in found]

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

    async def govern(self, before: RoomRecord, policy: Policy, title: str) -> bool:
        """Stores the rules and the title of a room, unless they are not those of `before` any more; whether it did."""
        revision = before.revision or {"$in": [0, None]}
        which = {"_id": before.key, "epoch": before.epoch, "revision": revision, **LASTING}
        change = {"title": title, "revision": before.revision + 1, **_ruled(policy)}
        async with mongo_errors():
            return (await self._rooms.update_one(which, {"$set": change})).matched_count > 0

    async def mark_active(self, times: dict[str, int]) -> None:
        """Keeps when each room was last active."""
        updates = [UpdateOne({"_id": key}, {"$max": {"active": at}}) for key, at in times.items()]
        async with mongo_errors():
            await self._rooms.bulk_write(updates, ordered=False)

    # The end of rooms, and of entries

    async def ephemeral(self) -> list[RoomRecord]:
        """The rooms that are to go when the last one has left."""
        async with mongo_errors():
            found = await self._rooms.find({"policy.ephemeral": True, **LASTING}).to_list(None)
        return [_record(document) for document in found]

    async def dated(self) -> list[RoomRecord]:
        """The rooms whose entries are kept for some days."""
        async with mongo_errors():
            found = await self._rooms.find({"policy.days": {"$gt": 0}, **LASTING}).to_list(None)
        return [_record(document) for document in found]

    async def forget(self, record: RoomRecord, before: int, limit: int) -> int | None:
        """Removes the oldest entries of a room, at most `limit` of those older than `before` (milliseconds since the
        Unix epoch). Returns the number of the last one removed, or None.

        First the room keeps that number: so its log never begins again with entries that clients have seen.
        """
        log = {"log": record.key}
        async with mongo_errors():
            oldest = await self._entries.find_one(log, {"at": True}, sort=[("seq", ASCENDING)])
            if oldest is None or oldest["at"] >= before:
                return None
            found = self._entries.find(log, {"seq": True, "at": True}).sort("seq", ASCENDING).limit(limit)
            last = max(entry["seq"] for entry in await found.to_list(limit) if entry["at"] < before)
            kept = await self._rooms.update_one(
                {"_id": record.key, "epoch": record.epoch, **LASTING}, {"$max": {"forgotten": last}}
            )
            if not kept.matched_count:
                return None
            await self._entries.delete_many({**log, "seq": {"$lte": last}})
        return int(last)

    async def doom(self, key: str) -> None:
        """From now on the room is not found any more, though all of it is still to be erased."""
        async with mongo_errors():
            await self._rooms.update_one({"_id": key}, {"$set": {"doomed": True}})

    async def doomed(self) -> list[str]:
        """The keys of the rooms that are still to be erased."""
        async with mongo_errors():
            found = await self._rooms.find({"doomed": True}, {"_id": True}).to_list(None)
        return [document["_id"] for document in found]

    async def erase(self, key: str) -> None:
        """Removes the log of a doomed room, then the room; nothing of one that is not doomed any more."""
        log, doomed = {"log": key}, {"_id": key, "doomed": True}
        async with mongo_errors():
            while await self._rooms.find_one(doomed, {"_id": True}) is not None:
                found = self._entries.find(log, {"seq": True}).sort("seq", ASCENDING).limit(ERASED_AT_ONCE)
                oldest = await found.to_list(ERASED_AT_ONCE)
                if not oldest:
                    break
                await self._entries.delete_many({**log, "seq": {"$lte": oldest[-1]["seq"]}})
            await self._rooms.delete_one(doomed)

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

    # One author's entries

    async def logs(self) -> AsyncIterator[str]:
        """The keys of all rooms."""
        async with mongo_errors():
            async for found in in_pages(self._rooms, {}, {}):
                yield found["_id"]

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
        """The first `limit` entries of the room's drawing board numbered `after` + 1 to `end`, in order."""
        which = {"log": room, "kind": DRAWN, "seq": {"$gt": after, "$lte": end}}
        async with mongo_errors():
            cursor = self._entries.find(which).sort("seq", ASCENDING).hint("drawn")
            found = await cursor.limit(limit).to_list(limit)
        return [entry_of_document(document) for document in found]

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


def _record(document: Document) -> RoomRecord:
    return msgspec.convert({"key": document["_id"], **document}, RoomRecord)


def _ruled(policy: Policy) -> Document:
    """The rules of a room as they are stored, with what is asked for by an index."""
    return {"policy": msgspec.to_builtins(policy), "member_ids": sorted(policy.members)}


def _document(room: str, entry: Entry) -> Document:
    document: Document = msgspec.to_builtins(entry)
    document["log"] = room
    if entry.data is not None:
        document["data"] = msgspec.json.encode(entry.data).decode()
    return document


def entry_of_document(document: Document) -> Entry:
    """The entry that is stored as this document."""
    if "data" in document:
        document["data"] = msgspec.json.decode(document["data"])
    return msgspec.convert(document, Entry)
