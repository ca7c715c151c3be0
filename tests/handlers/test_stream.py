"""/api/stream: server-sent events."""

import asyncio
from typing import Any, ClassVar

from tornado.testing import gen_test

from chat.entries import Entry
from tests.cases import ChatTestCase
from tests.mongo import SHORT_TIMEOUT
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


class StreamTest(ChatTestCase):
    @gen_test
    async def test_begins_with_subscribed(self) -> None:
        """First `subscribed` without entries, then the last messages one by one with their cursors as ids."""
        token = self.token("ann")
        for text in ("one", "two"):
            await self.send("Lobby", text, token=token)
        client = await self.stream("lobby", token=token)
        assert client.status == 200
        assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert client.headers["cache-control"] == "no-store"
        cursor, first = await client.hear_with_id()
        assert (cursor, first["type"], first["entries"], first["seq"]) == ("0", "subscribed", [], 2)
        assert (first["room"], first["gap"], first["reset"], first["people"]) == ("Lobby", None, False, 1)
        assert [await client.hear_with_id() for _ in range(2)] == [
            ("1", client.heard[1]),
            ("2", client.heard[2]),
        ]
        assert [message["text"] for message in client.heard[1:]] == ["one", "two"]

    @gen_test
    async def test_goes_on_with_what_happens(self) -> None:
        """Entries come with ids, comings and goings without, each with its type."""
        token, bob = self.token("ann"), self.token("bob")
        client = await self.stream("a", token=token)
        await client.hear("subscribed")
        other = await self.socket("cid", room="a")
        assert await client.hear_with_id() == (None, client.heard[-1])
        assert client.heard[-1]["type"] == "joined"
        await self.send("a", "hi", token=bob)
        assert (await client.hear_with_id("message"))[0] == "1"
        await other.say(type="typing", room="a")
        assert (await client.hear_with_id("typing"))[0] is None
        await self.command("a", token=token, type="send", text="mine", key=(key := new_key()))
        cursor, mine = await client.hear_with_id("message")
        assert (cursor, mine["key"]) == ("2", key)

    @gen_test
    async def test_resumes_by_the_last_id(self) -> None:
        """`Last-Event-ID`, or `after`, brings what was missed and nothing else."""
        token = self.token("ann")
        for text in ("one", "two", "three"):
            await self.send("a", text, token=token)
        for client in (
            await self.stream("a", token=token, headers={"Last-Event-ID": "1"}),
            await self.stream("a", token=token, after=1),
            await self.stream("a", token=token, headers={"Last-Event-ID": "1"}, after=0),
        ):
            assert (await client.hear_with_id("subscribed"))[0] == "1"
            assert [(await client.hear("message"))["text"] for _ in range(2)] == ["two", "three"]

    @gen_test
    async def test_the_last_id_of_another_room(self) -> None:
        """A browser, which names no epoch, is told that the room is another one if its id is beyond the end; a client
        that gives a cursor itself is told that it is wrong."""
        token = self.token("ann")
        await self.send("a", "one", token=token)
        for room, texts in (("a", ["one"]), ("gone", [])):
            client = await self.stream(room, token=token, headers={"Last-Event-ID": "7"})
            subscribed = await client.hear("subscribed")
            assert (subscribed["reset"], subscribed["seq"]) == (True, len(texts))
            assert [(await client.hear("message"))["text"] for _ in texts] == texts
        client = await self.stream("a", token=token, after=7)
        assert (client.status, client.body["error"]["code"]) == (400, "bad_request")

    @gen_test
    async def test_shows_as_many_messages_as_wanted(self) -> None:
        """`history` says how many messages come first; none is none."""
        token = self.token("ann")
        for text in ("one", "two", "three"):
            await self.send("a", text, token=token)
        client = await self.stream("a", token=token, history=1)
        assert (await client.hear("message"))["text"] == "three"
        client = await self.stream("a", token=token, history=0)
        assert (await client.hear_with_id("subscribed"))[0] == "3"
        await self.send("a", "four", token=token)
        assert (await client.hear("message"))["text"] == "four"

    @gen_test
    async def test_several_rooms_share_a_stream(self) -> None:
        """The id is the list of cursors in the order of the request, and resumes all rooms."""
        ann, bob = self.token("ann"), self.token("bob")
        for text in ("one", "two"):
            await self.send("a", text, token=bob)
        client = await self.stream("b", "a", token=ann, after=[0, 1])
        assert [(await client.hear("subscribed"))["room"] for _ in range(2)] == ["b", "a"]
        assert (await client.hear_with_id("message"))[0] == "0,2"
        await self.send("b", "first", token=bob)
        assert (await client.hear_with_id("message"))[0] == "1,2"
        await self.send("a", "three", token=bob)
        assert (await client.hear_with_id("message"))[0] == "1,3"
        client.cut()
        await self.send("b", "second", token=bob)
        again = await self.stream("b", "a", token=ann, headers={"Last-Event-ID": client.last_id})
        assert (await again.hear("message"))["text"] == "second"

    @gen_test
    async def test_a_wrong_epoch_is_reset(self) -> None:
        """A cursor of another epoch brings the latest messages, and says so."""
        token = self.token("ann")
        await self.send("a", "one", token=token)
        client = await self.stream("a", token=token, after=77, epoch="another")
        assert (await client.hear("subscribed"))["reset"] is True
        assert (await client.hear("message"))["text"] == "one"

    @gen_test
    async def test_what_it_refuses(self) -> None:
        """Before the stream begins it is answered with a status, and no room is made."""
        token = self.token("ann")
        for query in ({"after": "x"}, {"after": -1}, {"history": -1}, {"after": [0, 0]}, {"epoch": "e"}):
            client = await self.stream("a", token=token, **query)
            assert (client.status, client.body["error"]["code"]) == (400, "bad_request"), query
        client = await self.stream("a", token=token, headers={"Last-Event-ID": "1,2"})
        assert client.status == 400
        client = await self.stream("a")
        assert (client.status, client.body["error"]["code"]) == (401, "unauthenticated")
        client = await self.stream(token=token)
        assert client.status == 400
        client = await self.stream("a", "A", token=token)
        assert client.status == 400
        assert self.stored()["rooms"] == []

    @gen_test
    async def test_a_bad_cursor_makes_no_room(self) -> None:
        """A cursor beyond the end is a bad request; with one, a room nobody has made is not found, and not made."""
        token = self.token("ann")
        client = await self.stream("a", token=token, after=9)
        assert (client.status, client.body["error"]["code"]) == (404, "not_found")
        assert self.stored()["rooms"] == []
        await self.send("a", "hi", token=token)
        client = await self.stream("a", token=token, after=2)
        assert (client.status, client.body["error"]["code"]) == (400, "bad_request")

    @gen_test
    async def test_a_client_that_goes_away_frees_its_waiter(self) -> None:
        """The room lets go of it at once, and the others hear that the person left."""
        bob = await self.socket("bob", room="a")
        client = await self.stream("a", name="ann")
        await client.hear("subscribed")
        assert (await bob.hear("joined"))["user"]["name"] == "ann"
        assert self.waiters_in("a") == 2
        client.cut()
        assert (await bob.hear("left"))["user"]["name"] == "ann"
        assert self.waiters_in("a") == 1
        await until(lambda: len(self.chat.people) == 1)
        assert len(self.chat.keepalive) == 1

    @gen_test
    async def test_is_ended_when_the_server_stops(self) -> None:
        """A dismissed stream ends in order."""
        client = await self.stream("a", name="ann")
        await client.hear("subscribed")
        room = self.awake("a")
        assert room is not None
        room.dismiss()
        await client.ended()
        await until(lambda: len(self.chat.keepalive) == 0)

    @gen_test
    async def test_speaks_to_old_clients(self) -> None:
        """A proxy that speaks HTTP/1.0 gets bare events, no chunks."""
        token = self.token("ann")
        await self.send("a", "hi", token=token)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
        writer.write(
            f"GET /api/stream?room=a HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b"transfer-encoding" not in head
        assert (await reader.readuntil(b"\n\n")).startswith(b'id: 0\ndata: {"type":"subscribed"')
        assert (await reader.readuntil(b"\n\n")).startswith(b'id: 1\ndata: {"type":"message"')
        room = self.awake("a")
        assert room is not None
        room.dismiss()
        assert await reader.read() == b""
        writer.close()


class TroubledStreamTest(ChatTestCase):
    settings: ClassVar = {"mongo_timeout": SHORT_TIMEOUT, "recent": 2, "ping_interval": 0.2, "ping_timeout": 0.1}

    @gen_test
    async def test_a_quiet_stream_gets_comments(self) -> None:
        """Comments keep proxies from closing it; they are no events, and it is not lost for its silence."""
        client = await self.stream("a", name="ann")
        await client.hear("subscribed")
        for _ in range(4):
            await client.comment()
        await self.send("a", "hi", token=self.token("bob"))
        assert (await client.hear("message"))["text"] == "hi"

    @gen_test
    async def test_one_who_goes_while_the_history_is_read(self) -> None:
        """A client that is cut while its room's log is read never stays in the room."""
        token = self.token("ann")
        for n in range(5):
            await self.send("a", str(n), token=token)
        reached, go_on, original = asyncio.Event(), asyncio.Event(), self.chat.history.messages

        async def slow(*arguments: Any) -> list[Entry]:
            reached.set()
            await go_on.wait()
            return await original(*arguments)

        replace_methods(self.chat.history, messages=slow)
        client = await self.stream("a", token=token)
        await reached.wait()
        assert len(self.chat.keepalive) == 1
        client.cut()
        await asyncio.sleep(0.05)
        go_on.set()
        await until(lambda: len(self.chat.keepalive) == 0)
        assert self.waiters_in("a") == 0

    @gen_test
    async def test_says_when_the_history_cannot_be_reached(self) -> None:
        """Once begun, it tells the error as an event and ends, so that the client comes back."""
        token = self.token("ann")
        for n in range(5):
            await self.send("a", str(n), token=token)
        with self.mongod.stalled():
            client = await self.stream("a", token=token)
            error = await client.hear("error")
            assert (error["code"], error["retry_after"]) == ("unavailable", 1)
            await client.ended()
        assert self.waiters_in("a") == 0


class SlowStreamTest(ChatTestCase):
    settings: ClassVar = {"backlog_limit": 100_000, "close_grace": 0.2}

    @gen_test
    async def test_a_slow_client_is_cut_off_and_comes_back(self) -> None:
        """Who does not read is let go of, the others miss nothing, and the cursor brings the rest."""
        ann, bob = self.token("ann"), self.token("bob")
        slow = await self.stream("a", token=ann, limit=1_000)
        await slow.hear("subscribed")
        lively = await self.socket("cid", room="a")
        sent = 0
        while self.waiters_in("a") == 2:
            body = {"kind": "big", "data": {"x": "y" * 60_000}, "key": new_key()}
            answer = await self.call("POST", "/api/rooms/a/messages", body, token=bob)
            sent = answer.body["seq"]
            assert (await lively.hear("message"))["seq"] == sent
            assert sent < 400
        await slow.ended()
        last = int(slow.last_id)
        assert last < sent
        again = await self.stream("a", token=ann, after=last)
        first = await again.hear("subscribed")
        assert first["seq"] == sent
