"""/api/admin: what administrators see and do."""

import asyncio
import time
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import quote

from tornado.testing import gen_test

from chat.administration import NewRange
from chat.policy import Member, Policy
from tests.cases import PASSWORD, Answer, ChatTestCase
from tests.rooms import new_key
from tests.waiting import SOON, until

CALLS = (
    ("GET", "/api/admin/people", None),
    ("POST", "/api/admin/people/a-0123456789abcdef", {"act": "sign_out"}),
    ("GET", "/api/admin/addresses", None),
    ("POST", "/api/admin/addresses", {"range": "192.0.2.0/24"}),
    ("DELETE", "/api/admin/addresses/192.0.2.0%2F24", None),
    ("GET", "/api/admin/rooms", None),
    ("GET", "/api/admin/reports", None),
    ("POST", "/api/admin/reports/x", {"state": "closed"}),
    ("GET", "/api/admin/audit", None),
    ("GET", "/api/admin/figures", None),
)


class AdminTestCase(ChatTestCase):
    """Root is an administrator, ann and bob have accounts, cid is a guest."""

    async def begin(self) -> None:
        self.tokens = {name: await self.account(name) for name in ("ann", "bob")}
        self.tokens["root"] = await self.account("root", admin=True)
        self.tokens["cid"] = self.token("cid")
        self.ids = {}
        for name, token in self.tokens.items():
            self.ids[name] = (await self.call("GET", "/api/session", token=token)).body["user"]["id"]

    async def get(self, path: str, by: str = "root") -> Any:
        answer = await self.call("GET", f"/api/admin/{path}", token=self.tokens[by])
        assert answer.status == 200, answer
        return answer.body

    async def act(self, act: str, who: str, by: str = "root", **fields: Any) -> Answer:
        path = f"/api/admin/people/{self.ids.get(who, who)}"
        return await self.call("POST", path, {"act": act} | fields, token=self.tokens[by])

    async def acts(self) -> list[str]:
        """The names of what is in the audit log, the latest first."""
        return [entry["act"] for entry in (await self.get("audit"))["entries"]]

    async def sign_in_as(self, name: str) -> Answer:
        return await self.call("POST", "/api/session", {"name": name, "password": PASSWORD})


class DoorTest(AdminTestCase):
    @gen_test
    async def test_only_administrators_come_in(self) -> None:
        """People, guests and bots are refused every call, and strangers are asked who they are."""
        await self.begin()
        body = {"name": "bot", "rooms": [], "write": True, "days": 1}
        made = await self.call("POST", "/api/account/tokens", body, token=self.tokens["root"])
        assert made.status == 201, made
        self.tokens["bot"] = made.body["token"]
        for method, path, fields in CALLS:
            for who in ("ann", "cid", "bot"):
                answer = await self.call(method, path, fields, token=self.tokens[who])
                assert (answer.status, answer.code) == (403, "forbidden"), (path, who)
            assert (await self.call(method, path, fields)).status == 401
        assert await self.acts() == []

    @gen_test
    async def test_who_is_none_any_more_is_out(self) -> None:
        """At once, also over what is open already."""
        await self.begin()
        assert (await self.act("make_admin", "ann")).status == 204
        await self.get("people", by="ann")
        assert (await self.act("unmake_admin", "ann")).status == 204
        assert (await self.call("GET", "/api/admin/people", token=self.tokens["ann"])).status == 403


class BodyTest(AdminTestCase):
    @gen_test
    async def test_operators_are_only_words(self) -> None:
        """In no field of what an administrator sends is an object taken, and what is not known is refused."""
        await self.begin()
        bodies: list[tuple[str, dict[str, Any]]] = [
            (f"people/{self.ids['ann']}", {"act": "ban", "seconds": 1, "reason": "x", "messages": "keep"}),
            ("addresses", {"range": "203.0.113.0/24", "seconds": 1, "reason": "x"}),
            ("reports/x", {"state": "closed", "note": "x"}),
        ]
        for path, body in bodies:
            for field in (*body, "more"):
                for operator in ({"$ne": None}, {"$gt": ""}, ["$where"], {}):
                    wrong = body | {field: operator}
                    answer = await self.call("POST", f"/api/admin/{path}", wrong, token=self.tokens["root"])
                    assert (answer.status, answer.code) == (400, "bad_request"), (path, field)
        for id in ('{"$ne": null}', "$ne", "a-"):
            assert (await self.act("ban", quote(id, safe=""))).status == 404
        assert await self.acts() == []


class PeopleTest(AdminTestCase):
    @gen_test
    async def test_lists_accounts(self) -> None:
        """By their names, with what an administrator needs and no secret; guests are none."""
        await self.begin()
        people = (await self.get("people"))["people"]
        assert [person["name"] for person in people] == ["ann", "bob", "root"]
        assert set(people[0]) == {"id", "name", "display", "email", "admin", "made", "seen", "banned"}
        assert [person["admin"] for person in people] == [False, False, True]

    @gen_test
    async def test_finds_and_pages(self) -> None:
        """By a part of the name or the display name, by the id, by the address; operators are only words."""
        await self.begin()
        await self.call("PATCH", "/api/account", {"display": "Bobby Tables"}, token=self.tokens["bob"])
        for find, names in (
            ("OO", ["root"]),
            ("tables", ["bob"]),
            (self.ids["ann"], ["ann"]),
            ("$ne", []),
            ("$name", []),
            ("", ["ann", "bob", "root"]),
        ):
            found = (await self.get(f"people?find={quote(find)}"))["people"]
            assert [person["name"] for person in found] == names, find
        first = await self.get("people?limit=2")
        assert ([person["name"] for person in first["people"]], first["more"]) == (["ann", "bob"], True)
        rest = await self.get("people?limit=2&after=bob")
        assert ([person["name"] for person in rest["people"]], rest["more"]) == (["root"], False)

    @gen_test
    async def test_nobody_of_that_id(self) -> None:
        """404, whatever the act; what is no act is 400."""
        await self.begin()
        for act in ("ban", "unban", "sign_out", "make_admin", "unmake_admin", "delete"):
            assert (await self.act(act, "a-0123456789abcdef")).status == 404
        assert (await self.act("hang", "ann")).status == 400
        assert (await self.act("ban", "ann", seconds=-1)).status == 400
        assert await self.acts() == []


class BanTest(AdminTestCase):
    async def everywhere(self, who: str) -> tuple[Any, "asyncio.Task[Answer]", Any]:
        token = self.tokens[who]
        client = await self.socket(token=token, room="den")
        stream = await self.stream("den", token=token)
        await stream.hear("subscribed")
        return client, await self.waiting_poll("den", token=token, after=0), stream

    @gen_test
    async def test_a_banned_account_is_out_on_every_transport(self) -> None:
        """Within a second, and does not come in again until the ban is over; nobody else is touched."""
        await self.begin()
        ann = await self.socket(token=self.tokens["ann"], room="den")
        client, poll, stream = await self.everywhere("bob")
        began = time.monotonic()
        assert (await self.act("ban", "bob", seconds=3600, reason="spam")).status == 204
        assert await client.closed() == 4401
        assert client.told("error")[-1]["code"] == "unauthenticated"
        assert ((await poll).status, (await poll).code) == (401, "unauthenticated")
        assert (await stream.hear("error"))["code"] == "unauthenticated"
        await stream.ended()
        assert time.monotonic() - began < SOON
        assert (await self.poll("den", token=self.tokens["bob"], after=0)).status == 401
        refused = await self.sign_in_as("bob")
        assert (refused.status, refused.code) == (403, "forbidden")
        assert refused.reason.startswith("This account is banned until ") and refused.reason.endswith(": spam.")
        assert (await ann.ask(type="ping"))["type"] == "pong"
        people = {person["name"]: person["banned"] for person in (await self.get("people"))["people"]}
        assert people["ann"] is None
        assert people["bob"]["reason"] == "spam" and people["bob"]["until"] > time.time() * 1000
        assert (await self.act("unban", "bob")).status == 204
        assert (await self.sign_in_as("bob")).status == 200
        assert await self.acts() == ["account_unban", "account_ban"]

    @gen_test
    async def test_a_wrong_password_learns_nothing_of_a_ban(self) -> None:
        """Only who knows the password is told."""
        await self.begin()
        await self.act("ban", "bob")
        answer = await self.call("POST", "/api/session", {"name": "bob", "password": "wrong password"})
        assert (answer.status, answer.code) == (401, "unauthenticated")

    @gen_test
    async def test_the_bots_of_a_banned_account_are_out(self) -> None:
        """Their tokens are worth nothing meanwhile."""
        await self.begin()
        await self.send("den", "hi", token=self.tokens["ann"])
        body = {"name": "bot", "rooms": [], "write": True, "days": 1}
        token = (await self.call("POST", "/api/account/tokens", body, token=self.tokens["bob"])).body["token"]
        client = await self.socket(token=token, room="den")
        await self.act("ban", "bob")
        assert await client.closed() == 4401
        assert (await self.poll("den", token=token, after=0)).status in (401, 403)

    @gen_test
    async def test_administrators_are_not_banned(self) -> None:
        """Neither another nor oneself: it is to be taken from them first."""
        await self.begin()
        for act in ("ban", "delete"):
            assert (await self.act(act, "root")).status == 403
        await self.act("make_admin", "ann")
        assert (await self.act("ban", "ann")).status == 403
        await self.act("unmake_admin", "ann")
        assert (await self.act("ban", "ann")).status == 204
        assert (await self.act("make_admin", "ann")).status == 403
        assert (await self.act("unban", "bob")).status == 404

    @gen_test
    async def test_a_guest_is_banned_by_their_address(self) -> None:
        """They are nothing but a name and a place; who was never heard of cannot be found."""
        await self.begin()
        assert (await self.act("ban", "cid")).status == 404
        await self.send("den", "hi", token=self.tokens["cid"])
        assert (await self.act("sign_out", "cid")).status == 400
        with mock.patch.object(self.chat.oversight.administration._whereabouts, "of") as of:
            of.return_value = mock.Mock(address="203.0.113.7")
            of.return_value.name = "cid"
            assert (await self.act("ban", "cid", seconds=60, reason="spam")).status == 204
        assert [found["range"] for found in (await self.get("addresses"))["addresses"]] == ["203.0.113.7/32"]
        entry = (await self.get("audit"))["entries"][0]
        assert (entry["act"], entry["target"]) == ("address_ban", {"id": self.ids["cid"], "name": "cid"})


class ActsTest(AdminTestCase):
    @gen_test
    async def test_signs_somebody_out(self) -> None:
        """All their sessions end, and they may sign in again."""
        await self.begin()
        client = await self.socket(token=self.tokens["ann"], room="den")
        assert (await self.act("sign_out", "ann")).status == 204
        assert await client.closed() == 4401
        assert (await self.call("GET", "/api/account", token=self.tokens["ann"])).status == 401
        assert (await self.sign_in_as("ann")).status == 200

    @gen_test
    async def test_an_administrator_always_stays(self) -> None:
        """The last one is not made a common person, by nobody and in no way, also by two at once."""
        await self.begin()
        assert (await self.act("unmake_admin", "root")).status == 403
        body = {"password": PASSWORD, "messages": "keep"}
        assert (await self.call("DELETE", "/api/account", body, token=self.tokens["root"])).status == 403
        await self.act("make_admin", "ann")
        answers = await asyncio.gather(self.act("unmake_admin", "ann"), self.act("unmake_admin", "root", by="ann"))
        assert sorted(answer.status for answer in answers)[0] == 204
        assert sum(person["admin"] for person in await self._people()) == 1

    async def _people(self) -> list[dict[str, Any]]:
        for name in ("root", "ann"):
            answer = await self.call("GET", "/api/admin/people", token=self.tokens[name])
            if answer.status == 200:
                return list(answer.body["people"])
        raise AssertionError("nobody is an administrator")

    @gen_test
    async def test_deletes_an_account(self) -> None:
        """It is gone with its sessions; its messages stay, without its name, or go as well."""
        await self.begin()
        await self.send("den", "hi", token=self.tokens["bob"])
        client = await self.socket(token=self.tokens["bob"], room="den")
        assert (await self.act("delete", "bob", messages="keep", reason="asked for")).status == 204
        assert await client.closed() == 4401
        assert (await self.sign_in_as("bob")).status == 401
        entry = (await self.get("audit"))["entries"][0]
        assert (entry["act"], entry["details"]) == ("account_delete", {"reason": "asked for", "messages": "keep"})


class AddressTest(AdminTestCase):
    @gen_test
    async def test_bans_and_lifts_ranges(self) -> None:
        """Of IPv4 and of IPv6; they stand in the list until they are lifted, and each act in the audit log."""
        await self.begin()
        for text in ("203.0.113.9/24", "2001:db8::/48", "198.51.100.7"):
            body = {"range": text, "seconds": 60, "reason": "spam"}
            assert (await self.call("POST", "/api/admin/addresses", body, token=self.tokens["root"])).status == 204
        listed = (await self.get("addresses"))["addresses"]
        assert {found["range"] for found in listed} == {"203.0.113.0/24", "2001:db8::/48", "198.51.100.7/32"}
        assert {(found["reason"], found["by"]["name"]) for found in listed} == {("spam", "root")}
        for text in ("203.0.113.0/24", "2001:db8::/48"):
            path = f"/api/admin/addresses/{quote(text, safe='')}"
            assert (await self.call("DELETE", path, token=self.tokens["root"])).status == 204
            assert (await self.call("DELETE", path, token=self.tokens["root"])).status == 404
        assert [found["range"] for found in (await self.get("addresses"))["addresses"]] == ["198.51.100.7/32"]
        assert await self.acts() == ["address_unban"] * 2 + ["address_ban"] * 3

    @gen_test
    async def test_refuses_what_would_lock_oneself_out(self) -> None:
        """And what is no range."""
        await self.begin()
        for text, status in (("127.0.0.0/8", 403), ("0.0.0.0/0", 403), ("x", 400), ("", 400), ("1.2.3.4/99", 400)):
            body = {"range": text, "seconds": 60, "reason": ""}
            answer = await self.call("POST", "/api/admin/addresses", body, token=self.tokens["root"])
            assert answer.status == status, text
        assert await self.acts() == []

    @gen_test
    async def test_whoever_is_connected_from_there_is_out(self) -> None:
        """Sockets with 4403, polls with 403, at once."""
        await self.begin()
        client = await self.socket(token=self.tokens["ann"], room="den")
        poll = await self.waiting_poll("den", token=self.tokens["bob"], after=0)
        caller = mock.Mock(address="203.0.113.7")
        caller.user.author = next(iter(self.chat.clients._waiters)).user.author
        administration = self.chat.oversight.administration
        await administration.ban_range(NewRange("127.0.0.0/8", 60, "spam"), caller)
        assert await client.closed() == 4403
        assert (await poll).status == 403
        assert (await self.call("GET", "/api/rooms")).status == 403


class RoomsTest(AdminTestCase):
    @gen_test
    async def test_lists_all_rooms_but_direct_ones(self) -> None:
        """With how much there is in them, and nothing of what is said; private ones too."""
        await self.begin()
        members = {self.ids["ann"]: Member("ann", "owner"), self.ids["bob"]: Member("bob")}
        await self.chat.registry.make("cellar", "The cellar", Policy(access="private", members=members))
        body = {"people": ["bob"]}
        assert (await self.call("POST", "/api/direct", body, token=self.tokens["ann"])).status == 201
        for text in ("one", "two"):
            await self.send("cellar", text, token=self.tokens["ann"])
        client = await self.socket("eve", room="attic")
        rooms = (await self.get("rooms"))["rooms"]
        assert [(room["name"], room["access"]) for room in rooms] == [("attic", "open"), ("cellar", "private")]
        assert [(room["people"], room["members"], room["entries"]) for room in rooms] == [(1, 0, 0), (0, 2, 2)]
        assert rooms[0]["active"] is None and "two" not in str(rooms)
        for find, names in (("cel", ["cellar"]), ("THE", ["cellar"]), ("$ne", []), ("att", ["attic"])):
            found = (await self.get(f"rooms?find={quote(find)}"))["rooms"]
            assert [room["name"] for room in found] == names, find
        page = await self.get("rooms?limit=1&after=attic")
        assert ([room["name"] for room in page["rooms"]], page["more"]) == (["cellar"], False)
        await client.close()


class AuditTest(AdminTestCase):
    @gen_test
    async def test_holds_each_act_with_who_and_whom(self) -> None:
        """Of administrators, of moderators and of owners; the latest first, page by page; it cannot be changed."""
        await self.begin()
        made = await self.call("POST", "/api/rooms", {"name": "den"}, token=self.tokens["ann"])
        assert made.status == 201
        await self.call("PATCH", "/api/rooms/den", {"slow": 5, "locked": True}, token=self.tokens["ann"])
        body = {"act": "mute", "who": self.ids["bob"], "seconds": 60, "reason": "noise"}
        await self.call("POST", "/api/rooms/den/moderation", body, token=self.tokens["ann"])
        await self.act("sign_out", "bob", reason="lost telephone")
        page = await self.get("audit?limit=2")
        assert page["more"] is True
        out, mute = page["entries"]
        assert (out["act"], out["by"]["name"], out["target"]["name"]) == ("account_sign_out", "root", "bob")
        assert out["details"] == {"reason": "lost telephone"}
        assert (mute["act"], mute["room"], mute["by"]["id"]) == ("mute", "den", self.ids["ann"])
        assert mute["details"]["reason"] == "noise" and mute["details"]["until"] > time.time() * 1000
        rest = await self.get(f"audit?before={mute['id']}")
        assert [entry["details"] for entry in rest["entries"]] == [{"locked": True, "slow": 5}]
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await self.call(method, "/api/admin/audit", {}, token=self.tokens["root"])
            assert answer.status in (404, 405)
        assert "parley_acts_total" in (await self.call("GET", "/metrics")).body.decode()


class FiguresTest(AdminTestCase):
    settings: ClassVar[dict[str, Any]] = {"person_rate": "0.01/3"}

    @gen_test
    async def test_shows_what_happens(self) -> None:
        """Who is there now, and the looks of the last minutes, as many for each series."""
        await self.begin()
        figures = self.chat.oversight.figures
        client = await self.socket(token=self.tokens["ann"], room="den")
        await self.stream("den", token=self.tokens["bob"])
        await until(lambda: self.waiters_in("den") == 2)
        for _ in range(4):
            await client.ask(type="send", room="den", key=new_key(), text="hi")
        figures.look()
        figures.look()
        shown = await self.get("figures")
        now, series = shown["now"], shown["series"]
        assert now["clients"] == {"websocket": 1, "poll": 0, "stream": 1}
        assert (now["rooms"], now["backlog"]) == (1, 0)
        assert now["people"] >= 2
        assert set(series) == {"websocket", "poll", "stream", *now} - {"clients"}
        assert {len(values) for values in series.values()} == {2}
        assert series["entries"][0] > 0 and series["commit_ms"][0] > 0 and series["refused"][0] > 0
        assert series["websocket"] == [1, 1]
