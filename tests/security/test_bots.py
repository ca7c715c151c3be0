"""Bots: what their scope and their end promise, one test a promise."""

import uuid
from typing import Any
from unittest import mock

from tornado.testing import gen_test

from chat.times import DAY, now
from tests.cases import ChatTestCase


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
