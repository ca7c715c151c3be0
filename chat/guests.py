"""Guests' sessions: signed tokens that need no store, and those of them that are over."""

import datetime

import msgspec
from pymongo import ASCENDING, UpdateOne
from pymongo.errors import PyMongoError
from tornado.web import create_signed_value, decode_signed_value

from chat.database import DURABLE, Database, in_pages, mongo_errors, unusable
from chat.people import User

# What the signature is for, so that none that is made for something else can be used here.
PURPOSE = "parley_session"


class Guests:
    """Makes and reads tokens, valid for `days`, signed with the server's own secret.

    A guest's id is that of their session. Those that are over stand in the collection `ended_guests` until their
    tokens are too old, and in memory: at most `kept`.
    """

    def __init__(self, database: Database, secret: str, *, days: int, kept: int) -> None:
        self._ended_guests = database.get_collection("ended_guests", write_concern=DURABLE)
        self._secret = secret
        self._days = days
        self._kept = kept
        self._ended: dict[str, None] = {}
        self._unstored: set[str] = set()

    async def prepare(self) -> None:
        """Makes the index and reads who is over; raises DatabaseError."""
        try:
            await self._ended_guests.create_index([("expires", ASCENDING)], expireAfterSeconds=0, name="expires")
            await self._read_ended()
        except PyMongoError as error:
            raise unusable(error) from None

    async def read_ended(self) -> None:
        """Reads who is over, as other processes may have stored it; raises Unavailable."""
        async with mongo_errors():
            await self._read_ended()

    async def _read_ended(self) -> None:
        async for found in in_pages(self._ended_guests, {}, {}):
            self._remember(found["_id"])

    def token(self, user: User) -> str:
        return create_signed_value(self._secret, PURPOSE, msgspec.json.encode(user)).decode()

    def read(self, token: str) -> User | None:
        """Whose token it is; None if it is not one of ours, too old, or over."""
        value = decode_signed_value(self._secret, PURPOSE, token, max_age_days=self._days)
        if value is None:
            return None
        user = msgspec.json.decode(value, type=User)
        return None if user.id in self._ended else user

    def end(self, user: User) -> None:
        """Their tokens are worth nothing at once; `store_ended` stores that, when MongoDB is there."""
        self._remember(user.id)
        self._unstored.add(user.id)

    async def store_ended(self) -> None:
        """Stores who is over and is not stored yet; raises Unavailable."""
        unstored = list(self._unstored)
        if not unstored:
            return
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=self._days)
        async with mongo_errors():
            await self._ended_guests.bulk_write(
                [UpdateOne({"_id": id}, {"$set": {"expires": expires}}, upsert=True) for id in unstored],
                ordered=False,
            )
        self._unstored.difference_update(unstored)

    def remember(self, user: User) -> None:
        """They are over, as it is stored already or will be."""
        self._remember(user.id)

    def _remember(self, id: str) -> None:
        self._ended[id] = None
        if len(self._ended) > self._kept:
            del self._ended[next(iter(self._ended))]
