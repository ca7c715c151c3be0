"""Conversations of visitors with support desks: where each stands, as it is stored.

What is said in one is the log of its room; here is who has it, since when, and what agents note beside it.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from chat.callers import Caller, Scope
from chat.database import STORED_FOR_GOOD, Database, Document, mongo_errors, unusable
from chat.entries import Author, Entry
from chat.errors import NotFound
from chat.names import room_key
from chat.people import VISITOR, User
from chat.secret_tokens import new_secret, secret_hash
from chat.times import DAY, now

VISITOR_PREFIX = "pv_"
NO_CONVERSATION = "There is no such conversation."
EXCERPT = 120  # characters of the last message that the queue shows
NOTES_LIMIT = 200  # of one conversation; they stand in its document

State = Literal["waiting", "taken", "closed"]


class Last(msgspec.Struct, frozen=True):
    """The last message: its number, when it was said, by whom, and how it begins."""

    seq: int
    at: int
    by: Author
    text: str

    @classmethod
    def of(cls, entry: Entry) -> "Last":
        return cls(entry.seq, entry.at, entry.user, (entry.text or "")[:EXCERPT])


class Note(msgspec.Struct, frozen=True):
    """What an agent noted for the others."""

    id: str
    at: int
    by: Author
    text: str


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation; `id` is the name of its room. Times are milliseconds since the Unix epoch: `since` is that of
    the present state.

    `unanswered` are the visitor's messages since an agent wrote last. `away`: it was begun when nobody was there.
    """

    id: str
    desk: str
    visitor: Author
    made: int
    since: int
    last: Last
    state: State = "waiting"
    agent: Author | None = None
    unanswered: int = 1
    away: bool = False
    email: str = ""
    page: str = ""


def new_visitor(name: str) -> User:
    """A visitor of that name, or of one that tells them apart."""
    return User(id=f"{VISITOR}{secrets.token_hex(8)}", name=name or f"Visitor {secrets.randbelow(9000) + 1000}")


class Conversations:
    """Conversations in the collection `conversations`. Every call raises Unavailable while MongoDB is away.

    A visitor's token is valid for `days`, and for the one room alone; it is stored as its hash. Each step is one atomic
    operation: of two who take a conversation at once, one gets it.
    """

    def __init__(self, database: Database, *, days: int) -> None:
        self._conversations = database.get_collection("conversations", **STORED_FOR_GOOD)
        self._days = days

    async def prepare(self) -> None:
        """Makes the indexes; raises DatabaseError."""
        try:
            await self._conversations.create_indexes(
                [
                    IndexModel("hash", name="hash", unique=True),
                    IndexModel([("desk", ASCENDING), ("key", ASCENDING)], name="key", unique=True),
                    IndexModel([("desk", ASCENDING), ("state", ASCENDING), ("since", DESCENDING)], name="queue"),
                ]
            )
        except PyMongoError as error:
            raise unusable(error) from None

    # Visitors

    async def insert(self, conversation: Conversation, key: str) -> str | None:
        """Stores a new one; the visitor's token, or None where that key has made one already."""
        token = new_secret(VISITOR_PREFIX)
        document: Document = msgspec.to_builtins(conversation)
        document["_id"] = document.pop("id")
        document |= {"hash": secret_hash(token), "key": key, "until": now() + self._days * DAY}
        async with mongo_errors():
            try:
                await self._conversations.insert_one(document)
            except DuplicateKeyError:
                return None
        return token

    async def again(self, desk: str, key: str) -> tuple[Conversation, str] | None:
        """The conversation that this key has made, and a new token in place of the one that got lost on its way."""
        token = new_secret(VISITOR_PREFIX)
        async with mongo_errors():
            found = await self._conversations.find_one_and_update(
                {"desk": desk, "key": key},
                {"$set": {"hash": secret_hash(token)}},
                return_document=ReturnDocument.AFTER,
            )
        return (_conversation(found), token) if found else None

    async def visitor(self, token: str) -> Caller | None:
        """Whose token it is, as one who asks."""
        async with mongo_errors():
            found = await self._conversations.find_one({"hash": secret_hash(token)})
        if found is None or found["until"] <= now():
            return None
        visitor = msgspec.convert(found["visitor"], Author)
        return Caller(
            user=User(id=visitor.id, name=visitor.name),
            session=visitor.id,
            until=found["until"],
            scope=Scope(frozenset({room_key(found["_id"])})),
        )

    # Looking

    async def find(self, id: str) -> Conversation | None:
        async with mongo_errors():
            found = await self._conversations.find_one({"_id": room_key(id)})
        return _conversation(found) if found else None

    async def get(self, id: str) -> Conversation:
        """Raises NotFound."""
        found = await self.find(id)
        if found is None:
            raise NotFound(NO_CONVERSATION)
        return found

    async def notes(self, id: str) -> list[Note]:
        """What agents have noted about it, in order."""
        async with mongo_errors():
            found = await self._conversations.find_one({"_id": room_key(id)}, {"notes": True})
        return msgspec.convert((found or {}).get("notes", []), list[Note])

    async def page(self, desk: str, state: State, *, before: int | None, limit: int) -> list[Conversation]:
        """Those in a state: who waits the longest first, else the latest first, of those since before a time."""
        which: Document = {"desk": desk, "state": state}
        if before is not None:
            which["since"] = {"$lt": before}
        order = ASCENDING if state == "waiting" else DESCENDING
        async with mongo_errors():
            found = await self._conversations.find(which).sort("since", order).limit(limit).to_list(limit)
        return [_conversation(document) for document in found]

    async def count(self, desk: str, limit: int) -> int:
        """How many are not closed; it counts to `limit`."""
        async with mongo_errors():
            return await self._conversations.count_documents(
                {"desk": desk, "state": {"$in": ["waiting", "taken"]}}, limit=limit
            )

    async def some(self, desk: str, limit: int) -> list[Conversation]:
        """Some conversations of a desk, in any state."""
        async with mongo_errors():
            found = await self._conversations.find({"desk": desk}).limit(limit).to_list(limit)
        return [_conversation(document) for document in found]

    # Steps

    async def step(self, id: str, which: Mapping[str, Any], **fields: Any) -> Conversation | None:
        """The conversation with other values of some fields, if `which` is so of it at that moment."""
        async with mongo_errors():
            found = await self._conversations.find_one_and_update(
                {"_id": room_key(id), **which},
                {"$set": msgspec.to_builtins(fields)},
                return_document=ReturnDocument.AFTER,
            )
        return _conversation(found) if found else None

    async def heard(self, id: str, entry: Entry, *, by_agent: bool) -> Conversation | None:
        """The conversation after a message in it; None if that is known already, or there is none. One before it that
        is not known yet is to be heard first: it counts no more after this one.

        A closed one waits again for the visitor's sake; an agent who answers has taken it if nobody else has.
        """
        last = Last.of(entry)
        moves = {"$ne": ["$state", "taken"]} if by_agent else {"$eq": ["$state", "closed"]}
        state, agent = ("taken", msgspec.to_builtins(entry.user)) if by_agent else ("waiting", None)
        stages = [
            {
                "$set": {
                    "last": {"$literal": msgspec.to_builtins(last)},
                    "unanswered": 0 if by_agent else {"$add": ["$unanswered", 1]},
                    "state": {"$cond": [moves, state, "$state"]},
                    "agent": {"$cond": [moves, {"$literal": agent}, "$agent"]},
                    "since": {"$cond": [moves, entry.at, "$since"]},
                }
            }
        ]
        async with mongo_errors():
            found = await self._conversations.find_one_and_update(
                {"_id": room_key(id), "last.seq": {"$lt": entry.seq}}, stages, return_document=ReturnDocument.AFTER
            )
        return _conversation(found) if found else None

    async def amended(self, id: str, change: Entry) -> Conversation | None:
        """The conversation after an edit or a deletion of its last message, which the queue shows; None if it was of
        another one."""
        async with mongo_errors():
            found = await self._conversations.find_one_and_update(
                {"_id": room_key(id), "last.seq": change.target},
                {"$set": {"last.text": (change.text or "")[:EXCERPT]}},
                return_document=ReturnDocument.AFTER,
            )
        return _conversation(found) if found else None

    async def add_note(self, id: str, note: Note) -> bool:
        """Whether there was room for it."""
        full = f"notes.{NOTES_LIMIT - 1}"
        async with mongo_errors():
            done = await self._conversations.update_one(
                {"_id": room_key(id), full: {"$exists": False}}, {"$push": {"notes": msgspec.to_builtins(note)}}
            )
        return done.matched_count > 0

    async def erase(self, room: str) -> None:
        """Nothing is left of the one in the room with that key."""
        async with mongo_errors():
            await self._conversations.delete_one({"_id": room})


def _conversation(document: Document) -> Conversation:
    return msgspec.convert({"id": document["_id"], **document}, Conversation)
