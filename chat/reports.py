"""Reports: messages that somebody wants looked at, with what they said then."""

import secrets
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import PyMongoError

from chat.access import Access
from chat.audit import Audit, Detail
from chat.callers import Caller
from chat.changes import Changes
from chat.database import STORED_FOR_GOOD, Database, Document, mongo_errors, unusable
from chat.entries import Author, Entry
from chat.errors import BadRequest, NotFound, RateLimited
from chat.names import reason_text
from chat.protocol import SEQ_LIMIT, encode
from chat.rates import Rates
from chat.room import Room
from chat.times import now

State = Literal["open", "closed"]

# Characters kept of a message that is no text.
EVIDENCE_LIMIT = 4_000
# When too many reports are open somebody has to read them first (seconds).
FULL_RETRY = 600.0


def read_state(text: str) -> State:
    """The state that is wanted, `open` unless one is named; raises BadRequest."""
    if text not in ("", "open", "closed"):
        raise BadRequest("state is open or closed.")
    return "closed" if text == "closed" else "open"


class NewReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody reports, and why."""

    seq: Annotated[int, Meta(ge=1, le=SEQ_LIMIT)]
    reason: str


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of a report, with what became of it."""

    state: Literal["closed"]
    note: str = ""


class Closed(msgspec.Struct, frozen=True):
    """Who closed a report, when and with what note."""

    by: Author
    at: int
    note: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One report of the message `seq` of a room. Times are milliseconds since the Unix epoch.

    `text` is what the message said when it was reported, and None once the report is closed.
    """

    id: str
    room: str
    seq: int
    author: Author
    text: str | None = None
    reason: str
    by: Author
    at: int
    state: State = "open"
    closed: Closed | None = None


class Reports:
    """The reports in the collection `reports`, at most `limit` of them open. Every call raises Unavailable while
    MongoDB is away."""

    def __init__(
        self, database: Database, *, access: Access, audit: Audit, changes: Changes, rates: Rates, limit: int
    ) -> None:
        self._reports = database.get_collection("reports", **STORED_FOR_GOOD)
        self._access = access
        self._audit = audit
        self._changes = changes
        self._rates = rates
        self._limit = limit

    async def prepare(self) -> None:
        """Makes the indexes; raises DatabaseError."""
        try:
            await self._reports.create_indexes(
                [
                    IndexModel([("state", ASCENDING), ("_id", DESCENDING)], name="state"),
                    IndexModel([("log", ASCENDING), ("epoch", ASCENDING), ("seq", ASCENDING)], name="room"),
                ]
            )
        except PyMongoError as error:
            raise unusable(error) from None

    async def make(self, name: str, wanted: NewReport, caller: Caller) -> str:
        """The id of the new report, or of the open one that the caller has made of it already.

        Raises ChatError for one who may not read the room, or reports too much.
        """
        self._rates.report(caller)
        room = await self._access.to_read(name, caller)
        reason = reason_text(wanted.reason)
        if not reason:
            raise BadRequest("A report needs a reason.")
        # What it says now is taken down at once: it may be deleted while the others are counted.
        made = _new_report(room, await self._changes.message(room, wanted.seq), reason, caller)
        same = {"log": room.key, "epoch": room.epoch, "seq": wanted.seq, "by.id": caller.id, "state": "open"}
        async with mongo_errors():
            known = await self._reports.find_one(same, {"_id": True})
            if known is not None:
                return str(known["_id"])
            if await self._reports.count_documents({"state": "open"}, limit=self._limit) >= self._limit:
                raise RateLimited("Too many reports are waiting to be read.", retry_after=FULL_RETRY)
            await self._reports.insert_one(made)
        return str(made["_id"])

    # Reading

    async def page(self, state: State, *, before: str | None, limit: int) -> list[Report]:
        """The last `limit` reports in that state before one of them, or of all, the latest first."""
        which: Document = {"state": state} if before is None else {"state": state, "_id": {"$lt": before}}
        return await self._read(which, limit)

    async def page_of(self, name: str, state: State, caller: Caller, *, before: str | None, limit: int) -> list[Report]:
        """The same of one room, for its moderators; raises ChatError for others."""
        room = await self._access.to_moderate(name, caller)
        which: Document = {"log": room.key, "epoch": room.epoch, "state": state}
        return await self._read(which if before is None else which | {"_id": {"$lt": before}}, limit)

    async def _read(self, which: Document, limit: int) -> list[Report]:
        async with mongo_errors():
            found = await self._reports.find(which).sort("_id", DESCENDING).limit(limit).to_list(limit)
        return [msgspec.convert({"id": document["_id"], **document}, Report) for document in found]

    # Closing

    async def close(self, id: str, closing: Closing, caller: Caller) -> None:
        """It needs nobody any more, and what the message said is forgotten; raises NotFound for one that is closed."""
        await self._close({"_id": id}, closing, caller)

    async def close_of(self, name: str, id: str, closing: Closing, caller: Caller) -> None:
        """The same by a moderator of its room; raises ChatError for others."""
        room = await self._access.to_moderate(name, caller)
        await self._close({"_id": id, "log": room.key, "epoch": room.epoch}, closing, caller)

    async def _close(self, which: Document, closing: Closing, caller: Caller) -> None:
        note, which = reason_text(closing.note), which | {"state": "open"}
        async with mongo_errors():
            found = await self._reports.find_one(which)
        if found is None:
            raise NotFound("There is no such open report.")
        room, author = _Place(found["log"], found["room"], found["epoch"]), Author(**found["author"])
        details: dict[str, Detail] = {"report": found["_id"], "seq": found["seq"]} | ({"note": note} if note else {})
        closed = msgspec.to_builtins(Closed(caller.user.author, now(), note))
        async with self._audit.noted(caller, "close_report", room=room, target=author, **details), mongo_errors():
            await self._reports.update_one(
                which, {"$set": {"state": "closed", "closed": closed}, "$unset": {"text": ""}}
            )

    async def erase(self, room: str) -> None:
        """Forgets all that was reported in a room, by its key."""
        async with mongo_errors():
            await self._reports.delete_many({"log": room})


class _Place(NamedTuple):
    """The room of a report, which may sleep."""

    key: str
    name: str
    epoch: str


def _new_report(room: Room, message: Entry, reason: str, caller: Caller) -> Document:
    at = now()
    report = Report(
        id=f"{at:012x}{secrets.token_hex(4)}",  # in the order of time
        room=room.name,
        seq=message.seq,
        author=message.user,
        text=_evidence(message),
        reason=reason,
        by=Author(caller.id, caller.user.name),
        at=at,
    )
    document: Document = msgspec.to_builtins(report)
    document["_id"] = document.pop("id")
    return document | {"log": room.key, "epoch": room.epoch}


def _evidence(message: Entry) -> str:
    """What the message says; of one that is no text, its data."""
    return message.text if message.text is not None else encode(message.data).decode()[:EVIDENCE_LIMIT]
