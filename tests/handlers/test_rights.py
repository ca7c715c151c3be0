"""Rights as tables: who may do what in which room, over which transport, and how they lose it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from tornado.testing import gen_test

from chat.people import User
from chat.policy import Kind, Member, Policy, Sanction
from tests.cases import Answer, ChatTestCase
from tests.clients import SocketClient
from tests.rooms import message, new_key
from tests.waiting import SOON

# The kinds of rooms, and what is different about them.
ROOMS: dict[str, dict[str, Any]] = {
    "open": {},
    "private": {"access": "private"},
    "link": {"access": "link"},
    "direct": {"access": "direct"},
    "read-only": {"read_only": True},
    "locked": {"locked": True},
}

# What comes of looking at what the room is like, reading, writing, moderating and owning, in each kind of room:
# y it is done, f forbidden, n there is no such room, u a name is needed.
TABLE = {
    #                 open     private  link     direct   read-only locked
    "nobody":         ("yyuuu", "nnuuu", "nnuuu", "nnuuu", "yyuuu", "yyuuu"),
    "guest":          ("yyyff", "nnnnn", "nnnnn", "nnnnn", "yyfff", "yyfff"),
    "stranger":       ("yyyff", "nnnnn", "nnnnn", "nnnnn", "yyfff", "yyfff"),
    "member":         ("yyyff", "yyyff", "yyyff", "yyyff", "yyfff", "yyfff"),
    "moderator":      ("yyyyf", "yyyyf", "yyyyf", "yyyff", "yyyyf", "yyyyf"),
    "owner":          ("yyyyy", "yyyyy", "yyyyy", "yyyff", "yyyyy", "yyyyy"),
    "banned":         ("fffff", "nnnnn", "nnnnn", "nnnnn", "fffff", "fffff"),
    "muted":          ("yyfff", "yyfff", "yyfff", "yyfff", "yyfff", "yyfff"),
    "administrator":  ("yyyyy", "ynnyy", "ynnyy", "nnnnn", "yyyyy", "yyyyy"),
    "bot":            ("yyyyf", "yyyyf", "yyyyf", "yyyff", "yyyyf", "yyyyf"),
    "reading bot":    ("yyfff", "yyfff", "yyfff", "yyfff", "yyfff", "yyfff"),
    "bot elsewhere":  ("nnnnn", "nnnnn", "nnnnn", "nnnnn", "nnnnn", "nnnnn"),
}  # fmt: skip

# What is done on a room's board.
STROKE: dict[str, Any] = {
    "kind": "board.stroke",
    "data": {"stroke": "s", "part": 0, "tool": "pen", "colour": "#1b2523", "width": 40, "points": [0, 0, 50]},
}
UNDO: dict[str, Any] = {"kind": "board.undo", "data": {"stroke": "s"}}
POINTING: dict[str, Any] = {"kind": "board.cursor", "data": {"x": 1, "y": 2}}

LETTERS = {"forbidden": "f", "not_found": "n", "unauthenticated": "u"}
STATUS_LETTERS = {200: "y", 201: "y", 204: "y", 401: "u", 403: "f", 404: "n"}


def letter(answer: Answer) -> str:
    """Of an answer over HTTP; its code must fit."""
    found = STATUS_LETTERS[answer.status]
    assert found == "y" or LETTERS[answer.code] == found, answer
    return found


def letter_of(reply: dict[str, Any]) -> str:
    """Of a reply over a socket or a stream."""
    return LETTERS[reply["code"]] if reply["type"] == "error" else "y"


async def typing(client: SocketClient, room: str) -> str:
    """What comes of typing; done well, nothing does."""
    await client.say(type="typing", room=room, id="typing")
    await client.ask(type="unsubscribe", room="nowhere")  # answered in its turn
    told = await client.settled()
    return next((letter_of(heard) for heard in told if heard.get("id") == "typing"), "y")


class RightsTest(ChatTestCase):
    async def people(self) -> None:
        """Everybody in the table, by their tokens and as users."""
        self.tokens = {"nobody": "", "guest": self.token("guest")}
        for name in ("stranger", "member", "moderator", "owner", "banned", "muted", "administrator"):
            self.tokens[name] = await self.account(name, admin=name == "administrator")
        for name, maker, scope in (
            ("bot", "moderator", {"rooms": [], "write": True}),
            ("reading bot", "owner", {"rooms": [], "write": False}),
            ("bot elsewhere", "owner", {"rooms": ["elsewhere"], "write": True}),
        ):
            body = {"name": name, "days": 1, **scope}
            answer = await self.call("POST", "/api/account/tokens", body, token=self.tokens[maker])
            assert answer.status == 201, answer
            self.tokens[name] = answer.body["token"]
        self.users: dict[str, User] = {}
        for who, token in self.tokens.items():
            if token:
                user = (await self.call("GET", "/api/session", token=token)).body["user"]
                self.users[who] = User(**user)

    async def room_for(self, who: str, kind: str) -> str:
        """A room of that kind, in which each has said something; its name."""
        access: Kind = ROOMS[kind].get("access", "open")
        roles: dict[str, Any] = {"member": "member", "moderator": "moderator", "owner": "owner"}
        roles |= {"banned": "member", "muted": "member"}
        members = {
            self.users[name].id: Member(name, "member" if access == "direct" else role) for name, role in roles.items()
        }
        policy = Policy(
            **ROOMS[kind],
            members=members,
            bans={self.users["banned"].id: Sanction("banned")},
            mutes={self.users["muted"].id: Sanction("muted")},
        )
        name = f"{kind}-{who}".replace(" ", "-")
        room = await self.chat.registry.make(name, None, policy)
        said = [message(seq, user, room=name) for seq, user in enumerate(self.users.values(), 1)]
        await self.chat.history.insert([(room.key, entry) for entry in said])
        room.publish(said)
        return name

    def target(self, who: str) -> int:
        """The message of theirs."""
        return list(self.users).index(who) + 1 if who in self.users else 1

    # What is tried, by the transport

    async def looking(self, who: str, room: str) -> dict[str, str]:
        token = self.tokens[who]
        return {
            "facts": letter(await self.call("GET", f"/api/rooms/{room}", token=token)),
            "members": letter(await self.call("GET", f"/api/rooms/{room}/members", token=token)),
        }

    async def reading(self, who: str, room: str) -> dict[str, str]:
        token = self.tokens[who]
        found = {
            "page": letter(await self.page(room, token=token)),
            "poll": letter(await self.poll(room, token=token, after=0, wait=0)),
            "poll at the end": letter(await self.poll(room, token=token, after=-1)),
            "poll of two": letter(await self.poll(room, "elsewhere", token=token, after=[0, 0], wait=0)),
            "board": letter(await self.call("GET", f"/api/rooms/{room}/board", token=token)),
            "read mark": letter(await self.command(room, token=token, type="read", seq=1)),
        }
        stream = await self.stream(room, token=token, after=0)
        found["stream"] = STATUS_LETTERS[stream.status]
        stream.cut()
        return found

    async def writing(self, who: str, room: str) -> dict[str, str]:
        token, target, path = self.tokens[who], self.target(who), f"/api/rooms/{room}/messages"
        command = self.command
        return {
            "message": letter(await self.call("POST", path, {"key": new_key(), "text": "x"}, token=token)),
            "send": letter(await command(room, token=token, type="send", key=new_key(), text="x")),
            "edit": letter(await command(room, token=token, type="edit", key=new_key(), target=target, text="x")),
            "react": letter(await command(room, token=token, type="react", key=new_key(), target=1, emoji="x")),
            "typing": letter(await command(room, token=token, type="typing")),
            "draw": letter(await command(room, token=token, type="send", key=new_key(), **STROKE)),
            "undo": letter(await command(room, token=token, type="send", key=new_key(), **UNDO)),
            "point": letter(await command(room, token=token, type="signal", **POINTING)),
        }

    async def by_socket(self, who: str, room: str) -> tuple[dict[str, str], dict[str, str]]:
        """Reading and writing."""
        client = await self.raw_socket("/ws", token=self.tokens[who])
        if who == "nobody":
            outcome = letter_of(await client.hear())
            assert await client.closed() == 4401
            return {"subscribe": outcome}, {"send": outcome}
        reading = {
            "subscribe": letter_of(await client.ask(type="subscribe", room=room)),
            "resume": letter_of(await client.ask(type="subscribe", room=room, after=0)),
        }
        change = {"room": room, "target": self.target(who)}
        writing = {
            "send": letter_of(await client.ask(type="send", room=room, key=new_key(), text="x")),
            "draw": letter_of(await client.ask(type="send", room=room, key=new_key(), **STROKE)),
            "edit": letter_of(await client.ask(type="edit", key=new_key(), text="y", **change)),
            "react": letter_of(await client.ask(type="react", key=new_key(), emoji="x", **change)),
            "delete": letter_of(await client.ask(type="delete", key=new_key(), **change)),
        }
        if reading["subscribe"] == "y":
            writing["typing"] = await typing(client, room)
        client.cut()
        return reading, writing

    async def ruling(self, who: str, room: str) -> tuple[dict[str, str], dict[str, str]]:
        """Moderating and owning; at last the room is deleted."""
        token, place, member = self.tokens[who], f"/api/rooms/{room}", self.users["member"].id

        async def outcome(method: str, path: str, body: Any = None) -> str:
            return letter(await self.call(method, place + path, body, token=token))

        moderating = {
            "slow": await outcome("PATCH", "", {"slow": 0}),
            "lock": await outcome("PATCH", "", {"locked": "locked" in room}),
            "let in": await outcome("PUT", f"/members/{member}", {"role": "member"}),
            "acts": await outcome("GET", "/moderation"),
            "mute": await outcome("POST", "/moderation", {"act": "mute", "who": member, "seconds": 1}),
        }
        owning = {
            "title": await outcome("PATCH", "", {"title": "x"}),
            "access": await outcome("PATCH", "", {"access": self.access_of(room)}),
            "lifetime": await outcome("PATCH", "", {"lifetime": "kept", "locked": "locked" in room}),
            "role": await outcome("PUT", f"/members/{member}", {"role": "moderator"}),
            "delete": await outcome("DELETE", ""),
        }
        return moderating, owning

    def access_of(self, room: str) -> str:
        return next((access for access in ("private", "link") if room.startswith(access)), "open")

    async def check(self, who: str, kind: str, cell: str) -> None:
        room = await self.room_for(who, kind)
        looking = await self.looking(who, room)
        reading, writing = await self.reading(who, room), await self.writing(who, room)
        also_reading, also_writing = await self.by_socket(who, room)
        if who == "nobody":  # a waiting reader has a name
            named = ("poll", "poll at the end", "poll of two", "read mark", "stream")
            assert {name: reading.pop(name) for name in named} == dict.fromkeys(named, "u")
            assert also_reading == {"subscribe": "u"}
            also_reading = {}
        moderating, owning = await self.ruling(who, room)
        found = (looking, reading | also_reading, writing | also_writing, moderating, owning)
        for outcomes, expected in zip(found, cell, strict=True):
            assert outcomes == dict.fromkeys(outcomes, expected), (who, kind)

    async def check_kind(self, kind: str) -> None:
        await self.people()
        column = list(ROOMS).index(kind)
        for who, row in TABLE.items():
            await self.check(who, kind, row[column])

    @gen_test(timeout=60)
    async def test_open_rooms(self) -> None:
        """Everybody reads and writes; those who rule rule."""
        await self.check_kind("open")

    @gen_test(timeout=60)
    async def test_private_rooms(self) -> None:
        """For everybody but their members there is no such room, though administrators decide about them."""
        await self.check_kind("private")

    @gen_test(timeout=60)
    async def test_secret_link_rooms(self) -> None:
        """As private ones."""
        await self.check_kind("link")

    @gen_test(timeout=60)
    async def test_direct_rooms(self) -> None:
        """For those they were made for, of whom none rules; for administrators there is no such room either."""
        await self.check_kind("direct")

    @gen_test(timeout=60)
    async def test_read_only_rooms(self) -> None:
        """Everybody reads, moderators write."""
        await self.check_kind("read-only")

    @gen_test(timeout=60)
    async def test_locked_rooms(self) -> None:
        """As read-only ones, for the time being."""
        await self.check_kind("locked")


class ReadingGuestsTest(ChatTestCase):
    settings: ClassVar = {"guests": "read"}

    @gen_test
    async def test_guests_read_alone(self) -> None:
        """Where that is the setting they read on every transport, and write and make nothing; accounts do."""
        ann, gus = await self.account("ann"), self.token("gus")
        await self.send("hall", "hi", token=ann)
        socket = await self.socket(room="hall", token=gus)
        stream = await self.stream("hall", token=gus, after=0)
        assert (await stream.hear("message"))["text"] == "hi"
        for answer in (await self.page("hall", token=gus), await self.poll("hall", token=gus, after=0, wait=0)):
            assert answer.status == 200
        for wanted in ({"type": "send", "text": "x"}, {"type": "react", "target": 1, "emoji": "x"}):
            assert (await socket.ask(room="hall", key=new_key(), **wanted))["code"] == "forbidden"
            assert (await self.command("hall", token=gus, key=new_key(), **wanted)).status == 403
        assert await typing(socket, "hall") == "f"
        assert (await self.command("hall", token=gus, type="typing")).status == 403
        assert (await self.call("POST", "/api/rooms", {}, token=gus)).status == 403
        assert (await socket.ask(type="subscribe", room="new"))["code"] == "not_found"
        assert (await self.poll("new", token=gus, after=0, wait=0)).status == 404
        assert len(self.stored()["rooms"]) == 1


class ClosedTest(ChatTestCase):
    settings: ClassVar = {"guests": "no"}

    @gen_test
    async def test_nobody_reads_without_an_account(self) -> None:
        """Where guests are not let in: neither pages nor what a room is like nor the list."""
        ann = await self.account("ann")
        await self.send("hall", "hi", token=ann)
        for path in ("/api/rooms", "/api/rooms/hall", "/api/rooms/hall/messages", "/api/rooms/hall/members"):
            answer = await self.call("GET", path)
            assert (answer.status, answer.code) == (401, "unauthenticated"), path
            assert (await self.call("GET", path, token=ann)).status == 200
        assert (await self.page("none")).status == 404


class LosingTest(ChatTestCase):
    async def lost(self, room: str, *, who: str, act: Callable[[], Awaitable[Answer]]) -> None:
        """Somebody is in a room on all transports; after the act they are out of it everywhere within a second."""
        token = self.tokens[who]
        socket, stream = await self.socket(room=room, token=token), await self.stream(room, token=token)
        both = await self.socket(room=room, token=token)
        await both.ask(type="subscribe", room="elsewhere")
        await stream.hear("subscribed")
        seq = (await self.page(room, token=token)).body["seq"]
        poll = await self.waiting_poll(room, token=token, after=seq)
        begun = time.monotonic()
        answer = await act()
        assert answer.status in (200, 204), answer
        assert (await socket.hear("error"))["code"] == "forbidden"
        assert await socket.closed() == 4403
        assert (await stream.hear("error"))["code"] == "forbidden"
        await stream.ended()
        answered = await poll
        assert (answered.status, answered.code) == (403, "forbidden")
        error = await both.hear("error")
        assert (error["code"], error["room"]) == ("forbidden", room)
        assert (await both.hear("unsubscribed"))["room"] == room
        assert time.monotonic() - begun < SOON
        assert self.waiters_in("elsewhere") == 1
        assert self.waiters_in(room) == 0
        both.cut()

    @gen_test
    async def test_who_loses_a_room_is_out_of_it_within_a_second(self) -> None:
        """On every transport, by whatever way it is lost; and what is written then is refused."""
        self.tokens = {name: await self.account(name) for name in ("owner", "bob", "cid")}
        owner, bob = self.tokens["owner"], self.tokens["bob"]
        ids = {
            name: (await self.call("GET", "/api/session", token=self.tokens[name])).body["user"]["id"]
            for name in ("bob", "cid")
        }

        def by_owner(method: str, path: str, body: Any = None) -> Callable[[], Awaitable[Answer]]:
            return lambda: self.call(method, f"/api/rooms/{path}", body, token=owner)

        await self.call("POST", "/api/rooms", {"name": "closed"}, token=owner)
        await self.lost("closed", who="bob", act=by_owner("PATCH", "closed", {"access": "private"}))
        await self.call("POST", "/api/rooms", {"name": "hall"}, token=owner)
        ban = {"act": "ban", "who": ids["bob"]}
        await self.lost("hall", who="bob", act=by_owner("POST", "hall/moderation", ban))
        await self.call("POST", "/api/rooms", {"name": "den", "access": "private"}, token=owner)
        for name in ("bob", "cid"):
            assert (await self.call("PUT", f"/api/rooms/den/members/{name}", {}, token=owner)).status == 204
        await self.lost("den", who="bob", act=by_owner("DELETE", "den/members/bob"))
        await self.lost(
            "den",
            who="cid",
            act=lambda: self.call("DELETE", f"/api/rooms/den/members/{ids['cid']}", token=self.tokens["cid"]),
        )
        await self.call("PUT", "/api/rooms/den/members/bob", {}, token=owner)
        await self.lost("den", who="bob", act=by_owner("POST", "den/moderation", ban))
        await self.call("POST", "/api/rooms", {"name": "gone"}, token=owner)
        await self.lost("gone", who="bob", act=by_owner("DELETE", "gone"))
        for room, status in (("closed", 404), ("hall", 403), ("den", 404)):
            path = f"/api/rooms/{room}/messages"
            assert (await self.call("POST", path, {"key": new_key(), "text": "x"}, token=bob)).status == status
            assert (await self.page(room, token=bob)).status == status
        assert self.stored()["entries"] == []
