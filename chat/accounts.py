"""Accounts: those who have a name for good, as they are stored."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from chat.database import DURABLE, Database, Document, in_pages, mongo_errors, unusable
from chat.errors import BadRequest, Forbidden, NameTaken, NotFound
from chat.last_seen import LastSeen
from chat.lookalikes import looks
from chat.names import person_key, person_name
from chat.people import User
from chat.times import now


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account. Times are milliseconds since the Unix epoch.

    `password` is its hash, or empty for one who signs in elsewhere; `vouchers` are the keys of those it signs in with
    there; `picture` is the hash of the picture's bytes.
    """

    id: str
    name: str
    made: int
    password: str = ""
    vouchers: tuple[str, ...] = ()
    display: str = ""
    colour: str = ""
    status: str = ""
    picture: str = ""
    email: str = ""
    admin: bool = False
    seen: int = 0

    @property
    def shown(self) -> str:
        """The name that others see."""
        return self.display or self.name

    @property
    def user(self) -> User:
        return User(id=self.id, name=self.shown, guest=False)

    @property
    def names(self) -> tuple[str, str]:
        """What nobody else may be called."""
        return self.name, self.display


class Deleted(msgspec.Struct, frozen=True):
    """What is left of a deleted account until its messages are dealt with: whether they are to go as well."""

    id: str
    messages: bool


def new_account(
    name: str, password: str, *, email: str = "", admin: bool = False, vouchers: tuple[str, ...] = ()
) -> Account:
    """An account that is not stored yet; `password` is its hash."""
    return Account(
        id=f"a-{secrets.token_hex(8)}",
        name=name,
        made=now(),
        password=password,
        email=email,
        admin=admin,
        vouchers=vouchers,
    )


class Accounts:
    """Accounts in the collection `accounts`. Every call raises Unavailable while MongoDB is away.

    Beside the fields of an account, whose id is `_id`, it has the `key` of its name and the `looks` of all its names.
    One that is deleted has `erase` alone, until nothing of it is left to do.
    """

    def __init__(self, database: Database) -> None:
        self._accounts = database.get_collection("accounts", write_concern=DURABLE)
        self._meta = database.get_collection("meta", write_concern=DURABLE)
        self.seen = LastSeen(self._accounts)
        self.administrating = asyncio.Lock()
        """Held by whoever takes something from an administrator: one of them always stays."""

    async def prepare(self) -> None:
        """Makes the indexes; they hold each name, all that looks like it, and each voucher to one account.

        Raises DatabaseError.
        """
        named = {"key": {"$exists": True}}
        try:
            await self._accounts.create_indexes(
                [
                    IndexModel("key", name="key", unique=True, partialFilterExpression=named),
                    IndexModel("looks", name="looks", unique=True, partialFilterExpression=named),
                    IndexModel(
                        "vouchers",
                        name="vouchers",
                        unique=True,
                        partialFilterExpression={"vouchers": {"$type": "string"}},  # those that have any
                    ),
                    IndexModel("admin", name="administrators", partialFilterExpression={"admin": True}),
                ]
            )
        except PyMongoError as error:
            raise unusable(error) from None

    # Finding

    async def by_id(self, id: str) -> Account | None:
        return await self._one({"_id": id, "key": {"$exists": True}})

    async def by_ids(self, ids: Sequence[str]) -> list[Account]:
        """Those of these ids that there are, in any order."""
        async with mongo_errors():
            found = await self._accounts.find({"_id": {"$in": list(ids)}, "key": {"$exists": True}}).to_list(None)
        return [_account(document) for document in found]

    async def by_name(self, name: str) -> Account | None:
        """The account of that name in any spelling; none has a name that is not allowed."""
        try:
            key = person_key(person_name(name))
        except BadRequest:
            return None
        return await self._one({"key": key})

    async def by_voucher(self, key: str) -> Account | None:
        return await self._one({"vouchers": key})

    async def shown(self, ids: Sequence[str]) -> dict[str, str]:
        """The names that others see of the accounts of these ids, as far as there are such."""
        async with mongo_errors():
            which = {"_id": {"$in": list(ids)}, "key": {"$exists": True}}
            found = await self._accounts.find(which, {"name": True, "display": True}).to_list(None)
        return {document["_id"]: document["display"] or document["name"] for document in found}

    async def names(self) -> AsyncIterator[tuple[str, tuple[str, str]]]:
        """The names of all accounts by their ids."""
        async with mongo_errors():
            async for found in in_pages(self._accounts, {"key": {"$exists": True}}, {"name": True, "display": True}):
                yield found["_id"], (found["name"], found["display"])

    async def keep_setup(self, hash: str) -> None:
        """The link whose token has that hash makes the first administrator; another one does so no more."""
        async with mongo_errors():
            await self._meta.replace_one({"_id": "setup"}, {"hash": hash}, upsert=True)

    async def use_setup(self, hash: str) -> bool:
        """Whether that is the hash; it is so once."""
        async with mongo_errors():
            return (await self._meta.delete_one({"_id": "setup", "hash": hash})).deleted_count > 0

    async def has_administrator(self) -> bool:
        return await self._one({"admin": True}) is not None

    async def check_not_last(self, account: Account) -> None:
        """Raises Forbidden for the only administrator there is."""
        async with mongo_errors():
            others = await self._accounts.find_one({"admin": True, "_id": {"$ne": account.id}}, {"_id": True})
        if account.admin and others is None:
            raise Forbidden("A server keeps an administrator: make somebody else one first.")

    async def page(self, find: str, *, after: str, limit: int) -> list[Account]:
        """The first `limit` accounts, by their names, after the account called `after`; with `find`, those that have it
        in a name, or have that id or that address."""
        which: Document = {"key": {"$gt": person_key(after)}}
        if find:
            wanted = {"$literal": person_key(find)}
            which["$or"] = [
                {"_id": find},
                {"email": find},
                {"$expr": {"$gte": [{"$indexOfCP": ["$key", wanted]}, 0]}},
                {"$expr": {"$gte": [{"$indexOfCP": [{"$toLower": "$display"}, wanted]}, 0]}},
            ]
        async with mongo_errors():
            found = await self._accounts.find(which).sort("key", ASCENDING).limit(limit).to_list(limit)
        return [_account(document) for document in found]

    # Changing

    async def insert(self, account: Account) -> None:
        """Stores a new one; raises NameTaken."""
        async with mongo_errors():
            try:
                await self._accounts.insert_one(_document(account))
            except DuplicateKeyError:
                raise NameTaken(f"The name {account.name} belongs to somebody.") from None

    async def change(self, account: Account, **fields: Any) -> Account:
        """The account with other values of some fields, stored; raises NameTaken, NotFound if it is gone."""
        document = _document(msgspec.structs.replace(account, **fields))
        wanted = {*fields, "key", "looks"} if {"name", "display"} & fields.keys() else fields
        async with mongo_errors():
            try:
                found = await self._accounts.find_one_and_update(
                    {"_id": account.id, "key": {"$exists": True}},
                    {"$set": {name: document[name] for name in wanted}},
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:
                raise NameTaken("That name belongs to somebody.") from None
        if found is None:
            raise NotFound("There is no such account.")
        return _account(found)

    # Deleting

    async def delete(self, id: str, *, messages: bool) -> None:
        """It is gone, but for the note of what is to become of its messages."""
        async with mongo_errors():
            await self._accounts.replace_one({"_id": id}, {"erase": messages})

    async def deleted(self) -> list[Deleted]:
        """The deleted ones whose messages are still to be dealt with."""
        async with mongo_errors():
            found = await self._accounts.find({"key": {"$exists": False}}).to_list(None)
        return [Deleted(document["_id"], document["erase"]) for document in found]

    async def forget(self, id: str) -> None:
        """Nothing is left to do for a deleted one."""
        async with mongo_errors():
            await self._accounts.delete_one({"_id": id, "key": {"$exists": False}})

    async def _one(self, which: Document) -> Account | None:
        async with mongo_errors():
            found = await self._accounts.find_one(which)
        return _account(found) if found else None


def _document(account: Account) -> Document:
    document: Document = msgspec.to_builtins(account)
    document["_id"] = document.pop("id")
    document["key"] = person_key(account.name)
    document["looks"] = sorted(frozenset[str]().union(*(looks(name) for name in account.names if name)))
    return document


def _account(document: Document) -> Account:
    return msgspec.convert({"id": document["_id"], **document}, Account)
