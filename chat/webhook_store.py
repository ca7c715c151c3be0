"""Webhooks and what they could not deliver, as they are stored; and who is at work on which."""

from typing import Any

import msgspec
from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import PyMongoError

from chat.database import STORED_FOR_GOOD, Database, Document, mongo_errors, unusable
from chat.times import now
from chat.webhooks import DeadLetter, Webhook


class WebhookStore:
    """Webhooks in the collection `webhooks`, with their secrets as they are, for signing takes them; what they could
    not deliver in `dead_letters`. Every call raises Unavailable while MongoDB is away.

    One process at a time works on a webhook: the one whose `worker` is noted in it, until `leased` (milliseconds since
    the Unix epoch). Another takes over when that is past.
    """

    def __init__(self, database: Database) -> None:
        self._webhooks = database.get_collection("webhooks", **STORED_FOR_GOOD)
        self._letters = database.get_collection("dead_letters", **STORED_FOR_GOOD)

    async def prepare(self) -> None:
        """Makes the indexes; raises DatabaseError."""
        try:
            await self._webhooks.create_index([("room", ASCENDING)], name="room")
            await self._letters.create_index([("webhook", ASCENDING), ("seq", ASCENDING)], unique=True, name="order")
            await self._letters.create_index([("room", ASCENDING)], name="room")
        except PyMongoError as error:
            raise unusable(error) from None

    async def insert(self, hook: Webhook) -> None:
        document: Document = msgspec.to_builtins(hook)
        document["_id"] = document.pop("id")
        async with mongo_errors():
            await self._webhooks.insert_one(document)

    async def of(self, room: str, epoch: str) -> list[Webhook]:
        """Those of a room, in the order they were made."""
        return await self._find({"room": room, "epoch": epoch})

    async def at_work(self) -> list[Webhook]:
        """All that are not paused."""
        return await self._find({"paused": ""})

    async def by_id(self, id: str) -> Webhook | None:
        found = await self._find({"_id": id})
        return found[0] if found else None

    async def _find(self, which: Document) -> list[Webhook]:
        async with mongo_errors():
            found = await self._webhooks.find(which).sort("made", ASCENDING).to_list(None)
        return [_webhook(document) for document in found]

    async def change(self, id: str, **fields: Any) -> None:
        """Whoever is at work on it."""
        async with mongo_errors():
            await self._webhooks.update_one({"_id": id}, {"$set": fields})

    async def remove(self, id: str) -> None:
        async with mongo_errors():
            await self._webhooks.delete_one({"_id": id})
            await self._letters.delete_many({"webhook": id})

    async def erase(self, room: str) -> None:
        """Removes all of the room of that key."""
        async with mongo_errors():
            await self._webhooks.delete_many({"room": room})
            await self._letters.delete_many({"room": room})

    # Who is at work

    async def lease(self, id: str, worker: str, seconds: float) -> Webhook | None:
        """The webhook, on which nobody else works for so long; None if somebody does, or if it is not due or paused."""
        at = now()
        which = {
            "_id": id,
            "paused": "",
            "due": {"$lte": at},
            "$or": [{"leased": {"$exists": False}}, {"leased": {"$lt": at}}, {"worker": worker}],
        }
        lease = {"worker": worker, "leased": at + int(seconds * 1000)}
        async with mongo_errors():
            found = await self._webhooks.find_one_and_update(
                which, {"$set": lease}, return_document=ReturnDocument.AFTER
            )
        return _webhook(found) if found else None

    async def note(self, hook: Webhook, worker: str, *, leased: int) -> bool:
        """Stores how far the worker has come, who has it until `leased`; False if another works on it by now, or it is
        paused or gone."""
        fields = {name: getattr(hook, name) for name in ("cursor", "tries", "failing", "due", "paused", "error")}
        async with mongo_errors():
            noted = await self._webhooks.update_one(
                {"_id": hook.id, "worker": worker, "paused": ""}, {"$set": {**fields, "leased": leased}}
            )
        return noted.matched_count == 1

    # Dead letters

    async def bury(self, hook: Webhook, letter: DeadLetter) -> int:
        """Keeps what could not be delivered; how many of that webhook there are now. Harmless when repeated."""
        document = msgspec.to_builtins(letter) | {"room": hook.room}
        async with mongo_errors():
            await self._letters.update_one({"webhook": hook.id, "seq": letter.seq}, {"$set": document}, upsert=True)
            return await self._letters.count_documents({"webhook": hook.id})

    async def letters(self, id: str) -> list[DeadLetter]:
        """Those of a webhook, in the order of the log."""
        async with mongo_errors():
            found = await self._letters.find({"webhook": id}).sort("seq", ASCENDING).to_list(None)
        return [msgspec.convert(document, DeadLetter) for document in found]

    async def drop(self, id: str, seq: int) -> bool:
        """Whether there was such a letter to drop."""
        async with mongo_errors():
            dropped = await self._letters.delete_one({"webhook": id, "seq": seq})
        return dropped.deleted_count == 1


def _webhook(document: Document) -> Webhook:
    return msgspec.convert({"id": document["_id"], **document}, Webhook)
