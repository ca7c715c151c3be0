"""The rooms as they are stored: what each is like, not what was said in it. The only module that knows their
collection."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from chat.database import STORED_FOR_GOOD, Database, Document, in_pages, mongo_errors
from chat.errors import Unavailable
from chat.policy import Policy
from chat.room import RoomRecord

# How a room that is not being deleted is found, and the access of an open one: it is left out, as it is the default.
LASTING: dict[str, Any] = {"doomed": {"$exists": False}}
OPEN: dict[str, Any] = {"$exists": False}


class RoomStore:
    """The collection `rooms`, each by its key. Every call but `prepare` raises Unavailable while MongoDB is away."""

    def __init__(self, database: Database) -> None:
        self._rooms = database.get_collection("rooms", **STORED_FOR_GOOD)

    async def prepare(self) -> None:
        """Makes the indexes; raises PyMongoError."""
        await self._rooms.create_index([("policy.access", ASCENDING), ("active", DESCENDING)], name="listed")
        await self._rooms.create_index([("member_ids", ASCENDING)], name="members")
        for field in ("policy.days", "policy.ephemeral", "doomed"):
            await self._rooms.create_index([(field, ASCENDING)], sparse=True, name=field)
        # There is one room of the same people.
        circle = {"policy.circle": {"$exists": True}}
        await self._rooms.create_index(
            [("policy.circle", ASCENDING)], unique=True, partialFilterExpression=circle, name="circle"
        )

    # Finding

    async def find(self, key: str) -> RoomRecord | None:
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

    async def of_circle(self, circle: str) -> RoomRecord | None:
        """The direct room of that circle of people."""
        async with mongo_errors():
            found = await self._rooms.find_one({"policy.circle": circle, **LASTING})
        return _record(found) if found else None

    async def latest(self, limit: int) -> list[RoomRecord]:
        """The open rooms in which something was said last, the latest first."""
        async with mongo_errors():
            cursor = self._rooms.find({"policy.access": OPEN, **LASTING}).sort("active", DESCENDING)
            found = await cursor.limit(limit).to_list(limit)
        return [_record(document) for document in found]

    async def of_member(self, person: str, limit: int) -> list[RoomRecord]:
        """The rooms of which somebody is a member, the latest active first; of the members it knows them alone."""
        fields = ["name", "title", "epoch", "made", "active", "policy.access", f"policy.members.{person}"]
        async with mongo_errors():
            cursor = self._rooms.find({"member_ids": person, **LASTING}, fields).sort("active", DESCENDING)
            found = await cursor.limit(limit).to_list(limit)
        return [_record(document) for document in found]

    async def page(self, find: str, *, after: str, limit: int) -> list[RoomRecord]:
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

    async def keys(self) -> AsyncIterator[str]:
        """The keys of all rooms, those being deleted too."""
        async with mongo_errors():
            async for found in in_pages(self._rooms, {}, {}):
                yield found["_id"]

    # Making and governing

    async def make(self, record: RoomRecord) -> tuple[RoomRecord, bool]:
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

    async def govern(self, before: RoomRecord, policy: Policy, title: str) -> bool:
        """Stores the rules and the title of a room, unless they are not those of `before` any more; whether it did."""
        which = {**_as_ruled(before), **LASTING}
        change = {"title": title, "revision": before.revision + 1, **_ruled(policy)}
        async with mongo_errors():
            return (await self._rooms.update_one(which, {"$set": change})).matched_count > 0

    async def mark_active(self, times: dict[str, int]) -> None:
        """Keeps when each room was last active."""
        updates = [UpdateOne({"_id": key}, {"$max": {"active": at}}) for key, at in times.items()]
        async with mongo_errors():
            await self._rooms.bulk_write(updates, ordered=False)

    # Their end

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

    async def note_forgotten(self, record: RoomRecord, last: int) -> bool:
        """Keeps that the entries up to `last` are to be forgotten; whether it is still that room, and keeps its entries
        for as long as it did."""
        which = {"_id": record.key, "epoch": record.epoch, "policy.days": record.policy.days, **LASTING}
        async with mongo_errors():
            return (await self._rooms.update_one(which, {"$max": {"forgotten": last}})).matched_count > 0

    async def doom(self, before: RoomRecord) -> bool:
        """From now on the room is not found any more, though all of it is still to be erased; whether its rules are
        still those of `before`, else nothing is done. Harmless when repeated."""
        async with mongo_errors():
            return (await self._rooms.update_one(_as_ruled(before), {"$set": {"doomed": True}})).matched_count > 0

    async def doomed(self) -> list[str]:
        """The keys of the rooms that are still to be erased."""
        async with mongo_errors():
            found = await self._rooms.find({"doomed": True}, {"_id": True}).to_list(None)
        return [document["_id"] for document in found]

    async def is_doomed(self, key: str) -> bool:
        async with mongo_errors():
            return await self._rooms.find_one({"_id": key, "doomed": True}, {"_id": True}) is not None

    async def remove(self, key: str) -> None:
        """Removes a doomed room, of which no entries are left; nothing of one that is not doomed any more."""
        async with mongo_errors():
            await self._rooms.delete_one({"_id": key, "doomed": True})


def _record(document: Document) -> RoomRecord:
    return msgspec.convert({"key": document["_id"], **document}, RoomRecord)


def _as_ruled(record: RoomRecord) -> Document:
    """How a room is found as long as its rules and its title are those."""
    return {"_id": record.key, "epoch": record.epoch, "revision": record.revision or {"$in": [0, None]}}


def _ruled(policy: Policy) -> Document:
    """The rules of a room as they are stored, with what is asked for by an index."""
    return {"policy": msgspec.to_builtins(policy), "member_ids": sorted(policy.members)}
