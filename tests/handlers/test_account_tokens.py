"""/api/account/tokens: bots."""

from typing import Any

from tornado.testing import gen_test

from tests.cases import ChatTestCase


class AccountTokensTest(ChatTestCase):
    async def make(self, token: str, **wanted: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/api/account/tokens", wanted, token=token)
        assert answer.status == 201, answer
        return dict(answer.body)

    @gen_test
    async def test_makes_a_bot(self) -> None:
        """The token is shown once; with it the bot is somebody of its own name who talks over every transport."""
        ann = await self.account("ann")
        made = await self.make(ann, name="Helper", rooms=[], write=True, days=7)
        token = made.pop("token")
        await self.send("a", "hello", token=ann)
        assert made["until"] - made["made"] == 7 * 86_400_000
        assert (await self.call("GET", "/api/account/tokens", token=ann)).body == {"tokens": [made]}
        session = (await self.call("GET", "/api/session", token=token)).body
        assert session == {"user": {"id": made["id"], "name": "Helper", "guest": False}, "account": None}
        assert made["id"].startswith("b-")
        socket = await self.socket(room="a", token=token)
        await self.send("a", "beep", token=token)
        assert (await socket.hear("message"))["user"] == {"id": made["id"], "name": "Helper"}

    @gen_test
    async def test_removes_a_bot(self) -> None:
        """Its token is worth nothing, its connections end, its name is free; 404 for another's."""
        ann, bob = await self.account("ann"), await self.account("bob")
        made = await self.make(ann, name="helper", write=True)
        await self.send("a", "hello", token=ann)
        socket = await self.socket(room="a", token=made["token"])
        path = f"/api/account/tokens/{made['id']}"
        assert (await self.call("DELETE", path, token=bob)).status == 404
        assert (await self.call("POST", "/api/session", {"name": "helper"})).status == 409
        assert (await self.call("DELETE", path, token=ann)).status == 204
        assert await socket.closed() == 4401
        assert (await self.call("GET", "/api/session", token=made["token"])).status == 401
        assert (await self.call("GET", "/api/account/tokens", token=ann)).body == {"tokens": []}
        assert (await self.call("POST", "/api/session", {"name": "helper"})).status == 200

    @gen_test
    async def test_a_bad_bot_is_refused(self) -> None:
        """400 that says how, 409 for a name that is taken."""
        ann = await self.account("ann")
        wrong: list[dict[str, Any]] = [
            {},
            {"name": ""},
            {"name": "x", "days": 0},
            {"name": "x", "days": 367},
            {"name": "x", "rooms": ["a b"]},
            {"name": "x", "rooms": "a"},
            {"name": "x", "rooms": ["r"] * 101},
            {"name": "x", "write": "yes"},
            {"name": "x", "admin": True},
        ]
        for wanted in wrong:
            answer = await self.call("POST", "/api/account/tokens", wanted, token=ann)
            assert (answer.status, answer.code) == (400, "bad_request"), wanted
        self.token("guest")
        for name in ("ANN", "guest"):
            assert (await self.call("POST", "/api/account/tokens", {"name": name}, token=ann)).code == "name_taken"
        assert (await self.call("GET", "/api/account/tokens", token=ann)).body == {"tokens": []}


class FewBotsTest(ChatTestCase):
    settings = {"bots_limit": 1}  # noqa: RUF012

    @gen_test
    async def test_an_account_has_so_many_bots(self) -> None:
        """One more is refused until another is removed."""
        ann = await self.account("ann")
        first = (await self.call("POST", "/api/account/tokens", {"name": "one"}, token=ann)).body
        assert (await self.call("POST", "/api/account/tokens", {"name": "two"}, token=ann)).status == 400
        await self.call("DELETE", f"/api/account/tokens/{first['id']}", token=ann)
        assert (await self.call("POST", "/api/account/tokens", {"name": "two"}, token=ann)).status == 201
