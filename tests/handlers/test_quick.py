"""Polls that are answered without a handler: nobody can tell them from the others."""

import asyncio
import json
import time
from typing import Any, NamedTuple
from unittest import mock

from tornado.testing import gen_test

from chat.waiters import PollWaiter
from handlers.poll import PollHandler
from tests.cases import ChatTestCase
from tests.rooms import new_key
from tests.waiting import until


class Said(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class Line:
    """One connection, over which requests go as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def ask(self, path: str, token: str = "", *, host: str = "localhost", method: str = "GET", body: str = "") -> None:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
        lines += [f"Authorization: Bearer {token}"] if token else []
        lines += [f"Content-Length: {len(body)}"] if body else []
        self._writer.write("\r\n".join([*lines, "", body]).encode())

    async def said(self) -> Said:
        first, *rest = (await self._reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        body = await self._reader.readexactly(int(headers["content-length"]))
        return Said(int(first.split()[1]), headers, json.loads(body) if body else None)

    def end(self) -> None:
        self._writer.close()

    def cut(self) -> None:
        self._writer.transport.abort()


class QuickPollTest(ChatTestCase):
    async def line(self) -> Line:
        return Line(*await asyncio.open_connection("127.0.0.1", self.get_http_port()))

    async def wake(self) -> None:
        """Has the room in memory, with one message."""
        self.bob = self.token("bob")
        await self.say("hi")

    async def say(self, text: str) -> None:
        await self.send("a", text, token=self.bob)

    @gen_test
    async def test_it_is_answered_as_by_a_handler(self) -> None:
        """The same head, the same body, and no handler."""
        await self.wake()
        line, token = await self.line(), self.token("ann")
        with mock.patch.object(PollHandler, "get", side_effect=AssertionError):
            line.ask("/api/poll?room=a&after=1", token)
            await until(lambda: self.waiters_in("a") == 1)
            await self.say("news")
            quick = await line.said()
        with mock.patch.object(self._app, "poll_of", return_value=None):
            line.ask("/api/poll?room=a&after=1", token)
            usual = await line.said()
        assert quick == usual._replace(headers=usual.headers | {"date": quick.headers["date"]})
        assert [entry["text"] for entry in quick.body["rooms"]["a"]["entries"]] == ["news"]
        line.cut()

    @gen_test
    async def test_one_who_is_signed_out_meanwhile_is_told_so(self) -> None:
        """A poll that ends with an error says it as any other, and the connection goes on."""
        await self.wake()
        line, token = await self.line(), self.token("ann")
        line.ask("/api/poll?room=a&after=1", token)
        await until(lambda: self.waiters_in("a") == 1)
        await self.call("DELETE", "/api/session", token=token)
        refused = await line.said()
        assert (refused.status, refused.body["error"]["code"]) == (401, "unauthenticated")
        assert refused.headers["content-type"].startswith("application/json")
        assert refused.headers["cache-control"] == "no-store"
        assert self.waiters_in("a") == len(self.chat.clients) == 0
        line.ask("/healthz")
        assert (await line.said()).status == 200
        line.cut()

    @gen_test
    async def test_many_at_once(self) -> None:
        """Requests that are sent without waiting for the answers are answered one after the other."""
        await self.wake()
        line, token = await self.line(), self.token("ann")
        for path in ("/api/poll?room=a&after=0", "/healthz", "/api/poll?room=a&after=1&wait=0", "/api/poll?room=a"):
            line.ask(path, token)
        answers = [await line.said() for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 400]
        assert [len(answers[place].body["rooms"]["a"]["entries"]) for place in (0, 2)] == [1, 0]
        line.cut()

    @gen_test
    async def test_each_request_is_taken_for_itself(self) -> None:
        """What a connection said before counts for nothing in a request that says something else."""
        await self.wake()
        line = await self.line()
        tokens = [self.token("ann"), self.bob]
        for token in (*tokens, *tokens, tokens[1], tokens[0]):
            line.ask("/api/session", token)
            said = await line.said()
            assert said.body["user"]["name"] == ("ann" if token == tokens[0] else "bob")
        line.ask("/api/session")
        assert (await line.said()).status == 401
        line.ask("/api/poll?room=a&after=0", tokens[0], host="elsewhere.example")
        assert (await line.said()).status == 421
        line.ask(
            "/api/rooms/a/messages", tokens[0], method="POST", body=json.dumps({"text": "Hello", "key": new_key()})
        )
        assert (await line.said()).status == 201
        line.ask("/api/poll?room=a&after=1", tokens[0])
        assert [entry["text"] for entry in (await line.said()).body["rooms"]["a"]["entries"]] == ["Hello"]
        line.cut()

    @gen_test
    async def test_who_waits_is_not_slow(self) -> None:
        """The server is who is waited for: however long it takes, the connection is not cut."""
        await self.wake()
        line = await self.line()
        line.ask("/api/poll?room=a&after=1", self.token("ann"))
        await until(lambda: self.waiters_in("a") == 1)
        for later in (0, 1_000, 2_000):
            assert self.http_server.overdue.look(time.monotonic() + later) == 0
        await self.say("at last")
        assert (await line.said()).status == 200
        line.cut()

    @gen_test
    async def test_one_who_goes_away_is_gone(self) -> None:
        """Nobody waits any more, and nothing is logged."""
        await self.wake()
        line = await self.line()
        line.ask("/api/poll?room=a&after=1", self.token("ann"))
        await until(lambda: self.waiters_in("a") == 1)
        line.cut()
        await until(lambda: self.waiters_in("a") == len(self.chat.clients) == 0)
        await self.say("to nobody")

    @gen_test
    async def test_one_who_goes_away_at_once_is_not_waited_for(self) -> None:
        """The end of the connection may come together with the request, whoever answers that."""
        await self.wake()
        token = self.token("ann")
        for room, after in (("a", 1), ("asleep", 0)):
            line = await self.line()
            with mock.patch.object(PollWaiter, "wait", side_effect=PollWaiter.wait, autospec=True) as wait:
                line.ask(f"/api/poll?room={room}&after={after}&wait=60", token)
                line.end()
                await until(lambda waits=wait: waits.called)  # type: ignore[misc]
            await until(lambda: len(self.chat.clients) == 0)
