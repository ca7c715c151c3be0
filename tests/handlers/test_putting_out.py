"""/api/rooms/<room>/moderation: who is put out of a room or banned from it is out of it on every transport."""

import asyncio
import time
from typing import Any

from tornado.testing import gen_test
from websockets.exceptions import InvalidStatus

from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.ruling import RulingCase
from tests.waiting import until


class KickTest(RulingCase):
    @gen_test
    async def test_out_of_an_open_room_for_a_moment(self) -> None:
        """On every transport at once; nobody else is; and after a moment they may come back."""
        await self.begin()
        cid = await self.socket(token=self.tokens["cid"], room="den")
        bob = await self.everywhere("bob")
        assert (await self.rule("mod", "kick", "bob", reason="calm down")).status == 204
        await self.are_out(*bob, "put out of this room: calm down")
        assert (await cid.ask(type="ping"))["type"] == "pong"
        assert (await cid.hear("left"))["user"]["name"] == "bob"
        refused = await self.poll("den", token=self.tokens["bob"], after=0)
        assert refused.status == 403 and "Retry-After" in refused.headers
        facts = await self.facts()
        assert facts["bans"] == [] and facts["acts"][0]["act"] == "kick"
        await asyncio.sleep(1.6)
        await self.socket(token=self.tokens["bob"], room="den")
        assert (await self.try_to_send("bob")).status == 201

    @gen_test
    async def test_out_of_a_private_room_for_good(self) -> None:
        """They are no member any more: the room is one that does not exist for them."""
        await self.begin("private")
        dan = await self.everywhere("dan")
        assert (await self.rule("mod", "kick", "dan")).status == 204
        await self.are_out(*dan, "no longer allowed")
        await asyncio.sleep(1.6)
        await self.refused("dan", "There is no such room.")
        room = self.awake("den")
        assert room is not None and self.ids["dan"] not in room.policy.members

    @gen_test
    async def test_between_two_polls(self) -> None:
        """Who polls, and is just not waiting, is gone for the others and finds out with the next poll."""
        await self.begin()
        cid = await self.socket(token=self.tokens["cid"], room="den")
        assert (await self.poll("den", token=self.tokens["bob"], after=0, wait=0)).status == 200
        assert (await cid.hear("joined"))["user"]["name"] == "bob"
        await self.rule("mod", "kick", "bob")
        assert (await cid.hear("left"))["user"]["name"] == "bob"
        assert (await self.poll("den", token=self.tokens["bob"], after=0, wait=0)).status == 403

    @gen_test
    async def test_other_rooms_of_a_socket_stay(self) -> None:
        """A socket in two rooms is told which one it has lost, and goes on in the other."""
        await self.begin()
        client = await self.socket(token=self.tokens["bob"], room="den")
        await client.ask(type="subscribe", room="attic")
        await self.rule("ann", "kick", "bob")
        error = await client.hear("error")
        assert (error["code"], error["room"]) == ("forbidden", "den")
        assert (await client.hear("unsubscribed"))["room"] == "den"
        assert (await client.ask(type="send", room="attic", key=new_key(), text="hi"))["type"] == "ack"
        assert (await client.ask(type="send", room="den", key=new_key(), text="hi"))["code"] == "forbidden"

    @gen_test
    async def test_a_kick_does_not_shorten_a_ban(self) -> None:
        """Who is banned for ever is not let in again by being put out."""
        await self.begin()
        await self.rule("mod", "ban", "bob")
        answer = await self.rule("mod", "kick", "bob")
        assert (answer.status, answer.code) == (400, "bad_request")
        assert (await self.facts())["bans"][0]["until"] == 0


class BanTest(RulingCase):
    @gen_test
    async def test_out_and_not_in_again(self) -> None:
        """On every transport, with the reason; the ban stands in the list until it is lifted."""
        await self.begin()
        dan = await self.everywhere("dan")
        assert (await self.rule("mod", "ban", "dan", seconds=3600, reason="spam")).status == 204
        await self.are_out(*dan, "banned from this room")
        await self.refused("dan", "banned from this room until")
        bans = (await self.facts())["bans"]
        assert [(ban["id"], ban["name"], ban["reason"]) for ban in bans] == [(self.ids["dan"], "dan", "spam")]
        assert abs(bans[0]["until"] / 1000 - time.time() - 3600) < 30
        assert (await self.rule("mod", "unban", "dan")).status == 204
        assert (await self.try_to_send("dan")).status == 201
        assert [act["act"] for act in (await self.facts())["acts"]] == ["unban", "ban"]

    @gen_test
    async def test_a_long_reason(self) -> None:
        """A reason that no close frame can hold is told in full by the error, and everybody who is banned is out."""
        await self.begin()
        socket = await self.socket(token=self.tokens["dan"], room="den")
        reason = "ü" * 200
        assert (await self.rule("mod", "ban", "dan", reason=reason)).status == 204
        assert (await socket.hear("error"))["reason"].endswith(f": {reason}.")
        assert await socket.closed() == 4403

    @gen_test
    async def test_out_of_a_private_room(self) -> None:
        """A banned member is none any more, also after the ban."""
        await self.begin("private")
        dan = await self.everywhere("dan")
        assert (await self.rule("ann", "ban", "dan")).status == 204
        await self.are_out(*dan, "no longer allowed")
        await self.refused("dan", "There is no such room.")
        await self.rule("ann", "unban", "dan")
        await self.refused("dan", "There is no such room.")

    @gen_test
    async def test_a_guest_does_not_come_back_by_another_name(self) -> None:
        """From their address no new guest comes in for a time; those who were there stay, accounts come and go."""
        await self.begin()
        cid = await self.socket(token=self.tokens["cid"], room="den")
        await self.socket(token=self.tokens["bob"], room="den")
        await self.rule("mod", "ban", "bob")
        await until(lambda: self.waiters_in("den") == 1)
        self.tokens["bill"] = self.token("bill")
        await self.refused("bill", "banned from this room until")
        passing = await self.raw_socket("/ws/den?username=ben")
        assert await passing.closed() == 4403
        assert (await cid.ask(type="send", room="den", key=new_key(), text="hi"))["type"] == "ack"
        assert (await self.try_to_send("dan")).status == 201
        assert [ban["name"] for ban in (await self.facts())["bans"]] == ["bob"]
        await self.rule("mod", "unban", "bob")
        assert (await self.try_to_send("bill")).status == 201
        assert (await self.try_to_send("bob")).status == 201

    @gen_test
    async def test_an_address_need_not_be_banned(self) -> None:
        """Where many share one a moderator leaves it out."""
        await self.begin()
        await self.try_to_send("bob")
        await self.rule("mod", "ban", "bob", address=False)
        assert (await self.try_to_send("bob")).status == 403
        self.tokens["bill"] = self.token("bill")
        assert (await self.try_to_send("bill")).status == 201

    @gen_test
    async def test_one_who_is_not_there_is_banned_too(self) -> None:
        """By the id alone: of an account that never came, of a guest who has left; nobody else has one."""
        await self.begin()
        await self.rule("mod", "ban", "dan")
        assert (await self.rule("mod", "ban", "g-0123456789abcdef")).status == 204
        assert {ban["name"] for ban in (await self.facts())["bans"]} == {"dan", "g-0123456789abcdef"}
        for nobody in ("a-0123456789abcdef", "ip-7f000001", "x", "$ne"):
            assert (await self.rule("mod", "ban", nobody)).status == 404, nobody

    @gen_test
    async def test_a_ban_outlives_the_room_in_memory(self) -> None:
        """A room that was asleep knows it still."""
        await self.begin()
        await self.rule("mod", "ban", "dan")
        self.chat.registry.in_memory._rooms.clear()
        assert (await self.try_to_send("dan")).status == 403


class LostRoomTest(RulingCase):
    @gen_test
    async def test_what_is_under_way_is_refused_too(self) -> None:
        """One who is banned while they subscribe does not slip in."""
        room = await self.begin()
        reached, go_on, original = asyncio.Event(), asyncio.Event(), self.chat.access.to_join

        async def slow(*arguments: Any) -> Any:
            found = await original(*arguments)
            reached.set()
            await go_on.wait()
            return found

        replace_methods(self.chat.access, to_join=slow)
        client = await self.raw_socket("/ws/den", token=self.tokens["dan"])
        await reached.wait()
        await self.rule("mod", "ban", "dan")
        go_on.set()
        assert await client.closed() == 4403
        assert not room.waiters()

    @gen_test
    async def test_a_handshake_after_a_ban(self) -> None:
        """Who is banned from a room opens sockets on, for other rooms."""
        await self.begin()
        await self.rule("mod", "ban", "dan")
        try:
            client = await self.socket(token=self.tokens["dan"])
        except InvalidStatus as refused:
            raise AssertionError("the whole server is closed to them") from refused
        assert (await client.ask(type="subscribe", room="den"))["code"] == "forbidden"
        assert (await client.ask(type="subscribe", room="attic"))["type"] == "subscribed"
