"""/api/rooms/<room>/moderation: who may do what, removed messages and mutes, as everybody meets them."""

import asyncio
import time
from typing import Any, ClassVar

from tornado.testing import gen_test

from tests.rooms import new_key
from tests.ruling import RulingCase


class MessageTest(RulingCase):
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


class MuteTest(RulingCase):
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


class RankTest(RulingCase):
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


class LimitTest(RulingCase):
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
