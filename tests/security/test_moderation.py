"""Who may rule over whom, and how much anybody may ask for: what moderation promises, one test a promise."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from unittest import mock

from tornado.testing import gen_test

from chat.administration import NewRange
from chat.errors import Unavailable
from chat.policy import Kind, Member, Policy
from tests.cases import PASSWORD, Answer, ChatTestCase
from tests.rooms import new_key
from tests.waiting import SOON

# Who may do what in a room they see: 204 for done, 403 for refused.
PEOPLE = ("owner", "moderator", "member", "administrator", "other", "guest", "bot", "reading_bot")
RULERS = {"owner", "moderator", "administrator", "bot"}


class ModerationTestCase(ChatTestCase):
    """A room with an owner, a moderator, a member; an administrator; somebody else, a guest, and the owner's bots."""

    async def begin(self, access: Kind = "open") -> None:
        names = ("owner", "moderator", "member", "other", "victim")
        self.tokens = {name: await self.account(name) for name in names}
        self.tokens["administrator"] = await self.account("administrator", admin=True)
        self.tokens["guest"] = self.token("guest")
        for name, write in (("bot", True), ("reading_bot", False)):
            body = {"name": name, "rooms": [], "write": write, "days": 1}
            made = await self.call("POST", "/api/account/tokens", body, token=self.tokens["owner"])
            self.tokens[name] = made.body["token"]
        self.ids = {}
        for name, token in self.tokens.items():
            self.ids[name] = (await self.call("GET", "/api/session", token=token)).body["user"]["id"]
        roles: dict[str, Member] = {
            self.ids["owner"]: Member("owner", "owner"),
            self.ids["moderator"]: Member("moderator", "moderator"),
            self.ids["member"]: Member("member"),
        }
        if access != "open":
            roles[self.ids["victim"]] = Member("victim")
        await self.chat.registry.make("den", None, Policy(access=access, members=roles))

    async def rule(self, by: str, act: str, who: str = "", **fields: Any) -> Answer:
        body = {"act": act} | ({"who": self.ids[who]} if who else {}) | fields
        return await self.call("POST", "/api/rooms/den/moderation", body, token=self.tokens[by])

    async def decree(self, act: str, who: str, **fields: Any) -> Answer:
        path = f"/api/admin/people/{self.ids[who]}"
        return await self.call("POST", path, {"act": act} | fields, token=self.tokens["administrator"])

    async def write(self, who: str, text: str = "hi") -> Answer:
        body = {"text": text, "key": new_key()}
        return await self.call("POST", "/api/rooms/den/messages", body, token=self.tokens[who])

    async def audit(self) -> list[dict[str, Any]]:
        """All acts, in their order."""
        answer = await self.call("GET", "/api/admin/audit?limit=200", token=self.tokens["administrator"])
        assert answer.status == 200, answer
        return list(reversed(answer.body["entries"]))

    @asynccontextmanager
    async def out_within_a_second(self, who: str, code: int, status: int) -> AsyncIterator[None]:
        """Connects over all transports, and checks that they are out soon after what is done in between."""
        token = self.tokens[who]
        socket = await self.socket(room="den", token=token)
        stream = await self.stream("den", token=token)
        await stream.hear("subscribed")
        room = self.awake("den")
        assert room is not None
        poll = await self.waiting_poll("den", token=token, after=room.seq)
        yield
        async with asyncio.timeout(SOON):
            assert await socket.closed() == code
            assert (await stream.hear("error"))["code"] == socket.told("error")[-1]["code"]
            await stream.ended()
            assert (await poll).status == status


class RightsTest(ModerationTestCase):
    @gen_test
    async def test_who_moderates(self) -> None:
        """Owners, moderators, administrators, and a bot that an owner lets write, do each act; nobody else does any."""
        await self.begin()
        for who in PEOPLE:
            seq = (await self.write("victim")).body["seq"]
            done = 204 if who in RULERS else 403
            for act, fields in (
                ("remove", {"seq": seq}),
                ("mute", {"who": "victim", "seconds": 60}),
                ("unmute", {"who": "victim"}),
                ("kick", {"who": "victim"}),
                ("ban", {"who": "victim", "seconds": 60}),
                ("unban", {"who": "victim"}),
            ):
                if who not in RULERS and act in ("unmute", "unban"):
                    await self.rule("owner", act.removeprefix("un"), "victim", seconds=60)
                assert (await self.rule(who, act, **fields)).status == done, (who, act)
                if who not in RULERS and act in ("unmute", "unban"):
                    await self.rule("owner", act, "victim")
            seen = await self.call("GET", "/api/rooms/den/moderation", token=self.tokens[who])
            assert seen.status == (200 if who in RULERS else 403), who

    @gen_test
    async def test_nobody_rules_over_those_above_or_themselves(self) -> None:
        """Not a moderator over an owner, an owner over an administrator, or anybody over themselves."""
        await self.begin()
        for by, who in (
            ("moderator", "owner"),
            ("moderator", "moderator"),
            ("moderator", "administrator"),
            ("owner", "owner"),
            ("owner", "administrator"),
            ("administrator", "administrator"),
            ("bot", "owner"),
        ):
            for act in ("mute", "kick", "ban"):
                assert (await self.rule(by, act, who, seconds=60)).status == 403, (by, act, who)
        assert await self.audit() == []

    @gen_test
    async def test_only_administrators_rule_the_server(self) -> None:
        """Neither the owner of a room nor an administrator's bot sees or does anything there."""
        await self.begin()
        body = {"name": "helper", "rooms": [], "write": True, "days": 1}
        made = await self.call("POST", "/api/account/tokens", body, token=self.tokens["administrator"])
        for token in (self.tokens["owner"], self.tokens["guest"], made.body["token"]):
            for path in ("people", "addresses", "rooms", "reports", "audit", "figures"):
                answer = await self.call("GET", f"/api/admin/{path}", token=token)
                assert (answer.status, answer.code) == (403, "forbidden"), path
            path = f"/api/admin/people/{self.ids['victim']}"
            assert (await self.call("POST", path, {"act": "ban"}, token=token)).status == 403

    @gen_test
    async def test_a_server_keeps_an_administrator(self) -> None:
        """The last one is not undone, not even by themselves."""
        await self.begin()
        assert (await self.decree("unmake_admin", "administrator")).status == 403
        body = {"password": PASSWORD, "messages": "keep"}
        answer = await self.call("DELETE", "/api/account", body, token=self.tokens["administrator"])
        assert answer.status == 403


class ActsTest(ModerationTestCase):
    @gen_test
    async def test_a_removed_message_is_gone(self) -> None:
        """For everybody at once, from history, and from the store."""
        await self.begin()
        watcher = await self.socket(room="den", token=self.tokens["member"])
        seq = (await self.write("victim", "horrible words")).body["seq"]
        assert (await watcher.hear("message"))["text"] == "horrible words"
        assert "horrible words" in str(self.stored())
        assert (await self.rule("moderator", "remove", seq=seq)).status == 204
        assert (await watcher.hear("delete"))["target"] == seq
        page = await self.page("den", token=self.tokens["member"])
        assert "horrible words" not in str(page.body) and "horrible words" not in str(self.stored())

    @gen_test
    async def test_a_mute_lasts_its_time(self) -> None:
        """The muted one writes over no transport and reads on; then the mute is over by itself."""
        await self.begin()
        client = await self.socket(room="den", token=self.tokens["victim"])
        assert (await self.rule("moderator", "mute", "victim", seconds=1)).status == 204
        until = (await self.audit())[-1]["details"]["until"]
        assert (await self.write("victim")).status == 403
        assert (await client.ask(type="send", room="den", key=new_key(), text="x"))["code"] == "forbidden"
        command = await self.command("den", token=self.tokens["victim"], type="typing")
        assert command.status == 403
        await self.write("member", "heard")
        assert (await client.hear("message"))["text"] == "heard"
        await asyncio.sleep(max(0.0, until / 1000 - time.time()) + 0.01)
        assert (await self.write("victim")).status == 201

    @gen_test
    async def test_a_kick_puts_out_of_every_transport(self) -> None:
        """Within a second, of an open room as of a private one."""
        await self.begin()
        async with self.out_within_a_second("victim", 4403, 403):
            assert (await self.rule("moderator", "kick", "victim")).status == 204
        room = self.awake("den")
        assert room is not None and not room.waiters()

    @gen_test
    async def test_a_kick_ends_a_membership(self) -> None:
        """A private room that one was put out of does not exist for them any more."""
        await self.begin("private")
        async with self.out_within_a_second("victim", 4403, 403):
            assert (await self.rule("moderator", "kick", "victim")).status == 204
        answer = await self.page("den", token=self.tokens["victim"])
        none = await self.page("none", token=self.tokens["victim"])
        assert (answer.status, answer.body) == (none.status, none.body) == (404, none.body)

    @gen_test
    async def test_a_ban_from_a_room_holds(self) -> None:
        """Out within a second on every transport, and no transport lets them in again."""
        await self.begin()
        async with self.out_within_a_second("victim", 4403, 403):
            assert (await self.rule("moderator", "ban", "victim", seconds=600)).status == 204
        token = self.tokens["victim"]
        for answer in (
            await self.poll("den", token=token, after=0),
            await self.call("GET", "/api/stream?room=den", token=token),
            await self.page("den", token=token),
            await self.write("victim"),
        ):
            assert (answer.status, answer.code) == (403, "forbidden")
        assert await (await self.raw_socket("/ws/den", token=token)).closed() == 4403

    @gen_test
    async def test_a_banned_guest_does_not_come_back_by_a_new_name(self) -> None:
        """For a bounded time, from the same address; who has an account does come."""
        await self.begin()
        assert (await self.write("guest")).status == 201
        assert (await self.rule("moderator", "ban", "guest")).status == 204
        self.tokens["new guest"] = self.token("new guest")
        assert (await self.write("new guest")).status == 403
        assert (await self.write("other")).status == 201
        room = self.awake("den")
        assert room is not None
        bounded = [ban.until for ban in room.policy.bans.values() if ban.of]
        assert len(bounded) == 1 and 0 < bounded[0] / 1000 - time.time() <= self.config.address_sanction

    @gen_test
    async def test_a_banned_account_is_out_of_the_server(self) -> None:
        """Sockets close with 4401 within a second, polls are answered 401, and signing in says until when."""
        await self.begin()
        await self.write("member")
        async with self.out_within_a_second("victim", 4401, 401):
            assert (await self.decree("ban", "victim", seconds=600, reason="spam")).status == 204
        assert (await self.poll("den", token=self.tokens["victim"], after=0)).status == 401
        refused = await self.call("POST", "/api/session", {"name": "victim", "password": PASSWORD})
        assert (refused.status, refused.code) == (403, "forbidden")
        assert " until " in refused.reason and "spam" in refused.reason
        assert (await self.write("member")).status == 201

    @gen_test
    async def test_a_banned_range_is_out_of_the_server(self) -> None:
        """Whoever is connected from there is out at once, and nothing from there is answered but 403."""
        await self.begin()
        await self.write("member")
        by = mock.Mock(address="203.0.113.7")
        by.user.author = self.chat.people.guest("away").author
        async with self.out_within_a_second("victim", 4403, 403):
            await self.chat.oversight.administration.ban_range(NewRange("127.0.0.0/8", 600), by)
        for method, path in (("GET", "/"), ("GET", "/api/rooms"), ("POST", "/api/session"), ("GET", "/ws")):
            answer = await self.call(method, path, {} if method == "POST" else None)
            assert answer.status == 403, path

    @gen_test
    async def test_slow_mode_slows(self) -> None:
        """One message in so many seconds, over all transports together, with the time to wait; not for moderators."""
        await self.begin()
        changed = await self.call("PATCH", "/api/rooms/den", {"slow": 30}, token=self.tokens["moderator"])
        assert changed.status == 200, changed
        client = await self.socket(room="den", token=self.tokens["victim"])
        assert (await self.write("victim")).status == 201
        refused = await self.write("victim")
        assert (refused.status, refused.code) == (429, "rate_limited")
        assert 20 < int(refused.headers["Retry-After"]) <= 30
        error = await client.ask(type="send", room="den", key=new_key(), text="x")
        assert error["code"] == "rate_limited" and 20 < error["retry_after"] <= 30
        for _ in range(2):
            assert (await self.write("moderator")).status == 201

    @gen_test
    async def test_a_locked_room_is_silent(self) -> None:
        """Only its moderators write, until it is unlocked."""
        await self.begin()
        for locked, status in ((True, 403), (False, 201)):
            answer = await self.call("PATCH", "/api/rooms/den", {"locked": locked}, token=self.tokens["moderator"])
            assert answer.status == 200, answer
            assert (await self.write("victim")).status == status
            assert (await self.write("moderator")).status == 201

    @gen_test
    async def test_a_report_reaches_those_who_decide(self) -> None:
        """Administrators and the room's moderators see it, with what was said; it is kept no longer than it is open."""
        await self.begin()
        await self.write("victim", "horrible words")
        body = {"seq": 1, "reason": "rude"}
        assert (await self.call("POST", "/api/rooms/den/reports", body, token=self.tokens["guest"])).status == 201
        for who, path in (("administrator", "/api/admin/reports"), ("moderator", "/api/rooms/den/reports")):
            report = (await self.call("GET", path, token=self.tokens[who])).body["reports"][0]
            assert report["text"] == "horrible words"
        for who in ("victim", "guest", "other", "member"):
            assert (await self.call("GET", "/api/rooms/den/reports", token=self.tokens[who])).status == 403
        path = f"/api/admin/reports/{report['id']}"
        await self.rule("moderator", "remove", seq=1)
        assert (await self.call("POST", path, {"state": "closed"}, token=self.tokens["administrator"])).status == 204
        assert "horrible words" not in str(list(self.mongod.client[self.database_name]["reports"].find()))


class AuditTest(ModerationTestCase):
    @gen_test
    async def test_each_act_is_in_the_log(self) -> None:
        """In its order, with who did it and to whom, and never with what anybody wrote."""
        await self.begin()
        for _ in range(2):
            await self.write("victim", "horrible words")
        await self.rule("moderator", "remove", seq=1)
        for act in ("mute", "unmute", "kick", "ban", "unban"):
            assert (await self.rule("moderator", act, "victim", reason="because")).status == 204
        await self.call("PATCH", "/api/rooms/den", {"slow": 5, "locked": True}, token=self.tokens["moderator"])
        path = f"/api/rooms/den/members/{self.ids['other']}"
        assert (await self.call("PUT", path, {"role": "member"}, token=self.tokens["owner"])).status == 204
        body = {"seq": 2, "reason": "rude"}
        report = await self.call("POST", "/api/rooms/den/reports", body, token=self.tokens["guest"])
        closing = {"state": "closed"}
        await self.call("POST", f"/api/rooms/den/reports/{report.body['id']}", closing, token=self.tokens["owner"])
        for act in ("ban", "unban", "sign_out", "make_admin", "unmake_admin", "delete"):
            assert (await self.decree(act, "victim")).status == 204, act
        address = {"range": "203.0.113.0/24", "seconds": 60, "reason": "spam"}
        await self.call("POST", "/api/admin/addresses", address, token=self.tokens["administrator"])
        lifted = "/api/admin/addresses/203.0.113.0%2F24"
        await self.call("DELETE", lifted, token=self.tokens["administrator"])
        log = await self.audit()
        assert [entry["act"] for entry in log] == [
            *("remove", "mute", "unmute", "kick", "ban", "unban", "settings", "role", "close_report"),
            *("account_ban", "account_unban", "account_sign_out", "account_make_admin", "account_unmake_admin"),
            *("account_delete", "address_ban", "address_unban"),
        ]
        assert [entry["id"] for entry in log] == list(range(1, len(log) + 1))
        assert {entry["target"]["id"] for entry in log[:6]} == {self.ids["victim"]}
        assert {entry["by"]["id"] for entry in log[:7]} == {self.ids["moderator"]}
        assert "horrible words" not in str(log)

    @gen_test
    async def test_nothing_is_done_that_is_not_noted(self) -> None:
        """While the log cannot be written no act takes place."""
        await self.begin()
        with mock.patch.object(self.chat.audit, "note", side_effect=Unavailable("away")):
            assert (await self.rule("moderator", "mute", "victim", seconds=60)).status == 503
            assert (await self.decree("ban", "victim")).status == 503
        assert (await self.write("victim")).status == 201

    @gen_test
    async def test_moderators_see_the_acts_of_their_room_alone(self) -> None:
        """And nobody changes or removes an entry: there is no call for it."""
        await self.begin()
        await self.decree("sign_out", "other")
        await self.rule("owner", "mute", "victim", seconds=60)
        seen = await self.call("GET", "/api/rooms/den/moderation", token=self.tokens["moderator"])
        assert [act["act"] for act in seen.body["acts"]] == ["mute"]
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await self.call(method, "/api/admin/audit", {}, token=self.tokens["administrator"])
            assert answer.status in (404, 405)


class BucketTest(ModerationTestCase):
    settings: ClassVar[dict[str, Any]] = {
        "person_rate": "0.01/6",
        "room_rate": "0.01/8",
        "address_rate": "0.01/15",
        "refusal_rate": "0.01/3",
    }

    async def burst(self, who: str, room: str = "den") -> int:
        """How many messages of theirs are taken, before one is refused with a time to wait."""
        for count in range(100):
            body = {"text": "hi", "key": new_key()}
            answer = await self.call("POST", f"/api/rooms/{room}/messages", body, token=self.tokens[who])
            if answer.status != 201:
                assert (answer.status, answer.code) == (429, "rate_limited")
                assert int(answer.headers["Retry-After"]) > 1
                return count
        raise AssertionError("there is no limit")

    @gen_test
    async def test_a_person_a_room_and_an_address_have_limits(self) -> None:
        """Each by itself: one person's, then all in one room together, then all from one address whoever they are."""
        await self.begin()
        assert await self.burst("victim") == 6
        assert await self.burst("member") == 2
        assert await self.burst("other", room="attic") == 6
        for name in ("new", "newer"):
            self.tokens[name] = self.token(name)
        assert await self.burst("new", room="attic") < 6
        assert await self.burst("newer", room="cellar") == 0

    @gen_test
    async def test_who_goes_on_and_on_is_closed(self) -> None:
        """With 4429, after errors that say how long to wait; who has stored something is told so however often."""
        await self.begin()
        client, key = await self.socket(room="den", token=self.tokens["victim"]), new_key()
        for _ in range(20):
            assert (await client.ask(type="send", room="den", key=key, text="once"))["type"] == "ack"
        for _ in range(9):
            await client.say(type="send", room="den", key=new_key(), text="again")
        assert await client.closed() == 4429
        errors = client.told("error")
        assert [error["code"] for error in errors] == ["rate_limited"] * 4
        assert all(error["retry_after"] > 1 for error in errors)


class SecretsTest(ModerationTestCase):
    settings: ClassVar[dict[str, Any]] = {"attempts_delay": 0.001}

    async def statuses(self, method: str, path: str, bodies: list[Any], token: str = "") -> list[int]:
        return [(await self.call(method, path, body, token=token)).status for body in bodies]

    @gen_test
    async def test_ten_wrong_passwords(self) -> None:
        """Then it is 429 with the time to wait, also for the right one; and the same for a name that nobody has."""
        await self.begin()
        for name in ("victim", "nobody"):
            self.chat.identity.attempts._tallies.clear()
            wrong = [{"name": name, "password": f"wrong password {number}"} for number in range(12)]
            assert await self.statuses("POST", "/api/session", wrong) == [401] * 10 + [429] * 2
            right = await self.call("POST", "/api/session", {"name": name, "password": PASSWORD})
            assert (right.status, right.code) == (429, "rate_limited")
            assert 100 < int(right.headers["Retry-After"]) <= 180

    @gen_test
    async def test_ten_wrong_links(self) -> None:
        """Of the first administrator, and of invitations."""
        await self.begin()
        links = [{"token": f"wrong-{number}", "name": "me", "password": PASSWORD} for number in range(12)]
        assert await self.statuses("POST", "/api/setup", links) == [401] * 10 + [429] * 2
        self.chat.identity.attempts._tallies.clear()
        found = [
            (await self.call("POST", f"/api/invitations/wrong-{number}", token=self.tokens["other"])).status
            for number in range(12)
        ]
        assert found == [404] * 10 + [429] * 2
