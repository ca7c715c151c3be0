"""Who one is: what sessions, names and guests promise, one test a promise."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from unittest import mock

import pytest
from tornado.testing import gen_test

import assembly
from chat.entries import Author
from chat.errors import NameTaken
from tests.cases import PASSWORD, SECRET, ChatTestCase
from tests.mongo import SHORT_TIMEOUT
from tests.waiting import SOON


class EndingTest(ChatTestCase):
    """However a session ends, whoever is connected with it is out."""

    @asynccontextmanager
    async def out_within_a_second(self, token: str, code: int = 4401) -> AsyncIterator[None]:
        """Connects over all transports, and checks that they are out soon after what is done in between."""
        socket = await self.socket(room="a", token=token)
        stream = await self.stream("a", token=token)
        await stream.hear("subscribed")
        room = self.awake("a")
        assert room is not None
        poll = await self.waiting_poll("a", token=token, after=room.seq)
        yield
        async with asyncio.timeout(SOON):
            assert await socket.closed() == code
            assert socket.told("error")[-1]["code"] == "unauthenticated"
            assert (await stream.hear("error"))["code"] == "unauthenticated"
            await stream.ended()
            answer = await poll
            assert (answer.status, answer.code) == (401, "unauthenticated")
        assert (await self.call("GET", "/api/session", token=token)).status == 401
        assert (await self.poll("a", token=token, after=room.seq, wait=0)).status == 401

    @gen_test
    async def test_signing_out(self) -> None:
        """Who signs out is out everywhere that session is connected; another session of theirs goes on."""
        ann, other = await self.account("ann"), await self.sign_in("ann")
        staying = await self.socket(room="a", token=other)
        async with self.out_within_a_second(ann):
            assert (await self.call("DELETE", "/api/session", token=ann)).status == 204
        assert await staying.settled() is not None

    @gen_test
    async def test_a_guest_signing_out(self) -> None:
        """A guest's token is worth nothing after they have signed out, also for a server that starts anew."""
        ann = self.token("ann")
        async with self.out_within_a_second(ann):
            assert (await self.call("DELETE", "/api/session", token=ann)).status == 204
        guests = self.chat.identity.guests
        guests._ended.clear()
        assert guests.read(ann) is not None
        await guests.prepare()
        assert guests.read(ann) is None
        assert (await self.call("POST", "/api/session", {"name": "ann"})).status == 200

    @gen_test
    async def test_a_new_password(self) -> None:
        """Who knows the old password and is signed in elsewhere is out when it is changed."""
        thief, ann = await self.account("ann"), await self.sign_in("ann")
        async with self.out_within_a_second(thief):
            wanted = {"old": PASSWORD, "new": "battery staple"}
            assert (await self.call("POST", "/api/account/password", wanted, token=ann)).status == 204
        assert (await self.call("GET", "/api/account", token=ann)).status == 200

    @gen_test
    async def test_signing_out_everywhere(self) -> None:
        """All sessions of the account are out."""
        ann, other = await self.account("ann"), await self.sign_in("ann")
        async with self.out_within_a_second(ann), self.out_within_a_second(other):
            assert (await self.call("DELETE", "/api/account/sessions", token=other)).status == 204

    @gen_test
    async def test_deleting_the_account(self) -> None:
        """A deleted account's sessions are out."""
        ann = await self.account("ann")
        async with self.out_within_a_second(ann):
            wanted = {"password": PASSWORD, "messages": "keep"}
            assert (await self.call("DELETE", "/api/account", wanted, token=ann)).status == 204

    @gen_test
    async def test_removing_a_bot(self) -> None:
        """A removed bot is out, and its maker stays."""
        ann = await self.account("ann")
        await self.send("a", "hello", token=ann)
        staying = await self.socket(room="a", token=ann)
        made = (await self.call("POST", "/api/account/tokens", {"name": "helper"}, token=ann)).body
        async with self.out_within_a_second(made["token"]):
            assert (await self.call("DELETE", f"/api/account/tokens/{made['id']}", token=ann)).status == 204
        assert await staying.settled() is not None

    @gen_test
    async def test_putting_out_an_account(self) -> None:
        """A banned account's sessions and bots are out: `Departures.put_out` is what a ban does."""
        ann = await self.account("ann")
        id = (await self.call("GET", "/api/account", token=ann)).body["id"]
        await self.send("a", "hello", token=ann)
        made = (await self.call("POST", "/api/account/tokens", {"name": "helper"}, token=ann)).body
        bot = await self.socket(room="a", token=made["token"])
        async with self.out_within_a_second(ann):
            await self.chat.identity.departures.put_out(id)
        assert await bot.closed() == 4401

    @gen_test
    async def test_one_who_is_just_coming(self) -> None:
        """A stream whose session ends while its rooms are woken is told so and ends."""
        ann = await self.account("ann")
        to_join = self.chat.access.to_join

        async def slow(*arguments: Any) -> Any:
            room = await to_join(*arguments)
            assert (await self.call("DELETE", "/api/session", token=ann)).status == 204
            return room

        with mock.patch.object(self.chat.access, "to_join", slow):
            stream = await self.stream("a", token=ann)
        assert (await stream.hear("error"))["code"] == "unauthenticated"
        await stream.ended()

    @gen_test
    async def test_ending_ones_own_session(self) -> None:
        """From the list of sessions: one is out, and the cookie goes."""
        ann = await self.account("ann")
        async with self.out_within_a_second(ann):
            (session,) = (await self.call("GET", "/api/account/sessions", token=ann)).body["sessions"]
            answer = await self.call("DELETE", f"/api/account/sessions/{session['id']}", token=ann)
            assert (answer.status, 'parley_session=""' in answer.headers["Set-Cookie"]) == (204, True)

    @gen_test
    async def test_a_name_alone_is_no_session(self) -> None:
        """Who comes by ?username= has none to end, and leaves nothing in the store."""
        assert (await self.call("DELETE", "/api/session?username=ann")).status == 204
        assert self.mongod.client[self.database_name].ended_guests.count_documents({}) == 0


class BanTest(ChatTestCase):
    @gen_test
    async def test_a_banned_account_does_not_come_in(self) -> None:
        """Not with its password, a session or a bot, and only who knows the password is told of the ban; when it is
        lifted all go on but the sessions."""
        ann, bans = await self.account("ann"), self.chat.bans
        id = (await self.call("GET", "/api/account", token=ann)).body["id"]
        bot = (await self.call("POST", "/api/account/tokens", {"name": "helper"}, token=ann)).body["token"]
        await bans.ban_account(Author(id, "ann"), Author("a-root", "root"), seconds=60, reason="spam")
        wanted = {"name": "ann", "password": PASSWORD}
        for token in (ann, bot):
            answer = await self.call("GET", "/api/session", token=token)
            assert (answer.status, answer.code) == (403, "forbidden")
        await self.chat.identity.departures.put_out(id)
        assert (await self.call("GET", "/api/session", token=ann)).status == 401
        answer = await self.call("POST", "/api/session", wanted)
        assert (answer.status, answer.code) == (403, "forbidden")
        assert "spam" in answer.reason
        assert (await self.call("POST", "/api/session", wanted | {"password": "wrong password"})).status == 401
        socket = await self.raw_socket("/ws/a", token=bot)
        assert (await socket.hear("error"))["code"] == "forbidden"
        assert await socket.closed() == 4403
        await bans.lift(id)
        await self.sign_in("ann")
        assert (await self.call("GET", "/api/session", token=bot)).status == 200
        assert (await self.call("GET", "/api/session", token=ann)).status == 401


class NamesTest(ChatTestCase):
    @gen_test
    async def test_a_registered_name_is_no_guests(self) -> None:
        """Nor is one that looks like it, or a display name, over any transport: 409."""
        ann = await self.account("Alice")
        await self.call("PATCH", "/api/account", {"display": "Ann Lee"}, token=ann)
        for name in ("alice", "AIice", "Аliсe", "ＡＬＩＣＥ", "Ann Iee", "ann lee"):
            assert (await self.call("POST", "/api/session", {"name": name})).code == "name_taken", name
            assert (await self.poll("a", name=name, after=0, wait=0)).code == "name_taken", name
            assert (await self.stream("a", name=name)).status == 409, name
            with self.assertRaisesRegex(Exception, "409"):
                await self.socket(name, room="a")
        for name in ("alina", "Ann"):
            assert (await self.poll("a", name=name, after=0, wait=0)).status == 200, name

    @gen_test
    async def test_a_guest_loses_a_name_that_is_registered_later(self) -> None:
        """Who was a guest of that name once, and comes back with their token, is told 409."""
        guest = self.token("ann")
        user = self.chat.identity.guests.read(guest)
        assert user is not None
        self.chat.people.sign_out(user)
        await self.account("Ann")
        for path in ("/api/session", "/api/poll?room=a&after=0&wait=0"):
            assert (await self.call("GET", path, token=guest)).code == "name_taken"

    @gen_test
    async def test_the_next_start_knows_the_names(self) -> None:
        """Of accounts, what they show, and of bots."""
        ann = await self.account("ann")
        await self.call("PATCH", "/api/account", {"display": "Ann Lee"}, token=ann)
        await self.call("POST", "/api/account/tokens", {"name": "helper"}, token=ann)
        other = assembly.make_chat(self.config, self.connection, SECRET)
        other.people.guest("helper")
        await other.identity.prepare()
        for name in ("ANN", "ann lee", "heIper"):
            with pytest.raises(NameTaken):
                other.people.guest(name)
        other.identity.close()


class NoGuestsTest(ChatTestCase):
    settings = {"guests": "no"}  # noqa: RUF012

    @gen_test
    async def test_guests_are_not_let_in(self) -> None:
        """With --guests=no: 403 for a guest's sign-in and for a name alone, 4403 at a socket; a token of before is
        worth nothing."""
        for answer in (
            await self.call("POST", "/api/session", {"name": "ann"}),
            await self.poll("a", name="ann", after=0, wait=0),
            await self.call("POST", "/api/rooms?username=ann", {}),
        ):
            assert (answer.status, answer.code) == (403, "forbidden")
        assert (await self.stream("a", name="ann")).status == 403
        socket = await self.raw_socket("/ws/a?username=ann")
        assert (await socket.hear("error"))["code"] == "forbidden"
        assert await socket.closed() == 4403
        old = self.token("bob")
        assert (await self.call("GET", "/api/session", token=old)).status == 401
        socket = await self.raw_socket("/ws/a", token=old)
        assert await socket.closed() == 4401
        token = await self.account("ann")
        await self.socket(room="a", token=token)


class ReadingGuestsTest(ChatTestCase):
    settings = {"guests": "read"}  # noqa: RUF012

    @gen_test
    async def test_guests_may_only_read(self) -> None:
        """With --guests=read guests come in and follow a room over every transport, and write over none."""
        ann, guest = await self.account("ann"), (await self.call("POST", "/api/session", {"name": "bob"})).body["token"]
        await self.send("a", "hello", token=ann)
        socket, stream = await self.socket("cid", room="a"), await self.stream("a", token=guest)
        await stream.hear("message")
        assert len((await self.poll("a", token=guest, after=0)).body["rooms"]["a"]["entries"]) == 1
        told = await socket.ask(type="send", room="a", key=str(uuid.uuid4()), text="hi")
        assert told["code"] == "forbidden"
        change = {"text": "hi", "key": str(uuid.uuid4())}
        assert (await self.call("POST", "/api/rooms/a/messages", change, token=guest)).code == "forbidden"
        react = await self.command("a", token=guest, type="react", target=1, emoji="👍", key=str(uuid.uuid4()))
        assert react.code == "forbidden"
        assert len(self.stored()["entries"]) == 1


class OutageTest(ChatTestCase):
    settings: ClassVar = {"mongo_timeout": SHORT_TIMEOUT}

    @gen_test
    async def test_known_sessions_go_on_without_mongodb(self) -> None:
        """Who is known stays connected and polls; whose token has to be looked up is told to come again: 503."""
        ann, other = await self.account("ann"), await self.account("bob")
        await self.send("a", "hello", token=ann)
        await self.send("a", "hello", token=other)
        unknown = await self.sign_in("ann")
        socket = await self.socket(room="a", token=ann)
        with self.mongod.stalled():
            for token in (ann, other):
                assert (await self.poll("a", token=token, after=1)).status == 200
            answer = await self.poll("a", token=unknown, after=1)
            assert (answer.status, answer.code) == (503, "unavailable")
            assert "Retry-After" in answer.headers
            assert await socket.settled() is not None
            wanted = {"name": "ann", "password": PASSWORD}
            assert (await self.call("POST", "/api/session", wanted)).status == 503
            assert (await self.call("DELETE", "/api/session", token=other)).status == 204
            assert (await self.poll("a", token=other, after=1)).status == 401
        assert (await self.poll("a", token=unknown, after=1)).status == 200
        await self.chat.identity.upkeep()
        assert self.mongod.client[self.database_name].sessions.count_documents({}) == 2

    @gen_test
    async def test_a_poll_of_one_who_is_known_asks_the_store_nothing(self) -> None:
        """Neither session nor account is read again."""
        ann = await self.account("ann")
        await self.send("a", "hello", token=ann)
        with (
            mock.patch.object(self.chat.identity.sessions, "find", side_effect=AssertionError),
            mock.patch.object(self.chat.identity.accounts, "by_id", side_effect=AssertionError),
        ):
            for _ in range(3):
                assert (await self.poll("a", token=ann, after=0)).status == 200
