"""Bad input at both doors: the contract's error, the connection lives on, nobody else notices, nothing is written."""

import asyncio
import contextlib
import json
from typing import Any, ClassVar
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.testing import gen_test
from websockets.exceptions import ConnectionClosed

from tests.cases import ChatTestCase
from tests.clients import SocketClient
from tests.rooms import new_key
from tests.waiting import PATIENCE

KEY = "6e2c1b0a-9d47-4c39-8f5e-0a1b2c3d4e5f"
SEND: dict[str, Any] = {"type": "send", "room": "a", "key": KEY, "text": "hi"}

BAD_FRAMES: list[tuple[str | bytes, str]] = [
    ("hello", "bad_request"),
    ("", "bad_request"),
    ("[]", "bad_request"),
    ('"text"', "bad_request"),
    ("[" * 60_000, "bad_request"),
    (b'{"type":"ping"}', "bad_request"),
    (b"\xff\xfe", "bad_request"),
    (json.dumps({"type": "nonsense"}), "bad_request"),
    (json.dumps({"room": "a"}), "bad_request"),
    (json.dumps(SEND | {"more": 1}), "bad_request"),
    (json.dumps({"type": "send", "room": "a", "text": "hi"}), "bad_request"),
    (json.dumps(SEND | {"text": 5}), "bad_request"),
    (json.dumps(SEND | {"text": ""}), "bad_request"),
    (json.dumps(SEND | {"text": " \n "}), "bad_request"),
    (json.dumps(SEND | {"text": "x" * 4_001}), "too_large"),
    (json.dumps(SEND | {"text": "x" * 70_000}), "too_large"),
    (json.dumps(SEND | {"text": "x" * 1_000_000}), "too_large"),
    (json.dumps(SEND | {"key": "no uuid"}), "bad_request"),
    (json.dumps(SEND | {"room": "no room"}), "bad_request"),
    (json.dumps(SEND | {"room": ""}), "bad_request"),
    (json.dumps(SEND | {"room": "\u0000"}), "bad_request"),
    (json.dumps({"type": "subscribe", "room": "a/b"}), "bad_request"),
    (json.dumps({"type": "subscribe", "room": "listened", "after": 99}), "bad_request"),
    (json.dumps({"type": "subscribe", "room": "listened", "after": -2}), "bad_request"),
    (json.dumps({"type": "subscribe", "room": "listened", "history": -1}), "bad_request"),
    (json.dumps({"type": "typing", "room": "listened"}), "bad_request"),
    (json.dumps({"type": "edit", "room": "listened", "key": KEY, "target": 99, "text": "x"}), "not_found"),
    ('{"type":"ping","id":"\\ud800"}', "bad_request"),
]

BAD_BODIES: list[tuple[bytes, int]] = [
    (b"hello", 400),
    (b"", 400),
    (b"[]", 400),
    (b"null", 400),
    (b"[" * 60_000, 400),
    (b'{"a":' * 10_000, 400),
    (b"\xff\xfe", 400),
    (b'{"key":"' + KEY.encode() + b'","text":"\xff"}', 400),
    (b"\xef\xbb\xbf{}", 400),
    (json.dumps({"key": KEY}).encode(), 400),
    (json.dumps({"key": KEY, "text": ""}).encode(), 400),
    (json.dumps({"key": KEY, "text": "  "}).encode(), 400),
    (json.dumps({"key": KEY, "text": 1}).encode(), 400),
    (json.dumps({"key": KEY, "text": "hi", "more": 1}).encode(), 400),
    (json.dumps({"key": "k", "text": "hi"}).encode(), 400),
    (json.dumps({"key": KEY, "text": "x" * 4_001}).encode(), 413),
    (json.dumps({"key": KEY, "text": "x" * 70_000}).encode(), 413),
    (json.dumps({"key": KEY, "kind": "x", "data": 1}).encode(), 400),
]


class BadInputTest(ChatTestCase):
    settings: ClassVar = {"violations": 1_000_000}

    @gen_test
    async def test_frames(self) -> None:
        """Every bad frame gets its error, others in the room hear nothing, nothing is written, the socket works."""
        listener = await self.socket("bob", room="listened")
        client = await self.socket("ann")
        before = self.stored()
        for frame, code in BAD_FRAMES:
            await client.say_raw(frame)
            error = await client.hear()
            assert (error["type"], error["code"]) == ("error", code), frame[:100]
            assert error["reason"]
        assert self.stored() == before
        assert await listener.settled() == []
        await client.ask(type="send", room="listened", key=KEY, text="hi")
        assert (await listener.hear("message"))["text"] == "hi"

    @gen_test
    async def test_an_error_says_what_it_answers(self) -> None:
        """Id and key of a refused frame come back where they can be read."""
        client = await self.socket("ann")
        await client.say_raw(json.dumps({"type": "nonsense", "id": "i", "key": "k"}))
        error = await client.hear("error")
        assert (error["id"], error["key"]) == ("i", "k")
        error = await client.ask(**SEND | {"text": ""})
        assert error["key"] == KEY
        await client.say_raw(json.dumps(SEND | {"text": "x" * 70_000, "id": 9}))
        assert (await client.hear("error"))["key"] == KEY

    @gen_test
    async def test_bodies(self) -> None:
        """Every bad body gets its status, at all three doors, and nothing is written."""
        token = self.token("ann")
        for path in ("/api/rooms/a/messages", "/api/rooms/a/commands"):
            for body, status in BAD_BODIES:
                if path.endswith("commands") and body.startswith(b'{"key"') and b"\xff" not in body:
                    body = b'{"type":"send",' + body[1:]  # noqa: PLW2901 - the same message as a command
                answer = await self.call("POST", path, body, token=token)
                assert answer.status == status, (path, body[:100])
                assert answer.code == ("too_large" if status == 413 else "bad_request")
        for body in (b"[]", b"\xff", b"x", b"[" * 60_000, b'{"name":"\xff"}'):
            for path in ("/api/session", "/api/rooms"):
                answer = await self.call("POST", path, body, token=token)
                assert (answer.status, answer.code) == (400, "bad_request"), (path, body[:100])
        assert self.stored() == {"entries": [], "rooms": []}
        assert (await self.send("a", "works", token=token)) == 1

    @gen_test
    async def test_rooms_names_in_addresses(self) -> None:
        """What is no room's name is a bad request at every door, and makes nothing."""
        token = self.token("ann")
        for name in ("a%20b", "%2F", "..", "%00", "%FF", "%F0%9F%8E%89", "x" * 65):
            for method, path in (("POST", "messages"), ("POST", "commands"), ("GET", "messages")):
                body = {"text": "hi", "key": new_key()} if method == "POST" else None
                if path == "commands":
                    body = {"type": "send", **(body or {})}
                answer = await self.call(method, f"/api/rooms/{name}/{path}", body, token=token)
                assert (answer.status, answer.code) == (400, "bad_request"), (name, path)
        assert self.stored() == {"entries": [], "rooms": []}

    @gen_test
    async def test_a_repeated_key_is_no_violation(self) -> None:
        """It is answered with the entry of then, whoever sends it and whatever it says."""
        client = await self.socket("ann", room="a")
        first = await client.ask(**SEND)
        again = await client.ask(**SEND | {"text": "another"})
        first.pop("id"), again.pop("id")
        assert first == again
        assert len(self.stored()["entries"]) == 1

    @gen_test
    async def test_what_is_taken_can_be_read(self) -> None:
        """Data nested as deep as is taken is stored, told and read over every transport; deeper is a bad request.

        How deep is too deep for an encoder depends on its caller, so every depth around the border is tried.
        """
        token, client = self.token("bob"), await self.socket("ann", room="a")
        taken = 0
        for depth in [10, 100, *range(860, 1_000)]:
            data = '{"a":' + "[" * depth + "]" * depth + "}"
            await client.say_raw(f'{{"type":"send","room":"a","key":"{new_key()}","kind":"x","data":{data}}}')
            reply = await client.hear("ack", "error")
            assert reply["type"] == "ack" or reply["code"] == "bad_request", (depth, reply)
            taken += reply["type"] == "ack"
            body = f'{{"key":"{new_key()}","kind":"x","data":{data}}}'.encode()
            answer = await self.call("POST", "/api/rooms/a/messages", body, token=token)
            assert answer.status in (201, 400), (depth, answer)
            taken += answer.status == 201
        assert taken >= 2
        assert len((await self.page("a", limit=200)).body["entries"]) == taken
        stream = await self.stream("a", token=token, after=0)
        await stream.hear("subscribed")
        for seq in range(1, taken + 1):
            assert (await stream.hear("message"))["seq"] == seq
        for is_awake in (True, False):
            if not is_awake:
                self.chat.registry.in_memory._rooms.clear()
            answer = await self.poll("a", token=token, after=0)
            assert len(answer.body["rooms"]["a"]["entries"]) == taken

    @gen_test
    async def test_an_enormous_message_ends_its_connection_alone(self) -> None:
        """What is too large even to be read ends the connection, and nobody else's."""
        other, client = await self.socket("bob", room="a"), await self.socket("ann")
        with contextlib.suppress(ConnectionClosed):
            await client.say_raw("x" * (5 * 1024 * 1024))
        assert await client.closed() in (1009, None)
        assert (await other.ask(type="ping"))["type"] == "pong"


class ManyViolationsTest(ChatTestCase):
    @gen_test
    async def test_twenty_in_a_row(self) -> None:
        """The twentieth violation in a row closes with 4400; nobody else notices."""
        other, client = await self.socket("bob", room="a"), await self.socket("ann", room="a")
        await other.hear("joined")
        for _ in range(20):
            await client.say_raw("no json")
        assert await client.closed() == 4400
        assert len(client.told("error")) == 20
        assert [message["type"] for message in await other.settled()] == ["left"]

    @gen_test
    async def test_nineteen_and_a_good_one(self) -> None:
        """A good message between begins the count anew, be it answered at once or stored first."""
        client = await self.socket("ann", room="a")
        for good in ({"type": "ping"}, {"type": "send", "room": "a", "text": "hi"}, {"type": "subscribe", "room": "b"}):
            for _ in range(19):
                await client.say_raw(b"binary")
            await client.ask(**good, **({"key": new_key()} if good["type"] == "send" else {}))
        assert (await client.ask(type="ping"))["type"] == "pong"
        assert len(client.told("error")) == 57

    @gen_test
    async def test_what_is_no_violation(self) -> None:
        """Being refused for other reasons does not count."""
        client = await self.socket("ann", room="a")
        for _ in range(25):
            error = await client.ask(type="delete", room="a", key=new_key(), target=5)
            assert error["code"] == "not_found"
        assert (await client.ask(type="ping"))["type"] == "pong"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)
TYPES = ("subscribe", "unsubscribe", "send", "edit", "delete", "react", "typing", "read", "ping")
VALUES: dict[str, Any] = {
    "type": st.sampled_from(TYPES),
    "room": st.sampled_from(["a", "listened", "A", "", ".", "x y"]) | JSON,
    "key": st.uuids().map(str) | JSON,
    "text": st.text(max_size=30) | JSON,
    "kind": st.sampled_from(["text", "poll"]) | JSON,
    "data": st.dictionaries(st.text(max_size=6), JSON, max_size=3) | JSON,
    "target": st.integers(-1, 5) | JSON,
    "emoji": st.sampled_from(["👍", "", "a b"]) | JSON,
    "on": st.booleans() | JSON,
    "seq": st.integers(-1, 5) | JSON,
    "after": st.integers(-1, 5) | JSON,
    "epoch": JSON,
    "history": st.integers(-1, 300) | JSON,
    "name": JSON,
    "title": JSON,
}
NEARLY_GOOD = st.fixed_dictionaries(
    {"type": VALUES["type"], "room": VALUES["room"]},
    optional={name: value for name, value in VALUES.items() if name not in ("type", "room")},
)
RAW = st.text(max_size=60) | st.binary(max_size=60)
ANYTHING = st.one_of(NEARLY_GOOD.map(json.dumps), JSON.map(json.dumps), RAW)
CODES = {"bad_request", "forbidden", "not_found", "name_taken", "too_large", "rate_limited"}


class RandomTest(ChatTestCase):
    settings: ClassVar = {"violations": 1_000_000, "in_hand": 1_000}

    client: SocketClient

    def test_at_the_socket(self) -> None:
        """Whatever frames come, the socket answers with the contract's errors, logs nothing and lives on."""

        async def come() -> None:
            self.client = await self.socket("ann", room="listened")

        @settings(max_examples=150)
        @given(st.lists(ANYTHING, min_size=1, max_size=8))
        def throw(frames: list[str | bytes]) -> None:
            async def work() -> None:
                for frame in frames:
                    await self.client.say_raw(frame)
                for message in await self.client.settled():
                    if message["type"] == "error":
                        assert message["code"] in CODES, (frames, message)

            self.run_async(work)

        self.run_async(come)
        throw()

        async def check() -> None:
            await self.client.ask(type="subscribe", room="listened")  # a random frame may have left it
            assert (await self.client.ask(type="send", room="listened", key=new_key(), text="hi"))["type"] == "ack"
            assert self.waiters_in("listened") == 1

        self.run_async(check)

    def test_at_the_door_of_http(self) -> None:
        """Whatever bodies come to whatever call, never a 500, and errors are the contract's."""
        token = self.token("ann")
        paths = st.sampled_from(["/api/rooms/a/messages", "/api/rooms/a/commands", "/api/rooms", "/api/session"])

        @settings(max_examples=200)
        @given(paths, ANYTHING)
        def throw(path: str, body: str | bytes) -> None:
            raw = body.encode(errors="surrogatepass") if isinstance(body, str) else body

            async def work() -> None:
                answer = await self.call("POST", path, raw, token=token)
                assert answer.status in (200, 201, 204, 400, 403, 404, 409, 413), (path, raw, answer)
                if answer.status >= 400:
                    assert answer.code in CODES and answer.reason

            self.run_async(work)

        throw()

    def test_in_addresses(self) -> None:
        """Whatever stands in the query of whatever call, never a 500."""
        token = self.token("ann")
        paths = st.sampled_from(
            ["/api/poll", "/api/rooms", "/api/rooms/a/messages", "/api/rooms/a%20/messages", "/api/stream"]
        )
        names = st.sampled_from(["room", "after", "epoch", "wait", "limit", "before", "history", "members"])
        numbers = st.integers().map(str) | st.sampled_from(["-1", "0", "1", "٣", "1e3", "", "-", "+1", " 1", "0x1"])
        pairs = st.lists(st.tuples(names, numbers | st.text(max_size=5)), max_size=6)

        @settings(max_examples=150)
        @given(paths, pairs)
        def throw(path: str, query: list[tuple[str, str]]) -> None:
            fields = [(name, value.encode(errors="surrogatepass")) for name, value in query if name != "wait"]

            async def work() -> None:
                if path == "/api/stream":
                    fields.append(("after", b"x"))  # so that it is refused, and ends
                answer = await self.call("GET", f"{path}?{urlencode([*fields, ('wait', '0')])}", token=token)
                assert answer.status in (200, 400, 404), (path, query, answer)

            self.run_async(work)

        throw()


class LongBodyTest(ChatTestCase):
    settings: ClassVar = {"frame_limit": 100_000}

    @gen_test
    async def test_a_body_longer_than_any_may_be(self) -> None:
        """It is too_large, as JSON or as a page, though it is not read; the connection ends, and nothing is written."""
        token = self.token("ann")
        for path in ("/api/rooms/a/messages", "/api/rooms", "/api/account", "/sign-in"):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
            self._cuts.append(writer.transport.abort)
            head = ("POST " + path + " HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}")
            writer.write("\r\n".join((*head, "Content-Length: 100001", "", "")).encode())
            async with asyncio.timeout(PATIENCE):
                first, _, rest = (await reader.read()).partition(b"\r\n")
            assert b" 413 " in first, path
            assert rest.count(b"HTTP/1.1") == 0 and b"Connection: close" in rest
            content = rest.partition(b"\r\n\r\n")[2]
            if path.startswith("/api"):
                assert json.loads(content)["error"]["code"] == "too_large"
        answer = await self.call("POST", "/api/rooms", b" " * 100_000, token=token)
        assert (answer.status, answer.code) == (413, "too_large")
        assert (await self.call("POST", "/api/rooms", b"", token=token)).status == 201
        assert [room["name"] for room in self.stored()["rooms"]] != ["a"]
