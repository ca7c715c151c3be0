"""Rooms: what they promise about who is in them, what they keep and how they end, one test a promise."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from statistics import median
from typing import Any, ClassVar
from urllib.parse import urlencode
from xml.etree import ElementTree

from tornado.httpclient import HTTPResponse
from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.rooms import new_key
from tests.waiting import until

NO_ROOM = "There is no such room."


class RoomsTest(ChatTestCase):
    async def made(self, token: str, **wanted: Any) -> str:
        answer = await self.call("POST", "/api/rooms", wanted, token=token)
        assert answer.status == 201, answer
        return str(answer.body["name"])

    async def invited(self, room: str, token: str, **wanted: int) -> dict[str, Any]:
        answer = await self.call("POST", f"/api/rooms/{room}/invitations", wanted, token=token)
        assert answer.status == 201, answer
        return dict(answer.body)

    async def reads(self, room: str, token: str) -> bool:
        return (await self.page(room, token=token)).status == 200

    # Open, private (members only), and secret-link rooms

    @gen_test
    async def test_an_open_room_is_for_everybody(self) -> None:
        """Everybody finds it in the list, reads it and writes to it, with a name or an account."""
        await self.made(await self.account("ann"), name="hall")
        assert [room["name"] for room in (await self.call("GET", "/api/rooms")).body["rooms"]] == ["hall"]
        for token in (self.token("gus"), await self.account("bob")):
            await self.send("hall", "hi", token=token)
            assert await self.reads("hall", token)
        assert await self.reads("hall", "")

    @gen_test
    async def test_a_private_room_is_for_its_members(self) -> None:
        """Its list, its log and its name are for those whom its moderators let in; for nobody else, not even by the
        list of rooms."""
        ann, bob, eve = [await self.account(name) for name in ("ann", "bob", "eve")]
        await self.made(ann, name="den", access="private")
        await self.send("den", "hi", token=ann)
        for token in (bob, eve, self.token("gus"), ""):
            assert not await self.reads("den", token)
        assert (await self.call("PUT", "/api/rooms/den/members/bob", {}, token=ann)).status == 204
        assert await self.reads("den", bob)
        await self.send("den", "hello", token=bob)
        for token in (eve, self.token("guy"), ""):
            assert not await self.reads("den", token)
            assert (await self.call("GET", "/api/rooms", token=token)).body["rooms"] == []
        for token in (ann, bob):
            assert [room["name"] for room in (await self.call("GET", "/api/rooms", token=token)).body["rooms"]] == [
                "den"
            ]

    @gen_test
    async def test_a_secret_link_room_is_for_those_who_have_the_link(self) -> None:
        """Guests too, for as long as their session lives; each of its members may hand on a link of their own."""
        ann, gus, guy = await self.account("ann"), self.token("gus"), self.token("guy")
        name = await self.made(ann, access="link")
        assert re.fullmatch("[0-9a-f]{32}", name)
        first = await self.invited(name, ann)
        assert (await self.call("POST", f"/api/invitations/{first['token']}", token=gus)).body == {"room": name}
        await self.send(name, "hi", token=gus)
        second = await self.invited(name, gus)
        assert (await self.call("POST", f"/api/invitations/{second['token']}", token=guy)).status == 200
        assert await self.reads(name, guy)
        assert (await self.call("DELETE", "/api/session", token=guy)).status == 204
        assert (await self.page(name, token=guy)).status == 401
        assert not await self.reads(name, self.token("guy"))

    # An invitation link with an expiry and a number of uses, revocable, as text and QR code

    @gen_test
    async def test_an_invitation_is_a_text_and_a_picture_of_it(self) -> None:
        """An address with 256 random bits, and a QR code of it that carries nothing that could run."""
        ann = await self.account("ann")
        await self.made(ann, name="den", access="private")
        invitation = await self.invited("den", ann)
        assert invitation["url"].endswith(f"/join/{invitation['token']}")
        assert len(invitation["token"]) == 43
        picture = ElementTree.fromstring(invitation["qr"])
        assert {element.tag.rpartition("}")[2] for element in picture.iter()} == {"svg", "path"}
        assert {name for element in picture.iter() for name in element.attrib} <= {"viewBox", "fill", "stroke", "d"}

    @gen_test
    async def test_an_invitation_lets_in_as_many_as_it_says(self) -> None:
        """Twenty who come at once by a link for seven are seven members."""
        ann = await self.account("ann")
        await self.made(ann, name="den", access="link")
        token = (await self.invited("den", ann, uses=7))["token"]
        people = [self.token(f"g{n}") for n in range(9)] + [await self.account(f"a{n}") for n in range(3)]
        answers = await asyncio.gather(*(self.call("POST", f"/api/invitations/{token}", token=each) for each in people))
        statuses = sorted(answer.status for answer in answers)
        assert statuses[:7] == [200] * 7 and set(statuses[7:]) <= {404, 429}
        assert (await self.call("GET", "/api/rooms/den", token=ann)).body["members_count"] == 8

    @gen_test
    async def test_wrong_invitations_are_all_alike(self) -> None:
        """Used up, too old, revoked, never made: the same answer to the byte, and none of them lets anybody in."""
        ann, bob = await self.account("ann"), await self.account("bob")
        await self.made(ann, name="den", access="link")
        used, old, revoked = [await self.invited("den", ann) for _ in range(3)]
        assert (await self.call("POST", f"/api/invitations/{used['token']}", token=bob)).status == 200
        invitations = self.mongod.client[self.database_name].invitations
        invitations.update_one({"_id": old["id"]}, {"$set": {"until": 1}})
        await self.call("DELETE", f"/api/rooms/den/invitations/{revoked['id']}", token=ann)
        eve = self.token("eve")
        answers = [
            (await self.call("POST", f"/api/invitations/{token}", token=eve))
            for token in (used["token"], old["token"], revoked["token"], "x" * 43)
        ]
        assert {(answer.status, json.dumps(answer.body)) for answer in answers} == {
            (404, json.dumps({"error": {"code": "not_found", "reason": "There is no such invitation."}}))
        }
        assert not await self.reads("den", eve)

    @gen_test
    async def test_an_invitation_is_stored_as_a_hash(self) -> None:
        """Who reads the database cannot use what is there."""
        ann = await self.account("ann")
        await self.made(ann, name="den", access="link")
        token = (await self.invited("den", ann))["token"]
        for name in self.mongod.client[self.database_name].list_collection_names():
            for document in self.mongod.client[self.database_name][name].find():
                assert token not in str(document)

    # Direct messages between two people and small groups

    @gen_test
    async def test_a_direct_conversation_is_for_its_people(self) -> None:
        """Nobody else sees, enters, or is let into it, administrators included; two who begin at once find each
        other."""
        ann, bob, cid = [await self.account(name) for name in ("ann", "bob", "cid")]
        root = await self.account("root", admin=True)
        begun = await asyncio.gather(
            self.call("POST", "/api/direct", {"people": ["bob"]}, token=ann),
            self.call("POST", "/api/direct", {"people": ["ann"]}, token=bob),
        )
        assert sorted(answer.status for answer in begun) == [200, 201]
        name = begun[0].body["name"]
        assert begun[1].body["name"] == name
        await self.send(name, "between us", token=ann)
        assert await self.reads(name, bob)
        for token in (cid, root, self.token("gus"), ""):
            assert not await self.reads(name, token)
            if token:
                for method, path, body in (
                    ("PUT", f"/api/rooms/{name}/members/cid", {}),
                    ("POST", f"/api/rooms/{name}/invitations", {}),
                    ("DELETE", f"/api/rooms/{name}", None),
                ):
                    assert (await self.call(method, path, body, token=token)).status == 404
        for method, path, body in (
            ("PUT", f"/api/rooms/{name}/members/cid", {}),
            ("POST", f"/api/rooms/{name}/invitations", {}),
            ("PATCH", f"/api/rooms/{name}", {"access": "open"}),
        ):
            assert (await self.call(method, path, body, token=ann)).status == 403

    # A lifetime for each room: kept, kept for n days, or ephemeral

    @gen_test
    async def test_entries_are_kept_for_as_long_as_the_room_says(self) -> None:
        """After its days an entry is nowhere: not in the store, not in memory, not in any answer; a kept room keeps
        it."""
        ann = await self.account("ann")
        for name, lifetime in (("kept", "kept"), ("days", 3)):
            await self.made(ann, name=name, lifetime=lifetime)
            await self.send(name, "an old secret", token=ann)
        entries = self.mongod.client[self.database_name].entries
        entries.update_many({}, {"$inc": {"at": -3 * 86_400_000 - 1}})
        await self.chat.house.lifetimes.forget_old()
        assert [entry["log"] for entry in entries.find()] == ["kept"]
        for name, there in (("kept", True), ("days", False)):
            socket = await self.socket(token=ann)
            answers = (
                (await self.page(name, token=ann)).body,
                (await self.poll(name, token=ann, after=0, wait=0)).body,
                await socket.ask(type="subscribe", room=name),
                await socket.ask(type="subscribe", room=name, after=0),
            )
            for answer in answers:
                assert ("an old secret" in str(answer)) is there

    # Read-only rooms

    @gen_test
    async def test_a_read_only_room_is_written_by_those_who_moderate_it(self) -> None:
        """The others read, and change nothing of theirs any more."""
        ann, bob = await self.account("ann"), await self.account("bob")
        await self.made(ann, name="news")
        seq = await self.send("news", "mine", token=bob)
        assert (await self.call("PATCH", "/api/rooms/news", {"read_only": True}, token=ann)).status == 200
        for fields in ({"type": "send", "text": "x"}, {"type": "edit", "target": seq, "text": "x"}):
            assert (await self.command("news", token=bob, key=new_key(), **fields)).status == 403
        await self.send("news", "news", token=ann)
        assert len((await self.page("news", token=bob)).body["entries"]) == 2


class EphemeralTest(ChatTestCase):
    settings: ClassVar = {"ephemeral_grace": 0.1, "watch_interval": 0.05}

    @gen_test
    async def test_an_ephemeral_room_leaves_nothing(self) -> None:
        """When the last one has left, all that was said is gone from the store."""
        running = asyncio.create_task(self.chat.house.lifetimes.run())
        ann = await self.account("ann")
        await self.call("POST", "/api/rooms", {"name": "den", "lifetime": "ephemeral"}, token=ann)
        socket = await self.socket(room="den", token=ann)
        await self.send("den", "just between us", token=ann)
        assert self.stored()["entries"]
        await socket.close()
        await until(lambda: not any(self.stored().values()))
        assert "just between us" not in str((await self.page("den", token=ann)).body)
        running.cancel()


class HiddenTest(ChatTestCase):
    """A private room that one may not see and a room that does not exist give the same answer.

    Who makes a room by visiting it is told of a private one that there is none, and makes no other in its place; here
    are those who make none, and the ways that make none.
    """

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
        await self.chat.registry.mark_active()
        sleeping = self.awake("den-two")
        assert sleeping is not None
        self.chat.registry._drop(sleeping.key)
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


class CheckedEachTimeTest(ChatTestCase):
    @gen_test
    async def test_rights_are_checked_each_time(self) -> None:
        """When one subscribes and with each message, poll and page: what is lost between two of them is lost for the
        second, though nothing had to be put out."""
        ann, bob = await self.account("ann"), await self.account("bob")
        await self.call("POST", "/api/rooms", {"name": "den", "access": "private"}, token=ann)
        await self.call("PUT", "/api/rooms/den/members/bob", {}, token=ann)
        socket = await self.socket(token=bob)

        async def outcomes() -> set[int | str]:
            stream = await self.stream("den", token=bob, after=0)
            stream.cut()
            path = "/api/rooms/den/messages"
            return {
                "ok" if (await socket.ask(type="subscribe", room="den"))["type"] == "subscribed" else "refused",
                "ok"
                if (await socket.ask(type="send", room="den", key=new_key(), text="x"))["type"] == "ack"
                else "refused",
                "ok" if stream.status == 200 else "refused",
                "ok" if (await self.poll("den", token=bob, after=0, wait=0)).status == 200 else "refused",
                "ok" if (await self.page("den", token=bob)).status == 200 else "refused",
                "ok"
                if (await self.call("POST", path, {"key": new_key(), "text": "x"}, token=bob)).status == 201
                else "refused",
            }

        assert await outcomes() == {"ok"}
        await socket.ask(type="unsubscribe", room="den")
        await until(lambda: self.waiters_in("den") == 0)
        await self.call("DELETE", "/api/rooms/den/members/bob", token=ann)
        assert await outcomes() == {"refused"}

    @gen_test
    async def test_who_loses_a_room_is_out_within_a_second(self) -> None:
        """4403 for a socket in no other room, 403 for a poll, the error as the last event of a stream."""
        ann, bob = await self.account("ann"), await self.account("bob")
        await self.call("POST", "/api/rooms", {"name": "den"}, token=ann)
        socket, stream = await self.socket(room="den", token=bob), await self.stream("den", token=bob)
        await stream.hear("subscribed")
        poll = await self.waiting_poll("den", token=bob, after=0)
        async with asyncio.timeout(1):
            answer = await self.call("PATCH", "/api/rooms/den", {"access": "private"}, token=ann)
            assert answer.status == 200
            assert await socket.closed() == 4403
            assert (await stream.hear("error"))["code"] == "forbidden"
            await stream.ended()
            assert (await poll).status == 403
