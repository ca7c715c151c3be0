"""Sessions of accounts, as they are stored."""

import datetime
import secrets
from collections.abc import Sequence

import msgspec
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import PyMongoError

from chat.database import DURABLE, Database, Document, mongo_errors, unusable
from chat.last_seen import LastSeen
from chat.secret_tokens import new_secret, secret_hash
from chat.times import DAY, now

SESSION_PREFIX = "ps_"
AGENT_LIMIT = 200  # characters kept of what a browser says it is


class Origin(msgspec.Struct, frozen=True):
    """Where a sign-in comes from: its address, and what the client says it is."""

    address: str
    agent: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in of an account. Times are milliseconds since the Unix epoch; `seen` is some minutes old at most."""

    id: str
    account: str
    made: int
    seen: int
    until: int
    address: str
    agent: str


class Sessions:
    """Sessions in the collection `sessions`, valid for `days`; an account has at most `limit`, the latest ones.

    Every call raises Unavailable while MongoDB is away, unless it says otherwise. A token is stored as its hash alone.
    """

    def __init__(self, database: Database, *, days: int, limit: int) -> None:
        self._sessions = database.get_collection("sessions", write_concern=DURABLE)
        self.days = days
        self._limit = limit
        self._ended: set[str] = set()
        self.seen = LastSeen(self._sessions)

    async def prepare(self) -> None:
        """Makes the indexes; MongoDB itself removes those that are too old. Raises DatabaseError."""
        try:
            await self._sessions.create_indexes(
                [
                    IndexModel("hash", name="hash", unique=True),
                    IndexModel([("account", ASCENDING), ("made", DESCENDING)], name="account"),
                    IndexModel("expires", name="expires", expireAfterSeconds=0),
                ]
            )
        except PyMongoError as error:
            raise unusable(error) from None

    async def make(self, account: str, origin: Origin) -> tuple[Session, str]:
        """A new session, and its token, which nobody is told again."""
        token = new_secret(SESSION_PREFIX)
        made = now()
        session = Session(
            id=secrets.token_hex(8),
            account=account,
            made=made,
            seen=made,
            until=made + self.days * DAY,
            address=origin.address,
            agent=_plain(origin.agent),
        )
        async with mongo_errors():
            await self._sessions.insert_one(_document(session, secret_hash(token)))
        return session, token

    async def find(self, token: str) -> Session | None:
        """The session of that token, if it is one that goes on."""
        async with mongo_errors():
            found = await self._sessions.find_one({"hash": secret_hash(token)})
        if found is None or found["_id"] in self._ended or found["until"] <= now():
            return None
        return _session(found)

    async def of(self, account: str) -> list[Session]:
        """The sessions of an account, the latest first."""
        async with mongo_errors():
            found = await self._sessions.find({"account": account}).sort("made", DESCENDING).to_list(None)
        at = now()
        return [
            _session(document) for document in found if document["until"] > at and document["_id"] not in self._ended
        ]

    async def surplus(self, account: str) -> list[str]:
        """The ids of the oldest sessions beyond the limit."""
        return [session.id for session in (await self.of(account))[self._limit :]]

    def end(self, ids: Sequence[str]) -> None:
        """They are over at once; `remove_ended` removes them from the store, when MongoDB is there."""
        self._ended.update(ids)

    async def end_all(self, account: str, *, but: str = "") -> None:
        """All sessions of an account but one are over; raises Unavailable, and then none is."""
        async with mongo_errors():
            await self._sessions.delete_many({"account": account, "_id": {"$ne": but}})

    async def remove_ended(self) -> None:
        """Removes the sessions that are over from the store."""
        ended = list(self._ended)
        if ended:
            async with mongo_errors():
                await self._sessions.delete_many({"_id": {"$in": ended}})
            self._ended.difference_update(ended)


def _document(session: Session, hash: str) -> Document:
    document: Document = msgspec.to_builtins(session)
    document["_id"] = document.pop("id")
    document["hash"] = hash
    document["expires"] = datetime.datetime.fromtimestamp(session.until / 1000, datetime.UTC)
    return document


def _session(document: Document) -> Session:
    return msgspec.convert({"id": document["_id"], **document}, Session)


def _plain(agent: str) -> str:
    """As much of it as is shown, without what cannot be."""
    return "".join(character for character in agent[:AGENT_LIMIT] if character.isprintable())
