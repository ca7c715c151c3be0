"""/api/rooms/<room>/moderation: what moderators do, as everybody in the room and on every transport meets it."""

import asyncio
import time
from typing import Any, ClassVar

from tornado.testing import gen_test
from websockets.exceptions import InvalidStatus

from chat.policy import Kind, Member, Policy
from chat.room import Room
from tests.cases import Answer, ChatTestCase
from tests.clients import StreamClient
from tests.rooms import new_key
from tests.waiting import until


class RulingTest(ChatTestCase):
    """Ann owns the room, mod moderates it, bob and cid are guests."""

    settings: ClassVar[dict[str, Any]] = {"kick_time": 1.5}

    async def begin(self, access: Kind = "open", **rules: Any) -> Room:
        """Makes the room `den`; its people have their tokens and ids in `tokens` and `ids`."""
        self.tokens = {name: await self.account(name) for name in ("ann", "mod", "dan")}
        self.tokens |= {name: self.token(name) for name in ("bob", "cid")}
        self.tokens["root"] = await self.account("root", admin=True)
        self.ids = {}
        for name, token in self.tokens.items():
            self.ids[name] = (await self.call("GET", "/api/session", token=token)).body["user"]["id"]
        members = {self.ids["ann"]: Member("ann", "owner"), self.ids["mod"]: Member("mod", "moderator")}
        if access != "open":
            members |= {self.ids[name]: Member(name) for name in ("bob", "cid", "dan")}
        return await self.chat.registry.make("den", None, Policy(access=access, members=members, **rules))

    async def rule(self, by: str, act: str, who: str = "", **fields: Any) -> Answer:
        body = {"act": act} | ({"who": self.ids.get(who, who)} if who else {}) | fields
        return await self.call("POST", "/api/rooms/den/moderation", body, token=self.tokens[by])

    async def facts(self, by: str = "mod") -> dict[str, Any]:
        answer = await self.call("GET", "/api/rooms/den/moderation", token=self.tokens[by])
        assert answer.status == 200, answer
        return dict(answer.body)

    async def try_to_send(self, who: str, text: str = "hi") -> Answer:
        body = {"text": text, "key": new_key()}
        return await self.call("POST", "/api/rooms/den/messages", body, token=self.tokens[who])

    async def everywhere(self, who: str) -> tuple[Any, "asyncio.Task[Answer]", StreamClient]:
        """Somebody in the room over each transport: a socket, a waiting poll, an event stream."""
        token = self.tokens[who]
        client = await self.socket(token=token, room="den")
        stream = await self.stream("den", token=token)
        await stream.hear("subscribed")
        after = (await self.page("den", token=token)).body["seq"]
        poll = await self.waiting_poll("den", token=token, after=after)
        return client, poll, stream

    async def are_out(self, client: Any, poll: "asyncio.Task[Answer]", stream: StreamClient, word: str) -> None:
        """All three are told that they may not be there any more, within a second."""
        began = time.monotonic()
        assert await client.closed() == 4403
        assert client.told("error")[-1]["code"] == "forbidden"
        assert word in client.told("error")[-1]["reason"]
        answer = await poll
        assert (answer.status, answer.code) == (403, "forbidden")
        assert word in answer.reason
        assert (await stream.hear("error"))["code"] == "forbidden"
        await stream.ended()
        assert time.monotonic() - began < 1

    async def refused(self, who: str, word: str) -> None:
        """No transport lets them in."""
        token = self.tokens[who]
        answers = [
            await self.poll("den", token=token, after=0),
            await self.call("GET", "/api/stream?room=den", token=token),
            await self.page("den", token=token),
            await self.try_to_send(who),
        ]
        for answer in answers:
            assert answer.status in (403, 404), answer
            assert word in answer.reason
        client = await self.raw_socket("/ws/den", token=token)
        error = await client.hear("error")
        assert word in error["reason"]
        if error["code"] == "forbidden":
            assert await client.closed() == 4403


class MessageTest(RulingTest):
    @gen_test
    async def test_a_moderator_removes_a_message(self) -> None:
        """Everybody is told of a deletion by the moderator; its text is nowhere any more; the audit log knows."""
        await self.begin()
        seq = await self.send("den", "horrible words", token=self.tokens["bob"])
        cid = await self.socket(token=self.tokens["cid"], room="den")
        assert (await self.rule("mod", "remove", seq=seq, reason="rude")).status == 204
        told = await cid.hear("delete")
        assert (told["target"], told["user"]["id"]) == (seq, self.ids["mod"])
        assert "horrible words" not in str(self.stored())
        first = (await self.page("den", token=self.tokens["bob"])).body["entries"][0]
        assert first["deleted"] and "text" not in first
        act = (await self.facts())["acts"][0]
        assert (act["act"], act["by"]["id"], act["target"]["id"]) == ("remove", self.ids["mod"], self.ids["bob"])
        assert act["details"] == {"seq": seq, "reason": "rude"}

    @gen_test
    async def test_the_command_delete_serves_moderators_too(self) -> None:
        """Over a socket and by a request, with a key that may be repeated; it is an act of moderation as well."""
        await self.begin()
        for number in (1, 2):
            await self.send("den", f"text {number}", token=self.tokens["bob"])
        client, key = await self.socket(token=self.tokens["ann"], room="den"), new_key()
        first = await client.ask(type="delete", room="den", target=1, key=key)
        assert first["type"] == "ack"
        assert (await client.ask(type="delete", room="den", target=1, key=key))["seq"] == first["seq"]
        answer = await self.command("den", token=self.tokens["root"], type="delete", target=2, key=new_key())
        assert answer.status == 200, answer
        assert [act["act"] for act in (await self.facts())["acts"]] == ["remove", "remove"]

    @gen_test
    async def test_others_delete_their_own_alone(self) -> None:
        """Who does not moderate removes nothing of others; one's own deletion is no act of moderation."""
        await self.begin()
        await self.send("den", "mine", token=self.tokens["bob"])
        await self.send("den", "of the moderator", token=self.tokens["mod"])
        for target in (1, 2):
            answer = await self.command("den", token=self.tokens["cid"], type="delete", target=target, key=new_key())
            assert (answer.status, answer.code) == (403, "forbidden")
            assert (await self.rule("cid", "remove", seq=target)).status == 403
        for who, target in (("bob", 1), ("mod", 2)):
            answer = await self.command("den", token=self.tokens[who], type="delete", target=target, key=new_key())
            assert answer.status == 200
        assert (await self.facts())["acts"] == []

    @gen_test
    async def test_what_is_not_there_is_not_removed(self) -> None:
        """No such message, one that is removed already, an entry that is no message: 404, and nothing is noted."""
        await self.begin()
        await self.send("den", "text", token=self.tokens["bob"])
        assert (await self.rule("mod", "remove", seq=1)).status == 204
        for seq in (1, 2, 99):
            assert (await self.rule("mod", "remove", seq=seq)).status == 404
        huge = await self.rule("mod", "remove", seq=10**30)
        assert (huge.status, huge.code) == (400, "bad_request"), "no message can have that number"
        assert len((await self.facts())["acts"]) == 1

    @gen_test
    async def test_a_moderator_edits_nothing_of_others(self) -> None:
        """To remove is all: nobody is made to have said something else."""
        await self.begin()
        await self.send("den", "text", token=self.tokens["bob"])
        answer = await self.command("den", token=self.tokens["ann"], type="edit", target=1, text="x", key=new_key())
        assert (answer.status, answer.code) == (403, "forbidden")


class MuteTest(RulingTest):
    @gen_test
    async def test_a_muted_one_reads_on_and_says_nothing(self) -> None:
        """Messages, edits, reactions and typing are refused with the time and the reason; the room is seen on."""
        await self.begin()
        await self.send("den", "before", token=self.tokens["bob"])
        client = await self.socket(token=self.tokens["bob"], room="den")
        assert (await self.call("GET", "/api/rooms/den", token=self.tokens["bob"])).body["muted"] is None
        assert (await self.rule("mod", "mute", "bob", seconds=60, reason="noise")).status == 204
        assert (await self.call("GET", "/api/rooms/den", token=self.tokens["bob"])).body["muted"] > time.time() * 1000
        for command in (
            {"type": "send", "text": "x"},
            {"type": "edit", "target": 1, "text": "x"},
            {"type": "delete", "target": 1},
            {"type": "react", "target": 1, "emoji": "👍"},
        ):
            error = await client.ask(**command, room="den", key=new_key())
            assert error["code"] == "forbidden", command
            assert "muted" in error["reason"] and error["reason"].endswith(": noise.")
            assert 50 < error["retry_after"] <= 60
        assert (await client.ask(type="typing", room="den"))["code"] == "forbidden"
        answer = await self.try_to_send("bob")
        assert answer.status == 403 and int(answer.headers["Retry-After"]) > 50
        await self.send("den", "heard", token=self.tokens["dan"])
        assert (await client.hear("message"))["text"] == "heard"

    @gen_test
    async def test_a_mute_ends(self) -> None:
        """By itself when its time is over, and when it is lifted; in between it stands in the list."""
        await self.begin()
        await self.try_to_send("bob")
        await self.rule("mod", "mute", "bob", seconds=1)
        mutes = (await self.facts())["mutes"]
        assert [(mute["id"], mute["name"]) for mute in mutes] == [(self.ids["bob"], "bob")]
        assert (await self.try_to_send("bob")).status == 403
        await asyncio.sleep(max(0.0, mutes[0]["until"] / 1000 - time.time()) + 0.01)
        assert (await self.try_to_send("bob")).status == 201
        await self.chat.oversight.moderation.drop_expired()
        room = self.awake("den")
        assert room is not None and room.plain
        await self.rule("mod", "mute", "bob")
        assert (await self.facts())["mutes"][0]["until"] == 0
        assert (await self.rule("mod", "unmute", "bob")).status == 204
        assert (await self.try_to_send("bob")).status == 201
        assert (await self.rule("mod", "unmute", "bob")).status == 404
        assert [act["act"] for act in (await self.facts())["acts"]] == ["unmute", "mute", "mute"]

    @gen_test
    async def test_another_name_does_not_unmute(self) -> None:
        """A guest who comes by another name from there is muted too; others who were there are not."""
        await self.begin()
        for name in ("cid", "bob"):
            await self.try_to_send(name)
        await self.rule("mod", "mute", "bob", seconds=60)
        self.tokens["bill"] = self.token("bill")
        assert (await self.try_to_send("bill")).status == 403
        assert (await self.try_to_send("cid")).status == 201
        assert (await self.try_to_send("dan")).status == 201


class KickTest(RulingTest):
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


class BanTest(RulingTest):
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
        self.chat.registry._awake.clear()
        assert (await self.try_to_send("dan")).status == 403


class RankTest(RulingTest):
    @gen_test
    async def test_nobody_rules_over_those_above(self) -> None:
        """A moderator rules over neither owners nor moderators nor administrators; an owner not over administrators."""
        await self.begin()
        for by, who in (
            ("mod", "ann"),
            ("mod", "root"),
            ("ann", "root"),
            ("mod", "mod"),
            ("ann", "ann"),
            ("root", "root"),
        ):
            for act in ("mute", "kick", "ban"):
                answer = await self.rule(by, act, who, seconds=60)
                assert (answer.status, answer.code) == (403, "forbidden"), (by, act, who)
        facts = await self.facts()
        assert facts == {"mutes": [], "bans": [], "acts": []}

    @gen_test
    async def test_an_owner_rules_over_moderators(self) -> None:
        """Put out by a ban they moderate no more; to be muted they are to be members first."""
        await self.begin()
        assert (await self.rule("ann", "mute", "mod", seconds=60)).status == 403
        assert (await self.rule("ann", "ban", "mod")).status == 204
        assert (await self.try_to_send("mod")).status == 403
        assert (await self.call("GET", "/api/rooms/den/moderation", token=self.tokens["mod"])).status == 403

    @gen_test
    async def test_an_administrator_rules_everywhere_but_over_an_only_owner(self) -> None:
        """A room keeps an owner."""
        await self.begin("private")
        assert (await self.rule("root", "kick", "dan")).status == 204
        assert (await self.rule("root", "ban", "mod")).status == 204
        assert (await self.rule("root", "ban", "ann")).status == 403

    @gen_test
    async def test_only_moderators_moderate(self) -> None:
        """Others are refused whatever they ask for, in a room they see with 403, and else as if there was none."""
        await self.begin()
        for who in ("bob", "dan"):
            for act, fields in (("mute", {"who": "cid"}), ("ban", {"who": "cid"}), ("remove", {"seq": 1})):
                assert (await self.rule(who, act, **fields)).status == 403
            assert (await self.call("GET", "/api/rooms/den/moderation", token=self.tokens[who])).status == 403
        for method, path in (("GET", "/api/rooms/none/moderation"), ("POST", "/api/rooms/none/moderation")):
            body = {"act": "kick", "who": self.ids["bob"]} if method == "POST" else None
            assert (await self.call(method, path, body, token=self.tokens["dan"])).status == 404
        assert (await self.call("GET", "/api/rooms/den/moderation")).status == 401

    @gen_test
    async def test_strangers_learn_nothing_of_a_private_room(self) -> None:
        """Who may not see it is answered as if there was none."""
        await self.begin("private")
        stranger = await self.account("eve")
        for method, body in (("GET", None), ("POST", {"act": "kick", "who": self.ids["dan"]})):
            real = await self.call(method, "/api/rooms/den/moderation", body, token=stranger)
            none = await self.call(method, "/api/rooms/none/moderation", body, token=stranger)
            assert (real.status, real.body) == (none.status, none.body) == (404, none.body)

    @gen_test
    async def test_bad_rulings_are_refused(self) -> None:
        """What is no act, has no target or an odd time is told so."""
        await self.begin()
        for fields in (
            {"act": "hang", "who": self.ids["bob"]},
            {"act": "mute"},
            {"act": "mute", "who": 1},
            {"act": "mute", "who": self.ids["bob"], "seconds": -1},
            {"act": "mute", "who": self.ids["bob"], "seconds": 10**12},
            {"act": "mute", "who": self.ids["bob"], "reason": "x" * 501},
            {"act": "mute", "who": self.ids["bob"], "reason": "\u202e"},
            {"act": "mute", "who": self.ids["bob"], "more": 1},
            {},
        ):
            answer = await self.call("POST", "/api/rooms/den/moderation", fields, token=self.tokens["mod"])
            assert (answer.status, answer.code) == (400, "bad_request"), fields


class LimitTest(RulingTest):
    settings: ClassVar[dict[str, Any]] = {"sanctions_limit": 1, "person_rate": "0.01/8"}

    @gen_test
    async def test_a_room_has_so_many_bans(self) -> None:
        """One more is refused, and the one that is there stays."""
        await self.begin()
        assert (await self.rule("mod", "ban", "dan")).status == 204
        assert (await self.rule("mod", "ban", "bob")).status == 400
        assert [ban["name"] for ban in (await self.facts())["bans"]] == ["dan"]

    @gen_test
    async def test_acts_are_counted(self) -> None:
        """A moderator's program that runs wild is stopped."""
        await self.begin()
        answers = [(await self.rule("mod", "unban", "dan")).status for _ in range(9)]
        assert answers == [404] * 8 + [429]


class LostRoomTest(RulingTest):
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

        self.chat.access.to_join = slow  # type: ignore[method-assign]
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
