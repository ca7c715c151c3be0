"""/api/session: signing in, asking who one is, signing out."""

import time
from http.cookies import SimpleCookie
from unittest import mock

from tornado.testing import gen_test

from handlers.identity import COOKIE
from tests.cases import Answer, ChatTestCase


def cookie_of(answer: Answer) -> SimpleCookie:
    return SimpleCookie(answer.headers["Set-Cookie"])


class SessionTest(ChatTestCase):
    @gen_test
    async def test_signs_in(self) -> None:
        """A name gives a user, a token and a cookie, and either says who one is."""
        answer = await self.call("POST", "/api/session", {"name": " Ann "})
        assert answer.status == 200
        user = answer.body["user"]
        assert (user["name"], user["guest"]) == ("Ann", True)
        signed_in = {"user": user, "account": None}
        assert (await self.call("GET", "/api/session", token=answer.body["token"])).body == signed_in
        cookie = {"Cookie": f"{COOKIE}={cookie_of(answer)[COOKIE].value}"}
        assert (await self.call("GET", "/api/session", headers=cookie)).body == signed_in

    @gen_test
    async def test_the_cookie_is_for_the_server_alone(self) -> None:
        """No script reads it, no other site sends it along, and it lives as long as the session."""
        cookie = cookie_of(await self.call("POST", "/api/session", {"name": "ann"}))[COOKIE]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert cookie["max-age"] == str(30 * 86400)

    @gen_test
    async def test_a_taken_name_is_refused(self) -> None:
        """409 name_taken for another spelling of a name in use; another name is free."""
        assert (await self.call("POST", "/api/session", {"name": "ann"})).status == 200
        answer = await self.call("POST", "/api/session", {"name": "ＡＮＮ"})
        assert (answer.status, answer.code) == (409, "name_taken")
        assert "Set-Cookie" not in answer.headers
        assert (await self.call("POST", "/api/session", {"name": "anna"})).status == 200

    @gen_test
    async def test_signing_in_again_is_no_new_guest(self) -> None:
        """Who has the name already stays who they are; a token that is none does not help."""
        first = (await self.call("POST", "/api/session", {"name": "ann"})).body
        again = await self.call("POST", "/api/session", {"name": "ann"}, token=first["token"])
        assert (again.status, again.body["user"]) == (200, first["user"])
        stranger = await self.call("POST", "/api/session", {"name": "ann"}, token="nonsense")
        assert (stranger.status, stranger.code) == (409, "name_taken")
        other = await self.call("POST", "/api/session", {"name": "bob"}, token=first["token"])
        assert other.body["user"]["id"] != first["user"]["id"]

    @gen_test
    async def test_a_bad_body_is_refused(self) -> None:
        """A missing, wrong or unknown field, and a name that is not allowed, are bad requests that say how."""
        for body in (
            {},
            {"name": 1},
            {"name": None},
            {"name": "ann", "age": 1},
            [],
            "x",
            {"name": ""},
            {"name": "\u202e"},
        ):
            answer = await self.call("POST", "/api/session", body)
            assert (answer.status, answer.code) == (400, "bad_request"), body
            assert answer.reason.endswith(".")
        assert (await self.call("POST", "/api/session", b"")).status == 400
        assert len(self.chat.people) == 0

    @gen_test
    async def test_nobody_is_unauthenticated(self) -> None:
        """Without a session one is told so, and so is one with a token or cookie that is not ours."""
        good = self.token("ann")
        for headers in (
            {},
            {"Authorization": "Bearer nonsense"},
            {"Authorization": "Bearer " + good[:-1] + ("0" if good[-1] != "0" else "1")},
            {"Authorization": "Bearer "},
            {"Authorization": "Basic YTpi"},
            {"Cookie": f"{COOKIE}=nonsense"},
        ):
            answer = await self.call("GET", "/api/session", headers=headers)
            assert (answer.status, answer.code) == (401, "unauthenticated"), headers
        assert (await self.call("GET", "/api/session", token=good)).status == 200

    @gen_test
    async def test_a_token_comes_before_the_cookie_and_the_cookie_before_a_name(self) -> None:
        """Who one is is decided in the order of the contract."""
        tokens = {name: self.token(name) for name in ("ann", "bob")}
        cookie = {"Cookie": f"{COOKIE}={tokens['bob']}"}

        async def name(token: str = "", **headers: str) -> str:
            answer = await self.call("GET", "/api/session?username=cid", token=token, headers=headers)
            return str(answer.body["user"]["name"])

        assert await name(tokens["ann"], **cookie) == "ann"
        assert await name(**cookie) == "bob"
        assert await name() == "cid"

    @gen_test
    async def test_signs_out(self) -> None:
        """The cookie is taken away with 204 and no body."""
        answer = await self.call("DELETE", "/api/session", token=self.token("ann"))
        assert (answer.status, answer.body) == (204, b"")
        assert cookie_of(answer)[COOKIE].value == ""
        assert (await self.call("POST", "/api/session", {"name": "ann"})).status == 200
        assert (await self.call("DELETE", "/api/session")).status == 204

    @gen_test
    async def test_a_session_outlives_its_name(self) -> None:
        """Who comes back when somebody else has the name by now is told 409, with GET and on every other call."""
        token = self.token("ann")
        ann = self.chat.identity.guests.read(token)
        assert ann is not None
        assert (await self.call("GET", "/api/session", token=token)).status == 200
        self.chat.people._present._end(ann)  # the minute is over
        other = self.token("ANN")
        for method, path in (("GET", "/api/session"), ("GET", "/api/poll?room=a&after=0&wait=0")):
            answer = await self.call(method, path, token=token)
            assert (answer.status, answer.code) == (409, "name_taken")
        assert (await self.call("GET", "/api/session", token=other)).status == 200

    @gen_test
    async def test_a_session_grows_too_old(self) -> None:
        """After its days a token is no longer valid, though it was used all the time."""
        token = self.token("ann")
        assert (await self.call("GET", "/api/session", token=token)).status == 200
        late, later = time.time() + 31 * 86400, time.monotonic() + 31 * 86400
        with (
            mock.patch("time.time", return_value=late),
            mock.patch("chat.tokens.time.monotonic", return_value=later),
        ):
            assert self.chat.identity.tokens.caller(token, "") is None
