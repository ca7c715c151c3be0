"""Accounts, in a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chat.accounts import Account, Accounts, Deleted, new_account
from chat.errors import NameTaken, NotFound
from tests.mongo import SessionMongod


@asynccontextmanager
async def stored(mongod: SessionMongod, database: str) -> AsyncIterator[Accounts]:
    connection = mongod.connection(database)
    accounts = Accounts(connection.database)
    await accounts.prepare()
    try:
        yield accounts
    finally:
        connection.close()


async def insert(accounts: Accounts, name: str, **fields: bool) -> Account:
    account = new_account(name, "a hash", **fields)
    await accounts.insert(account)
    return account


async def test_finds_accounts(mongod: SessionMongod, database: str) -> None:
    """By id and by any spelling of the name, and not by what only looks like it."""
    async with stored(mongod, database) as accounts:
        ann = await insert(accounts, "Ann")
        assert await accounts.by_id(ann.id) == ann
        assert await accounts.by_name("ＡＮＮ") == ann
        for other in ("bob", "Аnn", ann.id):
            assert await accounts.by_name(other) is None
        assert await accounts.by_id("Ann") is None


async def test_a_name_is_one_accounts(mongod: SessionMongod, database: str) -> None:
    """Also where two are stored at the same moment, of names that look alike."""
    async with stored(mongod, database) as accounts:
        made = await asyncio.gather(
            *(insert(accounts, name) for name in ("Alice", "AIice", "alice")), return_exceptions=True
        )
        assert [type(each) for each in made].count(NameTaken) == 2
        bob = await insert(accounts, "bob")
        for change in ({"name": "ALICE"}, {"display": "A1ice"}):
            with pytest.raises(NameTaken):
                await accounts.change(bob, **change)
        assert await accounts.by_id(bob.id) == bob


async def test_changes_fields(mongod: SessionMongod, database: str) -> None:
    """Those alone, with all that follows from the names; one that is gone cannot be changed."""
    async with stored(mongod, database) as accounts:
        ann = await insert(accounts, "ann")
        assert (ann.shown, ann.user.name, ann.user.guest) == ("ann", "ann", False)
        changed = await accounts.change(ann, display="Ann Lee", admin=True)
        assert (changed.shown, changed.names, changed.admin) == ("Ann Lee", ("ann", "Ann Lee"), True)
        assert (await accounts.change(ann, status="hi")).admin  # what one did not know of stays
        renamed = await accounts.change(changed, name="cid", display="")
        assert await accounts.by_name("ann") is None
        assert await accounts.by_name("CID") == renamed
        await insert(accounts, "ann lee")
        await accounts.delete(ann.id, messages=False)
        with pytest.raises(NotFound):
            await accounts.change(renamed, status="hi")


async def test_knows_all_names(mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages they fill."""
    monkeypatch.setattr("chat.database.PAGE", 2)
    async with stored(mongod, database) as accounts:
        made = [await insert(accounts, name) for name in ("ann", "bob", "cid", "dan", "eve")]
        await accounts.change(made[0], display="Ann")
        await accounts.delete(made[4].id, messages=True)
        found = {id: names async for id, names in accounts.names()}
        assert found == {made[0].id: ("ann", "Ann")} | {account.id: (account.name, "") for account in made[1:4]}


async def test_knows_whether_there_is_an_administrator(mongod: SessionMongod, database: str) -> None:
    """One who is deleted is none."""
    async with stored(mongod, database) as accounts:
        await insert(accounts, "ann")
        assert not await accounts.has_administrator()
        root = await insert(accounts, "root", admin=True)
        assert await accounts.has_administrator()
        await accounts.delete(root.id, messages=False)
        assert not await accounts.has_administrator()


async def test_deletes(mongod: SessionMongod, database: str) -> None:
    """Nothing is left but what is to become of the messages, until that is done; several at once do not collide."""
    async with stored(mongod, database) as accounts:
        ann, bob = await insert(accounts, "ann"), await insert(accounts, "bob")
        await accounts.delete(ann.id, messages=True)
        await accounts.delete(bob.id, messages=False)
        assert await accounts.by_id(ann.id) is None and await accounts.by_name("ann") is None
        assert "ann" not in str(list(mongod.client[database].accounts.find()))
        accounts.seen.note(ann.id)
        await accounts.seen.store()
        assert {each.id: each for each in await accounts.deleted()} == {
            ann.id: Deleted(ann.id, True),
            bob.id: Deleted(bob.id, False),
        }
        again = await insert(accounts, "ann")
        for id in (ann.id, bob.id, again.id):
            await accounts.forget(id)
        assert await accounts.deleted() == []
        assert await accounts.by_name("ann") == again


async def test_keeps_when_it_was_seen(mongod: SessionMongod, database: str) -> None:
    """The latest time."""
    async with stored(mongod, database) as accounts:
        ann = await insert(accounts, "ann")
        accounts.seen.note(ann.id)
        await accounts.seen.store()
        await accounts.seen.store()
        found = await accounts.by_id(ann.id)
        assert found is not None and found.seen >= ann.made
