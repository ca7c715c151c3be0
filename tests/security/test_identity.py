"""Who one is: what accounts, sessions, passwords and tokens promise, one test a promise."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from statistics import median
from typing import Any
from unittest import mock

from tornado.testing import gen_test

from chat.times import DAY, now
from handlers.identity import COOKIE, SECURE_COOKIE
from tests.cases import PASSWORD, Answer, ChatTestCase

# Seconds within which one whose session ends is out.
SOON = 1.0


class EndingTest(ChatTestCase):
    """However a session ends, whoever is connected with it is out."""

    settings = {"send_timeout": 1}  # noqa: RUF012

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


class PasswordTest(ChatTestCase):
    quick_passwords = False

    async def sign_in_as(self, name: str, password: str) -> Answer:
        return await self.call("POST", "/api/session", {"name": name, "password": password})

    @gen_test
    async def test_passwords_are_stored_as_argon2id(self) -> None:
        """The store holds a hash of argon2id with at least RFC 9106's second choice, and the password nowhere."""
        await self.account("ann")
        stored = str(list(self.mongod.client[self.database_name].accounts.find()))
        assert "$argon2id$v=19$m=65536,t=3,p=4$" in stored
        assert PASSWORD not in stored

    @gen_test
    async def test_an_unknown_name_is_not_told_from_a_wrong_password(self) -> None:
        """The same status, words and time."""
        await self.account("ann")
        times: dict[str, list[float]] = {"ann": [], "bob": []}
        answers = set()
        with (
            mock.patch.object(self.chat.identity.attempts, "_limit", 100),
            mock.patch.object(self.chat.identity.attempts, "_delay", 0),
        ):
            for _ in range(7):
                for name, taken in times.items():
                    begun = time.perf_counter()
                    answer = await self.sign_in_as(name, "wrong password")
                    taken.append(time.perf_counter() - begun)
                    answers.add((answer.status, json.dumps(answer.body)))
        assert len(answers) == 1
        assert next(iter(answers))[0] == 401
        known, unknown = median(times["ann"]), median(times["bob"])
        assert 0.5 < known / unknown < 2, times
        assert min(times["bob"]) > 0.02, "nothing was hashed"

    @gen_test
    async def test_the_loop_does_not_wait_for_hashes(self) -> None:
        """While 20 people sign in nobody else waits for more than 50 ms."""
        for n in range(3):
            await self.account(f"ann{n}")
        for _ in range(5):
            idle = await self.longest_lag(asyncio.sleep(1))
            busy = await self.longest_lag(self.sign_in_twenty())
            if busy < max(0.05, 2 * idle):  # a machine that is busy with other things is late without us
                return
        raise AssertionError(f"the loop was {busy:.3f} seconds late, idle {idle:.3f}")

    async def sign_in_twenty(self) -> None:
        answers = await asyncio.gather(*(self.sign_in_as(f"ann{n % 3}", PASSWORD) for n in range(20)))
        assert [answer.status for answer in answers] == [200] * 20

    async def longest_lag(self, work: Coroutine[Any, Any, None]) -> float:
        """Seconds that the loop was late at most meanwhile."""
        lags: list[float] = []

        async def look() -> None:
            loop = asyncio.get_running_loop()
            while True:
                begun = loop.time()
                await asyncio.sleep(0.002)
                lags.append(loop.time() - begun - 0.002)

        looking = asyncio.create_task(look())
        await work
        looking.cancel()
        assert len(lags) > 50
        return max(lags)

    @gen_test
    async def test_a_password_that_was_just_changed(self) -> None:
        """A sign-in with the old password that is under way while it is changed makes no session."""
        ann = await self.account("ann")
        make, sessions = self.chat.identity.sessions.make, self.chat.identity.sessions

        async def change_first(*arguments: Any) -> Any:
            wanted = {"old": PASSWORD, "new": "battery staple"}
            with mock.patch.object(sessions, "make", make):
                assert (await self.call("POST", "/api/account/password", wanted, token=ann)).status == 204
            return await make(*arguments)

        with mock.patch.object(sessions, "make", change_first):
            assert (await self.sign_in_as("ann", PASSWORD)).status == 401
        listed = (await self.call("GET", "/api/account/sessions", token=ann)).body["sessions"]
        assert [session["current"] for session in listed] == [True]


class GuessingTest(ChatTestCase):
    settings = {"attempts_delay": 0.001, "trusted_proxies": "127.0.0.1"}  # noqa: RUF012

    async def from_(self, address: str, method: str, path: str, body: Any = None, *, token: str = "") -> Answer:
        return await self.call(method, path, body, token=token, headers={"X-Forwarded-For": address})

    async def guess(self, address: str, name: str, password: str) -> Answer:
        return await self.from_(address, "POST", "/api/session", {"name": name, "password": password})

    @gen_test
    async def test_ten_wrong_passwords_from_one_address(self) -> None:
        """Then it is refused with 429 and told how long, for every name; others are not."""
        await self.account("ann")
        for n in range(10):
            assert (await self.guess("203.0.113.1", f"bob{n}", "wrong password")).status == 401
        for name, password in (("bob", "wrong password"), ("ann", PASSWORD)):
            answer = await self.guess("203.0.113.1", name, password)
            assert (answer.status, answer.code) == (429, "rate_limited")
            assert 0 < int(answer.headers["Retry-After"]) <= 180
        assert (await self.guess("203.0.113.2", "ann", PASSWORD)).status == 200

    @gen_test
    async def test_ten_wrong_passwords_for_one_name(self) -> None:
        """Then it is refused with 429 from every address, whether there is such an account or not."""
        await self.account("ann")
        for name in ("ann", "nobody"):
            for n in range(10):
                assert (await self.guess(f"203.0.113.{n}", name, "wrong password")).status == 401
            assert (await self.guess("203.0.113.99", name.upper(), PASSWORD)).status == 429

    @gen_test
    async def test_many_guesses_at_once(self) -> None:
        """Forty at the same moment are no more than ten guesses."""
        await self.account("ann")
        answers = await asyncio.gather(*(self.guess(f"203.0.113.{n}", "ann", f"wrong {n:09}") for n in range(40)))
        assert sorted(answer.status for answer in answers) == [401] * 10 + [429] * 30

    @gen_test
    async def test_right_passwords_at_once(self) -> None:
        """Thirty people behind one address sign in at the same moment."""
        names = [f"person {uuid.uuid4().hex[:12]}" for _ in range(30)]
        for name in names:
            await self.account(name)
        answers = await asyncio.gather(*(self.guess("203.0.113.1", name, PASSWORD) for name in names))
        assert {answer.status for answer in answers} == {200}

    @gen_test
    async def test_the_passwords_of_sessions_are_guessed_no_better(self) -> None:
        """Who has a session but not its password has ten guesses too, whatever they want to do with it."""
        ann = await self.account("ann")
        calls = [
            ("PATCH", "/api/account", {"name": "bob", "password": "wrong password"}),
            ("POST", "/api/account/password", {"old": "wrong password", "new": "battery staple"}),
            ("DELETE", "/api/account", {"password": "wrong password", "messages": "keep"}),
        ]
        statuses = [(await self.call(*calls[n % 3], token=ann)).status for n in range(12)]
        assert statuses == [401] * 10 + [429] * 2

    @gen_test
    async def test_ten_wrong_tokens(self) -> None:
        """Ten wrong bearer tokens from one address, then 429; one that is shown again counts once, right ones go
        on."""
        ann = await self.account("ann")
        for prefix in ("ps_", "pb_", ""):
            for _ in range(4):
                answer = await self.from_("203.0.113.1", "GET", "/api/session", token=f"{prefix}stale")
                assert answer.status == 401
        for n in range(7):
            assert (await self.from_("203.0.113.1", "GET", "/api/session", token=f"ps_{n}")).status == 401
        for token in ("ps_new", "pb_new", "new"):
            assert (await self.from_("203.0.113.1", "GET", "/api/session", token=token)).status == 429
        assert (await self.from_("203.0.113.1", "GET", "/api/session", token=ann)).status == 200
        assert (await self.from_("203.0.113.2", "GET", "/api/session", token="ps_other")).status == 401

    @gen_test
    async def test_ten_wrong_setup_tokens(self) -> None:
        """The link of the first administrator is guessed no better."""
        token = self.chat.identity.entrance.open_setup()
        wanted = {"token": "wrong", "name": "root", "password": PASSWORD}
        for _ in range(10):
            assert (await self.from_("203.0.113.1", "POST", "/api/setup", wanted)).status == 401
        right = wanted | {"token": token}
        assert (await self.from_("203.0.113.1", "POST", "/api/setup", right)).status == 429
        assert (await self.from_("203.0.113.2", "POST", "/api/setup", right)).status == 201

    @gen_test
    async def test_the_cookie_under_tls(self) -> None:
        """Over https it is `__Host-` and Secure, and there no other is taken: none that a neighbour has set."""
        https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.1"}
        await self.account("ann")
        wanted = {"name": "ann", "password": PASSWORD}
        answer = await self.call("POST", "/api/session", wanted, headers=https)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith(f"{SECURE_COOKIE}={answer.body['token']};")
        for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert part in cookie
        assert "Domain" not in cookie
        by_cookie = https | {"Cookie": f"{SECURE_COOKIE}={answer.body['token']}"}
        assert (await self.call("GET", "/api/session", headers=by_cookie)).status == 200
        neighbour = https | {"Cookie": f"{COOKIE}={answer.body['token']}"}
        assert (await self.call("GET", "/api/session", headers=neighbour)).status == 401
        gone = (await self.call("DELETE", "/api/session", headers=by_cookie)).headers["Set-Cookie"]
        assert gone.startswith(f'{SECURE_COOKIE}="";')
        assert "Secure" in gone
        assert (await self.call("GET", "/api/session", headers=by_cookie)).status == 401


class FloodTest(ChatTestCase):
    settings = {"registration_rate": "0.01/2", "sign_in_rate": "0.01/3", "picture_rate": "0.01/1"}  # noqa: RUF012

    @gen_test
    async def test_new_accounts_from_one_address_are_counted(self) -> None:
        """So many at once, then 429; one that is refused for another reason costs none."""
        for _ in range(5):
            assert (await self.call("POST", "/api/account", {"name": "ann", "password": "short"})).status == 400
        for name, status in (("ann", 201), ("ann", 409), ("bob", 201), ("cid", 429)):
            answer = await self.call("POST", "/api/account", {"name": name, "password": PASSWORD})
            assert answer.status == status, name
        assert "Retry-After" in answer.headers

    @gen_test
    async def test_sign_ins_from_one_address_are_counted(self) -> None:
        """Of guests and accounts together: so many at once, then 429."""
        await self.account("ann")
        wanted = [{"name": "bob"}, {"name": "ann", "password": PASSWORD}, {"name": "cid"}]
        assert [(await self.call("POST", "/api/session", body)).status for body in wanted] == [200] * 3
        assert [(await self.call("POST", "/api/session", body)).status for body in wanted] == [429] * 3

    @gen_test
    async def test_new_pictures_are_counted(self) -> None:
        """So many at once, then 429; other changes of the profile go on."""
        ann = await self.account("ann")
        picture = {"picture": "data:image/png;base64,iVBORw0KGgoAAAA="}
        assert [(await self.call("PATCH", "/api/account", picture, token=ann)).status for _ in range(2)] == [200, 429]
        assert (await self.call("PATCH", "/api/account", {"status": "hi"}, token=ann)).status == 200


class SecretsTest(ChatTestCase):
    @gen_test
    async def test_secrets_are_stored_as_hashes(self) -> None:
        """The database holds no token of a session, a bot or the first administrator: who reads it cannot sign in."""
        setup = self.chat.identity.entrance.open_setup()
        ann = await self.account("ann")
        bot = (await self.call("POST", "/api/account/tokens", {"name": "helper"}, token=ann)).body["token"]
        for token in (ann, bot):
            assert (await self.call("GET", "/api/session", token=token)).status == 200
        database = self.mongod.client[self.database_name]
        everything = str([list(database[name].find()) for name in database.list_collection_names()])
        assert "helper" in everything
        for secret in (setup, ann, bot, PASSWORD):
            assert secret not in everything

    @gen_test
    async def test_secrets_are_not_logged(self) -> None:
        """At the most talkative level no password and no token is in the log."""
        lines: list[str] = []

        class Keeping(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(record.getMessage() + str(record.__dict__))

        logger, keeping = logging.getLogger(), Keeping()
        level = logger.level
        logger.addHandler(keeping)
        logger.setLevel(logging.DEBUG)
        try:
            ann = await self.account("ann")
            other = await self.sign_in("ann")
            await self.call("POST", "/api/session", {"name": "ann", "password": "wrong password"})
            bot = (await self.call("POST", "/api/account/tokens", {"name": "helper"}, token=ann)).body["token"]
            await self.call("GET", "/api/session", token=bot)
            await self.call("POST", "/api/account/password", {"old": PASSWORD, "new": "battery staple"}, token=ann)
            logging.getLogger("tests").debug("still listening")
        finally:
            logger.removeHandler(keeping)
            logger.setLevel(level)
        text = "\n".join(lines)
        assert "still listening" in text
        for secret in (PASSWORD, "wrong password", "battery staple", ann, other, bot):
            assert secret not in text

    @gen_test
    async def test_operators_are_not_smuggled_in(self) -> None:
        """Objects in the place of texts are refused, and `$` in a text is a character like others."""
        await self.account("ann")
        for value in ({"$ne": ""}, {"$gt": ""}, {"$regex": ".*"}, ["ann"], 1, None):
            for fields in ({"name": value}, {"name": "ann", "password": value}):
                body = {"name": "ann", "password": PASSWORD} | fields
                if body["password"] is None:
                    continue  # without a password it is a guest, whose name is taken
                assert (await self.call("POST", "/api/session", body)).status == 400, body
        assert (await self.call("POST", "/api/session", {"name": "$ne", "password": PASSWORD})).status == 401
        assert (await self.call("POST", "/api/account", {"name": "$where", "password": PASSWORD})).status == 201
        for path in ("/api/people/$ne", "/api/people/%7B%22$ne%22:%22%22%7D"):
            assert (await self.call("GET", path, token=self.token("bob" + path[-3:]))).status == 404


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


class BotTest(ChatTestCase):
    async def bot(self, maker: str, **wanted: Any) -> str:
        answer = await self.call("POST", "/api/account/tokens", {"name": "helper"} | wanted, token=maker)
        assert answer.status == 201, answer
        return str(answer.body["token"])

    @gen_test
    async def test_a_bot_stays_in_its_rooms(self) -> None:
        """Rooms beyond its scope do not exist for it, over any transport, however they are spelt."""
        ann = await self.account("ann")
        for room in ("a", "b"):
            await self.send(room, "hello", token=ann)
        bot = await self.bot(ann, rooms=["A"], write=True)
        socket = await self.socket(room="a", token=bot)
        await self.send("a", "beep", token=bot)
        assert (await socket.ask(type="subscribe", room="B"))["code"] == "not_found"
        assert (await socket.ask(type="send", room="b", key=str(uuid.uuid4()), text="x"))["code"] == "not_found"
        assert (await self.poll("b", token=bot, after=0, wait=0)).status == 404
        assert (await self.stream("b", token=bot)).status == 404
        assert (await self.page("b", token=bot)).status == 404
        change = {"text": "hi", "key": str(uuid.uuid4())}
        assert (await self.call("POST", "/api/rooms/b/messages", change, token=bot)).status == 404
        assert len(self.stored()["entries"]) == 3

    @gen_test
    async def test_a_reading_bot_writes_nothing(self) -> None:
        """Without `write` it follows and changes nothing, over any transport."""
        ann = await self.account("ann")
        await self.send("a", "hello", token=ann)
        bot = await self.bot(ann, write=False)
        socket = await self.socket(room="a", token=bot)
        assert (await socket.ask(type="send", room="a", key=str(uuid.uuid4()), text="x"))["code"] == "forbidden"
        change = {"text": "hi", "key": str(uuid.uuid4())}
        assert (await self.call("POST", "/api/rooms/a/messages", change, token=bot)).code == "forbidden"
        for fields in ({"type": "delete"}, {"type": "react", "emoji": "👍"}):
            answer = await self.command("a", token=bot, target=1, key=str(uuid.uuid4()), **fields)
            assert answer.code == "forbidden"
        assert len(self.stored()["entries"]) == 1

    @gen_test
    async def test_a_bot_manages_no_account(self) -> None:
        """Not its maker's and not its own, and it makes no bots: 403."""
        ann = await self.account("ann", admin=True)
        bot = await self.bot(ann, write=True)
        for method, path in (
            ("GET", "/api/account"),
            ("PATCH", "/api/account"),
            ("DELETE", "/api/account"),
            ("POST", "/api/account/password"),
            ("GET", "/api/account/sessions"),
            ("DELETE", "/api/account/sessions"),
            ("GET", "/api/account/tokens"),
            ("POST", "/api/account/tokens"),
        ):
            answer = await self.call(method, path, None if method == "GET" else {}, token=bot)
            assert (answer.status, answer.code) == (403, "forbidden"), (method, path)
        assert (await self.call("DELETE", "/api/session", token=bot)).status == 204  # which is no way to end it
        assert (await self.call("GET", "/api/session", token=bot)).status == 200

    @gen_test
    async def test_a_bots_time_ends(self) -> None:
        """After its days its token is worth nothing, and where it is connected it is put out."""
        ann = await self.account("ann")
        await self.send("a", "hello", token=ann)
        bot = await self.bot(ann, days=1)
        socket = await self.socket(room="a", token=bot)
        tokens, late = self.chat.identity.tokens, now() + DAY
        with (
            mock.patch("chat.identity.now", return_value=late),
            mock.patch("chat.tokens.now", return_value=late),
            mock.patch("chat.bots.now", return_value=late),
        ):
            await self.chat.identity.upkeep()
            assert await socket.closed() == 4401
            for known in tokens._known.values():
                known.again = 0
            for _ in range(2):
                assert (await self.call("GET", "/api/session", token=bot)).status == 401
            tokens._wrong.clear()  # as after a new start
            assert (await self.call("GET", "/api/session", token=bot)).status == 401


class OutageTest(ChatTestCase):
    settings = {"mongo_timeout": 0.5, "send_timeout": 1}  # noqa: RUF012

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
