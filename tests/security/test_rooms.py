"""Rooms: what they promise about who is in them, what they keep and how they end, one test a promise."""

import asyncio
import json
import re
from typing import Any, ClassVar
from xml.etree import ElementTree

from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.rooms import new_key
from tests.waiting import SOON, until

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
        async with asyncio.timeout(SOON):
            answer = await self.call("PATCH", "/api/rooms/den", {"access": "private"}, token=ann)
            assert answer.status == 200
            assert await socket.closed() == 4403
            assert (await stream.hear("error"))["code"] == "forbidden"
            await stream.ended()
            assert (await poll).status == 403
