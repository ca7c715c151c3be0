"""/ws and /ws/<room>: the live clients."""

import asyncio
import contextlib
import json
from typing import Any

from tornado.testing import ExpectLog, gen_test
from websockets.exceptions import ConnectionClosed, InvalidStatus

from handlers.identity import COOKIE
from tests.cases import ChatTestCase
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


class SocketTest(ChatTestCase):
    async def refused(self, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """Status and body with which a handshake is refused."""
        try:
            await self.raw_socket(path, **options)
        except InvalidStatus as refusal:
            return refusal.response.status_code, json.loads(refusal.response.body or b"{}")
        raise AssertionError("the handshake was not refused")

    def hold_inserts(self) -> asyncio.Event:
        """Nothing more is stored until the event is set."""
        gate, original = asyncio.Event(), self.chat.history.insert

        async def held(entries: Any) -> None:
            await gate.wait()
            await original(entries)

        replace_methods(self.chat.history, insert=held)
        return gate

    # Coming

    @gen_test
    async def test_welcomes(self) -> None:
        """First comes `welcome` with who one is, a token for one who came by a name alone, and the limits."""
        client = await self.raw_socket("/ws?username=ann")
        welcome = await client.hear()
        assert (welcome["type"], welcome["user"]["name"], welcome["user"]["guest"]) == ("welcome", "ann", True)
        assert (welcome["version"], welcome["ping"]) == (1, 25)
        assert welcome["limits"] == {
            "text": 4_000,
            "message": 65_536,
            "history": 50,
            "catch_up": 1_000,
            "rooms": 100,
            "in_hand": 1_000,
        }
        assert (await self.call("GET", "/api/session", token=welcome["token"])).body["user"] == welcome["user"]

    @gen_test
    async def test_one_with_a_session_gets_no_token(self) -> None:
        """By token and by cookie one is the same person, over several connections."""
        token = self.token("ann")
        by_token = await (await self.raw_socket("/ws", token=token)).hear("welcome")
        page = {"Cookie": f"{COOKIE}={token}", "Origin": self.get_url("").rstrip("/")}
        by_cookie = await (await self.raw_socket("/ws", headers=page)).hear("welcome")
        assert by_token["user"] == by_cookie["user"]
        assert "token" not in by_token and "token" not in by_cookie

    @gen_test
    async def test_a_stranger_is_told_and_closed(self) -> None:
        """Without a name, or with a token that is not valid, the error `unauthenticated` and 4401."""
        for options in ({}, {"token": "nonsense"}):
            client = await self.raw_socket("/ws/a", **options)
            with contextlib.suppress(ConnectionClosed):
                await client.say(type="subscribe", room="a")
            assert await client.closed() == 4401
            assert [message["type"] for message in client.heard] == ["error"]
            assert client.heard[0]["code"] == "unauthenticated"
        assert self.stored()["rooms"] == []
        assert len(self.chat.keepalive) == 0

    @gen_test
    async def test_what_a_stranger_says_is_not_heard(self) -> None:
        """What comes with the handshake of one who has no name changes nothing."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
        text = json.dumps({"type": "subscribe", "room": "a"}).encode()
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            + bytes([0x81, 0x80 | len(text), 0, 0, 0, 0])
            + text
            + b"\x88\x80\x00\x00\x00\x00"
        )
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        assert b'"unauthenticated"' in answer
        assert b'"subscribed"' not in answer
        assert self.stored()["rooms"] == []

    @gen_test
    async def test_a_name_is_refused_in_the_handshake(self) -> None:
        """409 for one that is taken, 400 for one that is not allowed."""
        await self.socket("ann")
        status, body = await self.refused("/ws?username=ANN")
        assert (status, body["error"]["code"]) == (409, "name_taken")
        for name in ("", "%E2%80%AE", "x" * 33):
            status, body = await self.refused(f"/ws?username={name}")
            assert (status, body["error"]["code"]) == (400, "bad_request"), name

    @gen_test
    async def test_another_site_is_refused(self) -> None:
        """A page of another origin opens no socket with the visitor's cookie; one of ours does."""
        token = self.token("ann")
        own = self.get_url("").rstrip("/")
        client = await self.raw_socket("/ws", token=token, headers={"Origin": own})
        assert (await client.hear())["type"] == "welcome"
        for origin in ("http://evil.example", "null", "", "nonsense", "http://[", "http://\u00e9"):
            status, body = await self.refused("/ws", token=token, headers={"Origin": origin})
            assert (status, body["error"]["code"]) == (403, "forbidden"), origin

    @gen_test
    async def test_what_is_no_handshake(self) -> None:
        """A plain request is told in JSON that it is a bad one."""
        answer = await self.call("GET", "/ws?username=ann")
        assert (answer.status, answer.code) == (400, "bad_request")
        assert len(self.chat.people) == 0

    @gen_test
    async def test_subscribes_by_the_address(self) -> None:
        """`/ws/<room>` subscribes at once, and a room's name that is none is an error on a living connection."""
        client = await self.raw_socket("/ws/%D0%9A%D1%83%D1%85%D0%BD%D1%8F?username=ann")
        await client.hear("welcome")
        subscribed = await client.hear("subscribed")
        assert (subscribed["room"], subscribed["entries"], subscribed["seq"]) == ("Кухня", [], 0)
        wrong = await self.raw_socket("/ws/a%20b?username=bob")
        assert (await wrong.hear("error"))["code"] == "bad_request"
        assert (await wrong.ask(type="ping"))["type"] == "pong"

    # Rooms

    @gen_test
    async def test_subscribes(self) -> None:
        """`subscribed` has the last messages, the log's end, the epoch and who is here."""
        token = self.token("ann")
        await self.call("POST", "/api/rooms", {"name": "Lobby", "title": "The lobby"}, token=token)
        for text in ("one", "two", "three"):
            await self.send("Lobby", text, token=token)
        client = await self.socket("bob")
        found = await client.ask(type="subscribe", room="LOBBY", history=2)
        assert set(found) == {
            *("type", "id", "room", "title", "epoch", "seq", "entries", "gap", "reset", "members", "people", "changed")
        }
        assert (found["room"], found["title"], found["seq"], found["changed"]) == ("Lobby", "The lobby", 3, True)
        assert [entry["text"] for entry in found["entries"]] == ["two", "three"]
        assert ([person["name"] for person in found["members"]], found["people"]) == (["bob"], 1)
        again = await client.ask(type="subscribe", room="lobby", after=2, epoch=found["epoch"])
        assert (again["changed"], [entry["text"] for entry in again["entries"]]) == (False, ["three"])

    @gen_test
    async def test_unsubscribes(self) -> None:
        """After `unsubscribed` nothing more comes from the room; doing it twice changes nothing."""
        client, bob = await self.socket("ann", room="Lobby"), self.token("bob")
        await self.send("Lobby", "heard", token=bob)
        await client.hear("message")
        first = await client.ask(type="unsubscribe", room="LOBBY")
        assert (first["type"], first["room"], first["changed"]) == ("unsubscribed", "Lobby", True)
        assert (await client.ask(type="unsubscribe", room="lobby"))["changed"] is False
        await self.send("Lobby", "unheard", token=bob)
        assert await client.settled() == []

    @gen_test
    async def test_commands_about_a_room_keep_their_order(self) -> None:
        """Subscribing, typing and unsubscribing sent at once are done in their order: in the end one is not there."""
        client = await self.raw_socket("/ws?username=ann")
        await client.hear("welcome")
        for kind in ("subscribe", "typing", "unsubscribe"):
            await client.say(type=kind, room="new")
        heard = [(await client.hear())["type"] for _ in range(3)]
        assert heard == ["subscribed", "typing", "unsubscribed"]
        room = await self.chat.registry.find("new")
        assert room.people == 0

    @gen_test
    async def test_resumes(self) -> None:
        """A cursor brings what was missed; a wrong epoch resets; a cursor beyond the end is a bad request."""
        token = self.token("ann")
        for text in ("one", "two"):
            await self.send("a", text, token=token)
        client = await self.socket("bob")
        found = await client.ask(type="subscribe", room="a", after=1)
        assert [entry["text"] for entry in found["entries"]] == ["two"]
        reset = await client.ask(type="subscribe", room="a", after=9, epoch="another")
        assert (reset["reset"], len(reset["entries"])) == (True, 2)
        error = await client.ask(type="subscribe", room="a", after=9, epoch=found["epoch"])
        assert (error["type"], error["code"]) == ("error", "bad_request")

    @gen_test
    async def test_a_bad_cursor_makes_no_room(self) -> None:
        """With a cursor that a new room cannot have, a room nobody has made is not found; a good one makes it."""
        client = await self.socket("bob")
        assert (await client.ask(type="subscribe", room="new", after=9))["code"] == "not_found"
        assert self.stored()["rooms"] == []
        assert (await client.ask(type="subscribe", room="new", after=0))["type"] == "subscribed"
        assert len(self.stored()["rooms"]) == 1

    @gen_test
    async def test_tells_who_comes_and_goes(self) -> None:
        """`joined` and `left` reach the others of the room, and not the one who comes."""
        ann = await self.socket("ann", room="a")
        bob = await self.socket("bob", room="a")
        assert (await ann.hear())["type"] == "joined"
        await bob.close()
        left = await ann.hear()
        assert (left["type"], left["room"], left["user"]["name"]) == ("left", "a", "bob")
        assert bob.told("joined") == []

    @gen_test
    async def test_tells_what_passes(self) -> None:
        """`typing` and `read` reach the room of those who are in it; outside they are a bad request."""
        ann, bob = await self.socket("ann", room="a"), await self.socket("bob", room="a")
        await bob.say(type="typing", room="A")
        assert (await ann.hear("typing"))["user"]["name"] == "bob"
        await bob.say(type="read", room="a", seq=0)
        assert (await ann.hear("read"))["seq"] == 0
        assert (await bob.ask(type="typing", room="elsewhere"))["code"] == "bad_request"
        assert bob.told("error") != []

    # Writing

    @gen_test
    async def test_sends(self) -> None:
        """The sender gets an ack and the entry with its key; the others the entry without; all the same `seq`."""
        ann, bob, key = await self.socket("ann", room="a"), await self.socket("bob", room="a"), new_key()
        ack = await ann.ask(type="send", room="A", key=key, text="hi 👋")
        assert (ack["type"], ack["key"], ack["room"], ack["seq"]) == ("ack", key, "a", 1)
        own, theirs = await ann.hear("message"), await bob.hear("message")
        assert own.pop("key") == key
        assert own == theirs
        assert (own["text"], own["seq"], own["at"], own["kind"]) == ("hi 👋", 1, ack["at"], "text")

    @gen_test
    async def test_changes(self) -> None:
        """Edits, deletions and reactions come as entries to everybody in the room."""
        ann, bob = await self.socket("ann", room="a"), await self.socket("bob", room="a")
        await ann.ask(type="send", room="a", key=new_key(), text="one")
        await ann.ask(type="edit", room="a", key=new_key(), target=1, text="two")
        await bob.ask(type="react", room="a", key=new_key(), target=1, emoji="👍")
        await ann.ask(type="delete", room="a", key=new_key(), target=1)
        heard = [await bob.hear("message", "edit", "reaction", "delete") for _ in range(4)]
        assert [message["seq"] for message in heard] == [1, 2, 3, 4]
        assert (heard[1]["target"], heard[1]["text"]) == (1, "two")
        assert (heard[2]["emoji"], heard[2]["on"]) == ("👍", True)
        assert heard[3]["type"] == "delete" and "text" not in heard[3]
        error = await bob.ask(type="edit", room="a", key=(key := new_key()), target=1, text="x")
        assert (error["code"], error["key"]) == ("not_found", key)

    @gen_test
    async def test_a_burst_keeps_its_order(self) -> None:
        """What one client sends without waiting is stored in its order, though the room is made by it."""
        client = await self.socket("ann")
        for n in range(50):
            await client.say(type="send", room="brand-new", key=new_key(), text=str(n))
        acks = [await client.hear("ack") for _ in range(50)]
        assert [ack["seq"] for ack in acks] == list(range(1, 51))
        page = (await self.page("brand-new", limit=100)).body
        assert [entry["text"] for entry in page["entries"]] == [str(n) for n in range(50)]

    @gen_test
    async def test_a_slow_look_overtakes_nothing(self) -> None:
        """Also where rights are looked up for each message, as a bot's are in a room that is asleep, and the first
        look takes longer than the second."""
        token = await self.account("ann")
        await self.send("a", "one", token=token)
        wanted = {"name": "Bot", "write": True}
        bot = (await self.call("POST", "/api/account/tokens", wanted, token=token)).body["token"]
        client = await self.socket(token=bot)
        self.chat.registry.in_memory.drop("a")
        look, looks, looked = self.chat.registry.is_known, 0, asyncio.Event()

        async def slow_at_first(*given: Any, **more: Any) -> bool:
            nonlocal looks
            looks += 1
            if looks == 1:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(looked.wait(), 0.3)
            return await look(*given, **more)

        replace_methods(self.chat.registry, is_known=slow_at_first)
        for text in ("two", "three"):
            await client.say(type="send", room="a", key=new_key(), text=text)
        await client.hear("ack")
        looked.set()
        await client.hear("ack")
        page = (await self.page("a", token=token)).body
        assert [entry["text"] for entry in page["entries"]] == ["one", "two", "three"]

    @gen_test
    async def test_too_much_under_way(self) -> None:
        """More than is allowed in hand is rate_limited with a time to wait; the rest is stored; the socket lives."""
        client = await self.socket("ann", room="a")
        gate = self.hold_inserts()
        for n in range(1_006):
            await client.say(type="send", room="a", key=new_key(), text=str(n))
        errors = [await client.hear("error") for _ in range(6)]
        assert {error["code"] for error in errors} == {"rate_limited"}
        assert all(error["retry_after"] > 0 and error["key"] for error in errors)
        assert (await client.ask(type="ping"))["type"] == "pong"
        gate.set()
        assert len([await client.hear("ack") for _ in range(1_000)]) == 1_000
        assert (await client.ask(type="send", room="a", key=new_key(), text="after"))["seq"] == 1_001

    @gen_test
    async def test_too_many_bytes_under_way(self) -> None:
        """What is under way is counted in bytes as well: 1 MiB of it, and the next message is rate_limited."""
        client = await self.socket("ann", room="a")
        gate = self.hold_inserts()
        for _ in range(18):
            await client.say(type="send", room="a", key=new_key(), kind="blob", data={"x": "y" * 60_000})
        assert (await client.hear("error"))["code"] == "rate_limited"
        gate.set()
        assert len([await client.hear("ack") for _ in range(17)]) == 17
        assert (await client.ask(type="send", room="a", key=new_key(), text="after"))["seq"] == 18

    @gen_test
    async def test_a_fault_of_ours_is_one_error(self) -> None:
        """An exception in one command is logged and answered, and the connection lives on."""
        client = await self.socket("ann", room="a")

        def broken(*_: object) -> None:
            raise RuntimeError("the details")

        replace_methods(self.chat.changes, begin=broken)
        with ExpectLog("parley.socket", "a command failed"):
            error = await client.ask(type="send", room="a", key=new_key(), text="hi")
        assert error["code"] == "unavailable" and "details" not in error["reason"]
        assert (await client.ask(type="ping"))["type"] == "pong"

    # Going

    @gen_test
    async def test_a_client_that_goes_away_frees_its_waiter(self) -> None:
        """A cut connection leaves its rooms, its name and the keepalive."""
        client = await self.socket("ann", room="a")
        assert (self.waiters_in("a"), len(self.chat.people), len(self.chat.keepalive)) == (1, 1, 1)
        client.cut()
        await until(lambda: self.waiters_in("a") == 0)
        await until(lambda: (len(self.chat.people), len(self.chat.keepalive), len(self.chat.clients)) == (0, 0, 0))
        await self.socket("ann")

    @gen_test
    async def test_a_name_with_a_session_is_held(self) -> None:
        """Who has a token keeps the name after the connection is gone."""
        client = await self.socket(token=self.token("ann"))
        await client.close()
        await until(lambda: len(self.chat.keepalive) == 0)
        assert (await self.refused("/ws?username=ann"))[0] == 409

    @gen_test
    async def test_one_who_goes_while_subscribing(self) -> None:
        """A connection that is cut while its room is read never stays in it."""
        reached, go_on, original = asyncio.Event(), asyncio.Event(), self.chat.registry.wake

        async def slow(*arguments: Any) -> Any:
            reached.set()
            await go_on.wait()
            return await original(*arguments)

        replace_methods(self.chat.registry, wake=slow)
        client = await self.raw_socket("/ws/a?username=ann")
        await reached.wait()
        client.cut()
        await until(lambda: len(self.chat.keepalive) == 0)
        go_on.set()
        await asyncio.sleep(0.02)
        assert self.waiters_in("a") == 0

    @gen_test
    async def test_is_closed_with_a_code_that_says_come_back(self) -> None:
        """When the server stops, sockets in rooms and others are closed with 1012."""
        clients = [await self.socket("ann", room="a"), await self.socket("bob")]
        self.chat.keepalive.stop()
        assert [await client.closed() for client in clients] == [1012, 1012]
