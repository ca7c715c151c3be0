"""A private room that one may not see and a room that does not exist give the same answer, by every way."""

import json
import re
import time
from collections.abc import Iterator
from statistics import median
from typing import Any, ClassVar
from urllib.parse import urlencode

from tornado.httpclient import HTTPResponse
from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.rooms import new_key

NO_ROOM = "There is no such room."


class HiddenTest(ChatTestCase):
    """Who makes a room by visiting it is told of a private one that there is none, and makes no other in its place;
    here are those who make none, and the ways that make none."""

    settings: ClassVar = {"guests": "read"}

    def requests(self, room: str) -> Iterator[tuple[str, str, Any]]:
        """Every way to ask for a room over HTTP."""
        place, key = f"/api/rooms/{room}", new_key()
        yield "GET", place, None
        yield "PATCH", place, {"title": "x"}
        yield "PATCH", place, {"locked": True}
        yield "DELETE", place, None
        yield "GET", f"{place}/messages", None
        yield "GET", f"{place}/messages?before=3&limit=1", None
        yield "POST", f"{place}/messages", {"text": "x", "key": key}
        for fields in (
            {"type": "send", "text": "x", "key": key},
            {"type": "edit", "text": "x", "key": key, "target": 1},
            {"type": "delete", "key": key, "target": 1},
            {"type": "react", "emoji": "x", "key": key, "target": 1},
            {"type": "typing"},
            {"type": "read", "seq": 1},
        ):
            yield "POST", f"{place}/commands", fields
        yield "GET", f"{place}/members", None
        yield "PUT", f"{place}/members/ann", {}
        yield "DELETE", f"{place}/members/ann", None
        yield "GET", f"{place}/invitations", None
        yield "POST", f"{place}/invitations", {}
        yield "DELETE", f"{place}/invitations/x", None
        yield "GET", f"{place}/moderation", None
        yield "POST", f"{place}/moderation", {"act": "mute", "who": "x"}
        yield "POST", f"{place}/reports", {"seq": 1, "reason": "x"}
        for query in ({"after": 0}, {"after": 5}, {"after": -1}, {"after": 5, "epoch": "e"}):
            for path in ("/api/poll", "/api/stream"):
                if query["after"] != -1 or path == "/api/poll":
                    yield "GET", f"{path}?" + urlencode({"room": room, "wait": 0, **query}), None

    async def fetched(self, method: str, path: str, body: Any, token: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers, without what differs from one moment to the next."""
        response: HTTPResponse = await self.http_client.fetch(
            self.get_url(path),
            method=method,
            body=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            raise_error=False,
            allow_nonstandard_methods=True,
        )
        headers = {name: value for name, value in response.headers.get_all() if name != "Date"}
        return response.code, response.body, headers

    async def hidden(self) -> tuple[str, dict[str, str]]:
        """Makes private rooms, of which one is asleep; its owner's token, and tokens of those who may not see them."""
        ann = await self.account("ann")
        for room in ("den-one", "den-two"):
            await self.call("POST", "/api/rooms", {"name": room, "access": "private"}, token=ann)
            await self.send(room, "secret", token=ann)
        await self.chat.registry.in_memory.mark_active()
        sleeping = self.awake("den-two")
        assert sleeping is not None
        self.chat.registry.in_memory.drop(sleeping.key)
        await self.account("eve")
        bot = {"name": "bot", "rooms": [], "write": True, "days": 1}
        eve = await self.sign_in("eve")
        made = (await self.call("POST", "/api/account/tokens", bot, token=eve)).body["token"]
        return ann, {"nobody": "", "guest": self.token("gus"), "bot": made, "account": eve}

    @gen_test(timeout=60)
    async def test_over_http(self) -> None:
        """Status, headers and body are the same to the byte, whoever asks by whatever call, awake or asleep."""
        ann, others = await self.hidden()
        for who, token in others.items():
            rooms = [list(self.requests(room)) for room in ("no-such", "den-one", "den-two")]
            for method, path, body in rooms[0]:
                if who == "account" and _makes(method, path, body):
                    continue
                same = [(m, p, b) for each in rooms[1:] for m, p, b in each if _alike((m, p, b), (method, path, body))]
                assert len(same) == 2
                expected = await self.fetched(method, path, body, token)
                assert expected[0] in (401, 404), (who, method, path, expected)
                for other in same:
                    assert await self.fetched(*other, token) == expected, (who, other)
        assert [room["_id"] for room in self.stored()["rooms"]] == ["den-one", "den-two"]
        assert (await self.page("den-two", token=ann)).status == 200

    @gen_test
    async def test_over_sockets(self) -> None:
        """The replies are the same, and a socket at the room's own address is answered the same."""
        ann, others = await self.hidden()
        commands: list[dict[str, Any]] = [
            {"type": "subscribe"},
            {"type": "subscribe", "after": 3},
            {"type": "subscribe", "after": 3, "epoch": "e"},
            {"type": "send", "text": "x"},
            {"type": "edit", "text": "x", "target": 1},
            {"type": "delete", "target": 1},
            {"type": "react", "emoji": "x", "target": 1},
            {"type": "typing"},
            {"type": "read", "seq": 1},
            {"type": "unsubscribe"},
        ]
        key = new_key()
        for who in ("guest", "bot"):
            client = await self.socket(token=others[who])
            for command in commands:
                fields = command | ({"key": key} if command["type"] in ("send", "edit", "delete", "react") else {})
                replies = []
                for room in ("no-such", "den-one", "den-two"):
                    reply = await client.ask(**fields, room=room)
                    if command["type"] == "unsubscribe":
                        assert reply.pop("room") == room  # as it was asked
                    replies.append({name: value for name, value in reply.items() if name != "id"})
                assert replies[0] == replies[1] == replies[2], (who, command)
            for room in ("no-such", "den-one", "den-two"):
                client = await self.raw_socket(f"/ws/{room}", token=others[who])
                await client.hear("welcome")
                error = await client.hear("error")
                assert (error["code"], error["reason"]) == ("not_found", NO_ROOM)
        assert await self.socket(room="den-one", token=ann)

    @gen_test
    async def test_the_page_is_the_same(self) -> None:
        """But for the name that was asked for; the title of a private room is for those who see it."""
        ann, others = await self.hidden()
        await self.call("PATCH", "/api/rooms/den-one", {"title": "A secret title"}, token=ann)
        assert b"A secret title" in (await self.fetched("GET", "/chat/den-one", None, ann))[1]
        for token in others.values():
            status, page, _ = await self.fetched("GET", "/chat/no-such", None, token)
            for room in (b"den-one", b"den-two"):
                found = await self.fetched("GET", f"/chat/{room.decode()}", None, token)
                assert (found[0], found[1].replace(room, b"no-such")) == (status, page)

    @gen_test(timeout=60)
    async def test_in_the_same_time(self) -> None:
        """How long the refusal takes does not tell either: medians of many questions, in turn."""
        _, others = await self.hidden()
        times: dict[str, list[float]] = {"no-such": [], "den-one": [], "den-two": []}
        for turn in range(120):
            for room in times if turn % 2 else reversed(times):
                begun = time.perf_counter()
                answer = await self.fetched("GET", f"/api/rooms/{room}/messages", None, others["account"])
                times[room].append(time.perf_counter() - begun)
                assert answer[0] == 404
        medians = {room: median(taken[20:]) for room, taken in times.items()}
        assert max(medians.values()) < 1.35 * min(medians.values()), medians


def _makes(method: str, path: str, body: Any) -> bool:
    """Whether the request makes a room where there is none."""
    if method == "GET":
        return path.startswith(("/api/poll", "/api/stream")) and not path.endswith("after=5")
    return "text" in (body or {}) and "target" not in body


def _alike(one: tuple[str, str, Any], other: tuple[str, str, Any]) -> bool:
    """Whether two requests differ in the room and the key alone."""

    def shape(request: tuple[str, str, Any]) -> tuple[str, str, str]:
        method, path, body = request
        fields = {name: value for name, value in body.items() if name != "key"} if isinstance(body, dict) else body
        return method, re.sub("no-such|den-one|den-two", "room", path), json.dumps(fields)

    return shape(one) == shape(other)
