"""Guessing: what wrong secrets and too many sign-ins meet, one test a promise."""

import asyncio
import uuid
from typing import Any

from tornado.testing import gen_test

from handlers.identity import COOKIE, SECURE_COOKIE
from tests.cases import PASSWORD, Answer, ChatTestCase


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
        token = await self.chat.identity.entrance.open_setup()
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

    @gen_test
    async def test_guesses_do_not_fill_the_memory(self) -> None:
        """Names that cannot be are not counted, so what is remembered of a guess is small."""
        for name in ("x" * 40_000, "a" + " " * 40_000):
            assert (await self.guess("203.0.113.1", name, "wrong password")).status == 400
        assert len(self.chat.identity.attempts) == 0
        assert (await self.guess("203.0.113.1", "ann", "wrong password")).status == 401
        assert len(self.chat.identity.attempts) == 2


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
