"""/api/account/sessions: seeing and ending one's sessions."""

import asyncio

from tornado.testing import gen_test

from chat.times import now
from tests.cases import PASSWORD, ChatTestCase


class AccountSessionsTest(ChatTestCase):
    @gen_test
    async def test_lists_sessions(self) -> None:
        """Each with when, where and with what it was made; the one that asks is marked; no token is shown."""
        ann = await self.account("ann")
        answer = await self.call(
            "POST", "/api/session", {"name": "ann", "password": PASSWORD}, headers={"User-Agent": "a phone\t1"}
        )
        await self.account("bob")
        listed = (await self.call("GET", "/api/account/sessions", token=ann)).body["sessions"]
        assert [(session["agent"], session["current"]) for session in listed] == [("a phone1", False), ("tests", True)]
        for session in listed:
            assert set(session) == {"id", "made", "seen", "address", "agent", "current"}
            assert session["seen"] >= session["made"] > 1_700_000_000_000
            assert session["address"] == "127.0.0.1"
        assert answer.body["token"] not in str(listed)

    @gen_test
    async def test_ends_one(self) -> None:
        """It and its connections end, the others go on; 404 for what is no session of the account."""
        ann, other, bob = await self.account("ann"), await self.sign_in("ann"), await self.account("bob")
        listed = (await self.call("GET", "/api/account/sessions", token=ann)).body["sessions"]
        theirs = (await self.call("GET", "/api/account/sessions", token=bob)).body["sessions"][0]["id"]
        ended = next(session["id"] for session in listed if not session["current"])
        staying, socket = await self.socket(room="a", token=ann), await self.socket(room="a", token=other)
        for id in ("nonsense", theirs):
            assert (await self.call("DELETE", f"/api/account/sessions/{id}", token=ann)).status == 404
        assert (await self.call("DELETE", f"/api/account/sessions/{ended}", token=ann)).status == 204
        assert await socket.closed() == 4401
        assert (await self.call("GET", "/api/account", token=other)).status == 401
        assert (await self.call("GET", "/api/account", token=ann)).status == 200
        assert await staying.settled() is not None
        assert (await self.call("GET", "/api/account", token=bob)).status == 200

    @gen_test
    async def test_signs_out_everywhere(self) -> None:
        """All of them end, also the one that asks."""
        ann, other, bob = await self.account("ann"), await self.sign_in("ann"), await self.account("bob")
        answer = await self.call("DELETE", "/api/account/sessions", token=ann)
        assert answer.status == 204
        assert 'parley_session=""' in answer.headers["Set-Cookie"]
        for token in (ann, other):
            assert (await self.call("GET", "/api/account", token=token)).status == 401
        assert (await self.call("GET", "/api/account", token=bob)).status == 200


class FewSessionsTest(ChatTestCase):
    settings = {"sessions_limit": 2}  # noqa: RUF012

    @gen_test
    async def test_the_oldest_ends(self) -> None:
        """One session too many ends the oldest."""
        tokens = [await self.account("ann"), *[await self.sign_in("ann") for _ in range(2)]]
        statuses = [(await self.call("GET", "/api/account", token=token)).status for token in tokens]
        assert statuses == [401, 200, 200]


class SeenTest(ChatTestCase):
    settings = {"seen_interval": 0.01}  # noqa: RUF012

    @gen_test
    async def test_who_stays_connected_is_seen(self) -> None:
        """A session, and a bot, that only hold a socket open were last used just now."""
        ann = await self.account("ann")
        bot = (await self.call("POST", "/api/account/tokens", {"name": "helper"}, token=ann)).body
        assert bot["seen"] is None
        for token in (ann, bot["token"]):
            await self.socket(token=token)
        database, begun = self.mongod.client[self.database_name], now()
        await asyncio.sleep(0.02)
        await self.chat.identity.upkeep()
        for collection in ("sessions", "bots", "accounts"):
            (stored,) = database[collection].find()
            assert stored["seen"] >= begun, collection
        listed = (await self.call("GET", "/api/account/tokens", token=ann)).body["tokens"]
        assert listed[0]["seen"] >= begun
