"""A visitor of a support desk can only ever see their own conversation, and nothing that agents note about it."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlencode

from tornado.testing import gen_test

from handlers.identity import COOKIE
from tests.api import operations
from tests.handlers.test_desks import DeskCase
from tests.rooms import new_key

# The calls that a visitor's token is for.
VISITORS_CALLS = {
    *("GET /api/rooms/{room}/messages", "POST /api/rooms/{room}/messages", "POST /api/rooms/{room}/commands"),
    *("GET /api/poll", "GET /api/stream", "GET /api/conversations/{id}/own", "GET /api/conversations/{id}/transcript"),
    *("GET /api/desks/{desk}", "POST /api/desks/{desk}/conversations", "GET /api/desks/{desk}/conversations"),
    *("DELETE /api/desks/{desk}",),
}
SECRET = "a note that nobody else may read"


def reading(room: str) -> Iterator[tuple[str, str, Any]]:
    """Every way to read a room, or to change it, with the calls that visitors have."""
    place, key = f"/api/rooms/{room}", new_key()
    yield "GET", f"{place}/messages", None
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
    for query in ({"after": 0}, {"after": -1}, {"after": 5, "epoch": "e"}):
        yield "GET", "/api/poll?" + urlencode({"room": room, "wait": 0, **query}), None
    yield "GET", "/api/stream?" + urlencode({"room": room}), None
    yield "GET", f"/api/conversations/{room}/own", None
    yield "GET", f"/api/conversations/{room}/transcript", None


class VisitorTest(DeskCase):
    settings: ClassVar = {"desk_rate": "1000/1000"}

    @gen_test(timeout=60)
    async def test_another_visitors_conversation_does_not_exist(self) -> None:
        """By every call that a visitor has, other conversations, private, open and agents' rooms are not there."""
        await self.furnish()
        own, token = await self.begin("mine")
        other, _ = await self.begin("another's secret")
        await self.send("lobby", "open to guests", token=self.token("guest"))
        for room in (other, self.desk["room"], "lobby", "nowhere"):
            for method, path, body in reading(room):
                answer = await self.call(method, path, body, token=token)
                assert (answer.status, answer.code) == (404, "not_found"), (method, path, answer)
        for method, path, body in reading(own):
            if "stream" not in path and "epoch" not in path:
                answer = await self.call(method, path, body, token=token)
                assert answer.status in (200, 201, 204), (method, path, answer)

    @gen_test(timeout=60)
    async def test_the_token_opens_nothing_else(self) -> None:
        """All other calls of the API refuse it before they look at anything, whatever they are about; as a cookie it
        is worth nothing at all."""
        await self.furnish()
        own, token = await self.begin()
        tried = 0
        for call in operations():
            if call.label in VISITORS_CALLS:
                continue
            parts = {"room": own, "id": own, "who": "ann", "token": "x", "range": "203.0.113.0%2F24", "desk": "shop"}
            path = call.path.format(**{name: parts.get(name, "1") for name in call.parameters("path")})
            if not path.startswith("/api/") or call.path.startswith(("/api/openapi", "/api/openid")):
                continue  # for everybody, or pages
            answer = await self.call(call.method, path, {} if call.forms else None, token=token)
            assert (answer.status, answer.code) == (403, "forbidden"), (call.label, answer)
            assert answer.reason == "A visitor's token is for their own conversation alone.", call.label
            tried += 1
        assert tried > 40
        for method, path in (("GET", "/api/desks/shop/conversations?state=waiting"), ("DELETE", "/api/desks/shop")):
            assert (await self.call(method, path, token=token)).status in (403, 404), path
        for path in ("/", "/account", "/admin", "/desk", f"/chat/{own}"):
            assert (await self.call("GET", path, token=token)).status == 403, path
        cookie = {"Cookie": f"{COOKIE}={token}"}
        assert (await self.call("GET", f"/api/rooms/{own}/messages", headers=cookie)).status == 404
        assert (await self.call("GET", "/api/session", headers=cookie)).status == 401

    @gen_test
    async def test_a_socket_carries_one_conversation(self) -> None:
        """Over a socket, with the token in a header or as a subprotocol, no other room, no stranger and no new room."""
        await self.furnish()
        own, token = await self.begin()
        other, _ = await self.begin()
        await self.send("lobby", "open", token=self.token("guest"))
        offered = {"Sec-WebSocket-Protocol": f"parley, bearer.{token}"}
        for client in (await self.socket(token=token), await self.raw_socket("/ws", headers=offered)):
            assert (await client.ask(type="subscribe", room=own))["type"] == "subscribed"
            for room in (other, self.desk["room"], "lobby", "nowhere"):
                refused = await client.ask(type="subscribe", room=room)
                assert (refused["type"], refused["code"]) == ("error", "not_found"), room
                refused = await client.ask(type="send", room=room, key=new_key(), text="x")
                assert (refused["type"], refused["code"]) == ("error", "not_found"), room
            assert (await client.ask(type="pair"))["code"] == "forbidden"
        assert {room["name"] for room in self.stored()["rooms"]} == {own, other, self.desk["room"], "lobby"}
        wrong = await self.raw_socket("/ws", headers={"Sec-WebSocket-Protocol": f"parley, bearer.{token}x"})
        assert await wrong.closed() == 4401

    @gen_test
    async def test_notes_never_reach_the_visitor(self) -> None:
        """What agents note comes by no path: socket, stream, poll, page of history, transcript."""
        await self.furnish()
        room, token = await self.begin()
        socket = await self.socket(room=room, token=token)
        stream = await self.stream(room, token=token)
        poll = await self.waiting_poll(room, token=token, after=1, members=1)
        assert (await self.step(room, "note", token=self.ann, text=SECRET)).status == 200
        assert (await self.call("GET", f"/api/conversations/{room}", token=self.bob)).body["notes"][0]["text"] == SECRET
        await self.step(room, "take", token=self.ann)
        await self.send(room, "an answer", token=self.ann)
        await socket.hear_where(lambda heard: heard.get("text") == "an answer")
        await stream.hear("message")
        polls = [(await poll).body, (await self.poll(room, token=token, after=0)).body]
        told = json.dumps([await socket.settled(), socket.heard, stream.heard, polls])
        pages = [(await self.page(room, token=token)).body, (await self.poll(room, token=token, after=-1)).body]
        pages.append((await self.call("GET", f"/api/conversations/{room}/own", token=token)).body)
        for form in ("text", "json"):
            for reader in (token, self.ann):
                answer = await self.call("GET", f"/api/conversations/{room}/transcript?as={form}", token=reader)
                assert answer.status == 200 and "an answer" in str(answer.body)
                pages.append(str(answer.body))
        assert "an answer" in told and SECRET not in told and SECRET not in json.dumps(pages)

    @gen_test
    async def test_nobody_looks_a_visitor_up(self) -> None:
        """A visitor's name and address are for their agents alone: no list, profile or search has them for others."""
        await self.furnish()
        room, token = await self.begin(name="Vera", email="vera@example.org")
        await self.socket(room=room, token=token)
        visitor = (await self.queue())[0]["visitor"]["id"]
        for who in (self.admin, self.token("guest"), ""):
            rooms = await self.call("GET", "/api/rooms", token=who)
            assert room not in json.dumps(rooms.body) and "Vera" not in json.dumps(rooms.body)
            assert (await self.call("GET", f"/api/rooms/{room}", token=who)).status == 404
            assert (await self.page(room, token=who)).status == 404
        for path in (f"/api/people/{visitor}", f"/api/conversations/{room}", f"/api/conversations/{room}/transcript"):
            assert (await self.call("GET", path, token=self.admin)).status == 404, path
        assert (await self.call("GET", "/api/admin/rooms?find=vera", token=self.admin)).body["rooms"] == []
        assert (await self.call("POST", "/api/direct", {"people": [visitor]}, token=self.ann)).status == 404
        answer = await self.call("PUT", f"/api/rooms/{room}/members/root", {}, token=self.ann)
        assert answer.status == 403
        assert self.token("Vera")  # the name is no less free for that

    @gen_test
    async def test_who_is_no_agent_any_more_is_out(self) -> None:
        """Losing the desk ends all that agents have of it, live connections too."""
        await self.furnish()
        room, _ = await self.begin()
        socket = await self.socket(room=room, token=self.bob)
        assert (await self.page(room, token=self.bob)).status == 200
        await self.call("PUT", "/api/desks/shop/settings", {"title": "x", "agents": ["ann"]}, token=self.admin)
        assert await socket.closed() == 4403
        for path in (f"/api/rooms/{room}/messages", f"/api/conversations/{room}", "/api/desks/shop/settings"):
            assert (await self.call("GET", path, token=self.bob)).status == 404, path
        assert (await self.step(room, "take", token=self.bob)).status == 404
        assert (await self.page(room, token=self.ann)).status == 200

    @gen_test
    async def test_a_bot_sees_the_desks_that_its_token_is_for(self) -> None:
        """An agent's token for some rooms opens the queue of no desk whose agents' room is not among them."""
        await self.furnish()
        await self.begin("my address is …", email="vera@example.org")
        calls = ("/api/desks/shop/conversations?state=waiting", "/api/desks/shop/settings")
        for name, rooms, status in (("Other", ["lobby"], 404), ("Own", [self.desk["room"]], 200), ("All", [], 200)):
            wanted = {"name": name, "rooms": rooms}
            bot = (await self.call("POST", "/api/account/tokens", wanted, token=self.ann)).body["token"]
            assert [(await self.call("GET", path, token=bot)).status for path in calls] == [status] * 2, name
            listed = (await self.call("GET", "/api/desks", token=bot)).body["desks"]
            assert [desk["name"] for desk in listed] == (["shop"] if status == 200 else []), name

    @gen_test
    async def test_desks_are_the_administrators(self) -> None:
        """Nobody else makes, changes or deletes a desk, or a conversation; a bot takes none."""
        await self.furnish()
        room, token = await self.begin()
        for who in (self.ann, self.token("guest")):
            for method, path, body in (
                ("PUT", "/api/desks/other/settings", {"title": "x"}),
                ("PUT", "/api/desks/shop/settings", {"title": "x"}),
                ("DELETE", "/api/desks/shop", None),
                ("DELETE", f"/api/conversations/{room}", None),
            ):
                assert (await self.call(method, path, body, token=who)).status == 403, (method, path)
        made = await self.call("POST", "/api/account/tokens", {"name": "robot", "days": 1}, token=self.ann)
        bot = made.body["token"]
        assert (await self.page(room, token=bot)).status == 200
        assert (await self.step(room, "take", token=bot)).code == "forbidden"
        assert (await self.call("DELETE", f"/api/conversations/{room}", token=self.admin)).status == 204
        assert (await self.page(room, token=token)).status == 401  # nobody has such a token any more
        assert room not in {entry["log"] for entry in self.stored()["entries"]}

    @gen_test
    async def test_what_the_server_says_nobody_else_does(self) -> None:
        """The kinds of entries that tell what has become of a conversation, or are the staff's, are refused of all."""
        await self.furnish()
        room, token = await self.begin()
        for kind in ("desk.taken", "desk.note", "staff", "staff.x"):
            for who in (token, self.ann):
                fields = {"kind": kind, "data": {"text": "x"}, "key": new_key()}
                assert (await self.command(room, token=who, type="send", **fields)).code == "forbidden", kind
                posted = await self.call("POST", f"/api/rooms/{room}/messages", fields, token=who)
                assert posted.code == "forbidden", kind


class GateTest(DeskCase):
    settings: ClassVar = {"desk_rate": "0.001/2", "desk_open_limit": 3, "guests": "no"}

    @gen_test
    async def test_conversations_have_limits(self) -> None:
        """One address begins so many, and a desk has so many that are open; a text has its usual size."""
        await self.furnish()
        await self.begin()
        long = {"text": "x" * 5_000, "key": new_key()}
        assert (await self.call("POST", "/api/desks/shop/conversations", long)).code == "too_large"
        await self.begin()
        answer = await self.call("POST", "/api/desks/shop/conversations", {"text": "x", "key": new_key()})
        assert answer.code == "rate_limited" and int(answer.headers["Retry-After"]) > 100

    @gen_test
    async def test_a_desk_is_for_guests_whatever_else_is(self) -> None:
        """Where guests are not let in, a visitor is: into their conversation alone."""
        await self.furnish()
        room, token = await self.begin()
        assert (await self.page(room, token=token)).status == 200
        await self.send(room, "more", token=token)
        assert (await self.call("POST", "/api/session", {"name": "guest"})).status == 403


class FullTest(DeskCase):
    settings: ClassVar = {"desk_rate": "100/100", "desk_open_limit": 2}

    @gen_test
    async def test_a_full_desk_says_so(self) -> None:
        """A desk has so many open conversations; one that is closed makes room."""
        await self.furnish()
        room, _ = await self.begin()
        await self.begin()
        full = {"text": "x", "key": new_key()}
        answer = await self.call("POST", "/api/desks/shop/conversations", full)
        assert (answer.status, answer.code) == (403, "forbidden")
        assert (await self.step(room, "close", token=self.ann)).status == 200
        assert (await self.call("POST", "/api/desks/shop/conversations", full)).status == 201


class FrameTest(DeskCase):
    settings: ClassVar = {"embed_origins": "https://www.example.org, http://localhost:8000"}

    @gen_test
    async def test_a_frame_is_for_the_sites_that_are_named(self) -> None:
        """The frame's page names who may show it, all other pages nobody; the loader is for everybody."""
        await self.furnish()
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
        page = await self.call("GET", "/widget/shop", headers=foreign)
        assert page.status == 200
        policy = page.headers["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors https://www.example.org http://localhost:8000")
        assert "default-src 'none'; script-src 'self'" in policy
        for path in ("/", "/desk", "/chat/lobby", "/sign-in", "/widget/nowhere"):
            other = await self.call("GET", path, headers=foreign)
            assert "frame-ancestors 'none'" in other.headers["Content-Security-Policy"] or path == "/widget/nowhere"
        assert (await self.call("GET", "/widget/nowhere")).status == 404
        script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
        loader = await self.call("GET", "/widget.js", headers=script)
        assert loader.status == 200 and loader.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert loader.headers["Content-Type"].startswith(("text/javascript", "application/javascript"))
        assert (await self.call("POST", "/widget.js", b"", headers=script)).status in (403, 405)
        begun = {"text": "x", "key": new_key()}
        answer = await self.call(
            "POST", "/api/desks/shop/conversations", begun, headers={"Origin": "http://evil.example"}
        )
        assert answer.status == 403

    @gen_test
    async def test_without_such_sites_there_is_no_frame(self) -> None:
        """Where no site is named, a frame gets nothing."""
        await self.furnish()
        self._app.settings["embedders"] = ()
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
        answer = await self.call("GET", "/widget/shop", headers=foreign)
        assert answer.status == 403
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
