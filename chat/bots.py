"""Bots: tokens that an account makes for programs, each with a name, a scope and an end."""

import secrets
from collections.abc import AsyncIterator

import msgspec
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError, PyMongoError

from chat.callers import Caller, Scope
from chat.database import DURABLE, Database, Document, in_pages, mongo_errors, unusable
from chat.errors import NameTaken
from chat.last_seen import LastSeen
from chat.lookalikes import looks
from chat.names import room_key
from chat.people import User
from chat.secret_tokens import new_secret, secret_hash
from chat.times import DAY, now

BOT_PREFIX = "pb_"
# Of tokens that are worth nothing but in the address of an integration.
INTEGRATION_PREFIX = "pi_"


class Bot(msgspec.Struct, frozen=True, kw_only=True):
    """One bot. `rooms` are the names of those it may enter (none: all); times are milliseconds since the Unix epoch.

    One that is an integration says something in one room and does nothing else: `into` is the room's key, `epoch` its
    epoch.
    """

    id: str
    name: str
    maker: str
    rooms: list[str]
    write: bool
    made: int
    seen: int
    until: int
    into: str = ""
    epoch: str = ""

    @property
    def caller(self) -> Caller:
        """It as one who asks: with the rights of its maker, as far as its scope goes."""
        return Caller(
            user=User(id=self.id, name=self.name, guest=False),
            account=self.maker,
            session=self.id,
            until=self.until,
            scope=Scope(frozenset(map(room_key, self.rooms)), self.write),
        )


def new_bot(name: str, maker: str, *, rooms: list[str], write: bool, days: int, into: str = "", epoch: str = "") -> Bot:
    """A bot that is not stored yet, for so many days."""
    made = now()
    return Bot(
        id=f"b-{secrets.token_hex(8)}",
        name=name,
        maker=maker,
        rooms=rooms,
        write=write,
        made=made,
        seen=0,
        until=made + days * DAY,
        into=into,
        epoch=epoch,
    )


class Bots:
    """Bots in the collection `bots`, their tokens as hashes alone. Every call raises Unavailable while MongoDB is
    away.

    One whose time is over stays in the list of its maker, with its name, until it is removed.
    """

    def __init__(self, database: Database) -> None:
        self._bots = database.get_collection("bots", write_concern=DURABLE)
        self.seen = LastSeen(self._bots)

    async def prepare(self) -> None:
        """Makes the indexes; raises DatabaseError."""
        try:
            await self._bots.create_indexes(
                [
                    IndexModel("hash", name="hash", unique=True),
                    IndexModel("looks", name="looks", unique=True),
                    IndexModel("maker", name="maker"),
                    IndexModel("into", name="into", partialFilterExpression={"into": {"$gt": ""}}),
                ]
            )
        except PyMongoError as error:
            raise unusable(error) from None

    async def insert(self, bot: Bot) -> str:
        """Stores a new one; its token, which nobody is told again. Raises NameTaken."""
        token = new_secret(INTEGRATION_PREFIX if bot.into else BOT_PREFIX)
        document: Document = msgspec.to_builtins(bot)
        document["_id"] = document.pop("id")
        document["hash"] = secret_hash(token)
        document["looks"] = sorted(looks(bot.name))
        async with mongo_errors():
            try:
                await self._bots.insert_one(document)
            except DuplicateKeyError:
                raise NameTaken(f"The name {bot.name} belongs to somebody.") from None
        return token

    async def find(self, token: str) -> Bot | None:
        """The bot of that token, if its time is not over."""
        async with mongo_errors():
            found = await self._bots.find_one({"hash": secret_hash(token)})
        return _bot(found) if found and found["until"] > now() else None

    async def by_id(self, id: str) -> Bot | None:
        async with mongo_errors():
            found = await self._bots.find_one({"_id": id})
        return _bot(found) if found else None

    async def of(self, maker: str) -> list[Bot]:
        """The bots of an account, in the order they were made."""
        async with mongo_errors():
            found = await self._bots.find({"maker": maker}).sort("made", ASCENDING).to_list(None)
        return [_bot(document) for document in found]

    async def into(self, room: str, epoch: str | None = None) -> list[Bot]:
        """The integrations of the room of that key, and of that epoch if one is given, in the order they were made."""
        which = {"into": room} if epoch is None else {"into": room, "epoch": epoch}
        async with mongo_errors():
            found = await self._bots.find(which).sort("made", ASCENDING).to_list(None)
        return [_bot(document) for document in found]

    async def names(self) -> AsyncIterator[tuple[str, tuple[str]]]:
        """The names of all bots by their ids."""
        async with mongo_errors():
            async for found in in_pages(self._bots, {}, {"name": True}):
                yield found["_id"], (found["name"],)

    async def remove(self, maker: str, id: str) -> bool:
        """Whether there was one of that maker to remove."""
        async with mongo_errors():
            removed = await self._bots.delete_one({"_id": id, "maker": maker})
        return removed.deleted_count > 0


def _bot(document: Document) -> Bot:
    return msgspec.convert({"id": document["_id"], **document}, Bot)
