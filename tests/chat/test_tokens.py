"""Tokens: whom they stand for, and for how long that is remembered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

import pytest

import chat.tokens
from chat.accounts import Account, Accounts, new_account
from chat.bots import Bots, new_bot
from chat.conversations import Conversations
from chat.database import Connection
from chat.guests import Guests
from chat.people import User
from chat.sessions import Origin, Sessions
from chat.tokens import Tokens
from tests.mongo import SessionMongod
from tests.replacing import replace_methods

HERE = Origin("203.0.113.1")
GUEST = User("g-1", "guest")


class Parts:
    """The store and the memory of tokens, on a database."""

    def __init__(self, connection: Connection, *, kept: int = 100) -> None:
        database = connection.database
        self.accounts, self.bots = Accounts(database), Bots(database)
        self.sessions = Sessions(database, days=30, limit=9)
        self.guests = Guests(database, "a secret", days=30, kept=2)
        self.conversations = Conversations(database, days=30)
        self.tokens = Tokens(
            self.guests,
            self.sessions,
            self.bots,
            self.accounts,
            self.conversations,
            kept=kept,
            seen_interval=300,
        )

    async def account(self, name: str) -> tuple[Account, str]:
        """An account, and the token of its session."""
        account = new_account(name, "a hash")
        await self.accounts.insert(account)
        return account, (await self.sessions.make(account.id, HERE))[1]

    async def bot(self, maker: Account, name: str) -> str:
        return await self.bots.insert(new_bot(name, maker.id, rooms=["A"], write=True, days=1))


@asynccontextmanager
async def parts(mongod: SessionMongod, database: str, *, kept: int = 100) -> AsyncIterator[Parts]:
    connection = mongod.connection(database)
    made = Parts(connection, kept=kept)
    for part in (made.accounts, made.bots, made.sessions, made.guests):
        await part.prepare()
    try:
        yield made
    finally:
        connection.close()


async def test_knows_what_is_loaded(mongod: SessionMongod, database: str) -> None:
    """A guest's token at once, those of sessions and bots once they are loaded; others stand for nobody."""
    async with parts(mongod, database) as made:
        tokens = made.tokens
        ann, session = await made.account("ann")
        bot = await made.bot(ann, "helper")
        guest = made.guests.token(GUEST)
        assert tokens.is_loaded(guest)
        found = tokens.caller(guest, "203.0.113.7")
        assert found is not None
        assert (found.user, found.session, found.account, found.address) == (GUEST, "g-1", "", "203.0.113.7")
        for token in (session, bot, "ps_wrong", "pb_wrong"):
            assert not tokens.is_loaded(token)
            assert tokens.caller(token, "") is None
            await tokens.load(token)
            assert tokens.is_loaded(token)
        by_session, by_bot = tokens.caller(session, ""), tokens.caller(bot, "")
        assert by_session is not None and by_bot is not None
        assert (by_session.user, by_session.account, by_session.id) == (ann.user, ann.id, ann.id)
        assert (by_bot.user.name, by_bot.account, by_bot.id) == ("helper", ann.id, ann.id)
        assert by_bot.scope is not None and by_bot.scope.covers("a") and not by_bot.scope.covers("b")
        for token in ("ps_wrong", "pb_wrong", "wrong", ""):
            assert tokens.caller(token, "") is None


async def test_the_same_caller_costs_nothing(mongod: SessionMongod, database: str) -> None:
    """As long as they come from the same address, the very same object is given; from another, one that says so."""
    async with parts(mongod, database) as made:
        _, token = await made.account("ann")
        await made.tokens.load(token)
        first = made.tokens.caller(token, "203.0.113.1")
        assert first is made.tokens.caller(token, "203.0.113.1")
        other = made.tokens.caller(token, "203.0.113.2")
        assert first is not None and other is not None
        assert other.address == "203.0.113.2" and other.user == first.user


async def test_changes_are_known_at_once(mongod: SessionMongod, database: str) -> None:
    """An account's new name and rights are those of its sessions, not of its bots; what has ended is nobody's."""
    async with parts(mongod, database) as made:
        tokens = made.tokens
        ann, one = await made.account("ann")
        _, two = await made.sessions.make(ann.id, HERE)
        bot = await made.bot(ann, "helper")
        for token in (one, two, bot):
            await tokens.load(token)
        tokens.update(await made.accounts.change(ann, display="Ann Lee", admin=True))
        found = [tokens.caller(token, "") for token in (one, two, bot)]
        assert [(caller.user.name, caller.admin) for caller in found if caller] == [
            ("Ann Lee", True),
            ("Ann Lee", True),
            ("helper", False),
        ]
        ended = found[0]
        assert ended is not None
        tokens.end(ann.id, lambda caller: caller.session == ended.session)
        assert tokens.caller(one, "") is None and tokens.is_loaded(one)
        assert tokens.caller(two, "") is not None
        tokens.end(ann.id)
        assert len(tokens) == 0 and tokens._of == {}
        tokens.end(ann.id)


async def test_what_ends_while_it_is_loaded_is_not_kept(mongod: SessionMongod, database: str) -> None:
    """A session that is read from the store in the moment in which it ends is looked up once more."""
    async with parts(mongod, database) as made:
        ann, token = await made.account("ann")
        by_id = made.accounts.by_id

        async def end_meanwhile(id: str) -> Account | None:
            account = await by_id(id)
            replace_methods(made.accounts, by_id=by_id)
            await made.sessions.end_all(ann.id)
            made.tokens.end(ann.id)
            return account

        replace_methods(made.accounts, by_id=end_meanwhile)
        await made.tokens.load(token)
        assert made.tokens.caller(token, "") is None
        assert len(made.tokens) == 0


async def test_notes_that_it_was_seen(mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once in a while, not with each request: with the address it was seen at."""
    async with parts(mongod, database) as made:
        ann, token = await made.account("ann")
        await made.tokens.load(token)
        known = made.tokens._known[token]
        with mock.patch.object(made.sessions.seen, "note") as note:
            made.tokens.caller(token, "203.0.113.2")
            assert note.call_count == 0
            known.again = 0
            for _ in range(3):
                assert made.tokens.caller(token, "203.0.113.2") is not None
            note.assert_called_once_with(known.caller.session, "203.0.113.2")
        assert ann.id in made.accounts.seen._noted


async def test_what_is_over_is_forgotten(mongod: SessionMongod, database: str) -> None:
    """A session whose time is over, and a guest who has signed out, stand for nobody from then on."""
    async with parts(mongod, database) as made:
        _, token = await made.account("ann")
        await made.tokens.load(token)
        guest = made.guests.token(GUEST)
        known = made.tokens.caller(token, "")
        assert known is not None and made.tokens.caller(guest, "") is not None
        for each in made.tokens._known.values():
            each.again = 0
        made.guests.end(GUEST)
        with mock.patch.object(chat.tokens, "now", return_value=known.until):
            assert made.tokens.caller(token, "") is None
            assert made.tokens.caller(guest, "") is None
        assert made.tokens.is_loaded(token)
        assert len(made.tokens) == 0


async def test_remembers_so_many(mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond that the oldest has to be looked up again; wrong ones are forgotten as well."""
    monkeypatch.setattr("chat.tokens.WRONG_KEPT", 2)
    async with parts(mongod, database, kept=2) as made:
        _, token = await made.account("ann")
        await made.tokens.load(token)
        for n in range(2):
            made.tokens.caller(made.guests.token(User(f"g-{n}", "guest")), "")
        assert len(made.tokens) == 2
        assert not made.tokens.is_loaded(token)
        await made.tokens.load(token)
        assert made.tokens.caller(token, "") is not None
        for n in range(3):
            assert made.tokens.is_new(f"wrong {n}")
        assert not made.tokens.is_new("wrong 2")
        assert made.tokens.is_new("wrong 0")
        assert len(made.tokens._wrong) == 2


async def test_many_load_the_same(mongod: SessionMongod, database: str) -> None:
    """Requests that come together are each answered, and one token stays one."""
    async with parts(mongod, database) as made:
        ann, token = await made.account("ann")
        await asyncio.gather(*(made.tokens.load(token) for _ in range(5)))
        assert len(made.tokens) == 1
        assert made.tokens._of == {ann.id: {token}}


async def test_guests_who_signed_out_stay_so(mongod: SessionMongod, database: str) -> None:
    """Another server on the database knows it; those with whom memory overflows are forgotten first."""
    async with parts(mongod, database) as made:
        users = [User(f"g-{n}", "guest") for n in range(3)]
        signed = [made.guests.token(user) for user in users]
        for user in users[:2]:
            made.guests.end(user)
        await made.guests.store_ended()
        await made.guests.store_ended()
        async with parts(mongod, database) as other:
            assert [other.guests.read(token) for token in signed] == [None, None, users[2]]
        made.guests.end(users[2])
        assert [made.guests.read(token) for token in signed] == [users[0], None, None]
        assert made.guests.read("nonsense") is None
