"""/api/rooms/<room>/reports and /api/admin/reports: what people report, and who reads it."""

import asyncio
from typing import Any, ClassVar, cast

from tornado.testing import gen_test

from chat.policy import Member, Policy
from tests.cases import Answer
from tests.rooms import new_key
from tests.ruling import PeopleCase


class ReportTestCase(PeopleCase):
    """Ann owns the room, mod moderates it, bob and eve are guests, root is an administrator."""

    async def begin(self, access: Any = "open") -> None:
        members = await self.gather("bob", "eve")
        if access != "open":
            members[self.ids["bob"]] = Member("bob")
        await self.chat.registry.make("den", None, Policy(access=access, members=members))

    async def report(self, by: str, seq: int, reason: str = "rude", room: str = "den") -> Answer:
        body = {"seq": seq, "reason": reason}
        return await self.call("POST", f"/api/rooms/{room}/reports", body, token=self.tokens[by])

    async def reports(self, by: str = "root", query: str = "") -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/api/admin/reports{query}", token=self.tokens[by])
        assert answer.status == 200, answer
        return list(answer.body["reports"])

    async def close(self, by: str, path: str, **fields: Any) -> Answer:
        return await self.call("POST", path, {"state": "closed"} | fields, token=self.tokens[by])


class ReportTest(ReportTestCase):
    @gen_test
    async def test_whoever_reads_reports(self) -> None:
        """A message is reported with what it said then, whatever is made of it afterwards."""
        await self.begin()
        await self.send("den", "very rude", token=self.tokens["bob"])
        answer = await self.report("eve", 1, "this is  rude")
        assert answer.status == 201
        await self.command("den", token=self.tokens["bob"], type="delete", target=1, key=new_key())
        report = (await self.reports())[0]
        assert report["id"] == answer.body["id"]
        assert (report["room"], report["seq"], report["state"], report["closed"]) == ("den", 1, "open", None)
        assert (report["text"], report["reason"]) == ("very rude", "this is rude")
        assert report["author"] == {"id": self.ids["bob"], "name": "bob"}
        assert report["by"] == {"id": self.ids["eve"], "name": "eve"}

    @gen_test
    async def test_a_message_that_is_deleted_meanwhile(self) -> None:
        """What it said when it was reported is what is kept."""
        await self.begin()
        await self.send("den", "very rude", token=self.tokens["bob"])
        reports = self.chat.oversight.reports._reports
        counting, gate = asyncio.Event(), asyncio.Event()

        class Slow:
            def __getattr__(self, name: str) -> Any:
                return getattr(reports, name)

            async def count_documents(self, *given: Any, **more: Any) -> int:
                counting.set()
                await gate.wait()
                return int(await reports.count_documents(*given, **more))

        self.chat.oversight.reports._reports = cast(Any, Slow())
        reporting = asyncio.create_task(self.report("eve", 1))
        await counting.wait()
        await self.command("den", token=self.tokens["bob"], type="delete", target=1, key=new_key())
        gate.set()
        assert (await reporting).status == 201
        assert [report["text"] for report in await self.reports()] == ["very rude"]

    @gen_test
    async def test_a_message_that_is_no_text(self) -> None:
        """Its data are the evidence, as much of them as a text may have."""
        await self.begin()
        body = {"kind": "poll", "data": {"question": "x" * 10_000}, "key": new_key()}
        assert (await self.call("POST", "/api/rooms/den/messages", body, token=self.tokens["bob"])).status == 201
        await self.report("eve", 1)
        text = (await self.reports())[0]["text"]
        assert text.startswith('{"question":"xxx') and len(text) == 4_000

    @gen_test
    async def test_once_each(self) -> None:
        """Who reports the same again is given the same report; somebody else's is another."""
        await self.begin()
        await self.send("den", "rude", token=self.tokens["bob"])
        ids = [(await self.report(by, 1)).body["id"] for by in ("eve", "eve", "dan")]
        assert ids[0] == ids[1] != ids[2]
        assert [report["id"] for report in await self.reports()] == [ids[2], ids[0]]

    @gen_test
    async def test_what_cannot_be_reported(self) -> None:
        """No such message, none any more, no reason, and what is no report at all."""
        await self.begin()
        await self.send("den", "rude", token=self.tokens["bob"])
        assert (await self.report("eve", 9)).status == 404
        assert (await self.report("eve", 1, "  ")).status == 400
        assert (await self.report("eve", 0)).status == 400
        assert (await self.report("eve", 1, "x" * 501)).status == 400
        await self.command("den", token=self.tokens["bob"], type="delete", target=1, key=new_key())
        assert (await self.report("eve", 1)).status == 404
        assert (await self.call("POST", "/api/rooms/den/reports", {"seq": 1, "reason": "x"})).status == 401
        assert await self.reports() == []

    @gen_test
    async def test_who_does_not_read_reports_nothing(self) -> None:
        """A private room that one may not see is one that does not exist."""
        await self.begin("private")
        await self.send("den", "rude", token=self.tokens["bob"])
        real, none = await self.report("dan", 1), await self.report("dan", 1, room="none")
        assert (real.status, real.body) == (none.status, none.body) == (404, none.body)
        assert (await self.report("bob", 1)).status == 201


class ReadingTest(ReportTestCase):
    @gen_test
    async def test_only_administrators_see_all(self) -> None:
        """Nobody else, and a bot of an administrator neither."""
        await self.begin()
        for who in ("ann", "mod", "dan", "bob"):
            assert (await self.call("GET", "/api/admin/reports", token=self.tokens[who])).status == 403
            assert (await self.close(who, "/api/admin/reports/x")).status == 403
        assert (await self.call("GET", "/api/admin/reports")).status == 401

    @gen_test
    async def test_moderators_see_those_of_their_room(self) -> None:
        """And no others; who does not moderate sees none."""
        await self.begin()
        await self.chat.registry.make("attic", None)
        for room in ("den", "attic"):
            await self.send(room, f"rude in {room}", token=self.tokens["bob"])
            assert (await self.report("eve", 1, room=room)).status == 201
        for who in ("ann", "mod", "root"):
            answer = await self.call("GET", "/api/rooms/den/reports", token=self.tokens[who])
            assert [report["text"] for report in answer.body["reports"]] == ["rude in den"]
        for who in ("dan", "bob"):
            assert (await self.call("GET", "/api/rooms/den/reports", token=self.tokens[who])).status == 403
        elsewhere = next(report for report in await self.reports() if report["room"] == "attic")
        assert (await self.close("mod", f"/api/rooms/den/reports/{elsewhere['id']}")).status == 404
        assert (await self.close("bob", f"/api/rooms/den/reports/{elsewhere['id']}")).status == 403

    @gen_test
    async def test_pages(self) -> None:
        """The latest first, and `before` goes on."""
        await self.begin()
        for number in range(1, 4):
            await self.send("den", "rude", token=self.tokens["bob"])
            await self.report("eve", number)
        first = await self.call("GET", "/api/admin/reports?limit=2", token=self.tokens["root"])
        assert [report["seq"] for report in first.body["reports"]] == [3, 2]
        assert first.body["more"] is True
        rest = await self.call(
            "GET", f"/api/admin/reports?limit=2&before={first.body['reports'][-1]['id']}", token=self.tokens["root"]
        )
        assert ([report["seq"] for report in rest.body["reports"]], rest.body["more"]) == ([1], False)
        assert (await self.call("GET", "/api/admin/reports?state=x", token=self.tokens["root"])).status == 400


class ClosingTest(ReportTestCase):
    @gen_test
    async def test_a_closed_report_forgets_what_was_said(self) -> None:
        """The evidence is gone from the store; who closed it, and with what note, stays, and is in the audit log."""
        await self.begin()
        await self.send("den", "very rude words", token=self.tokens["bob"])
        id = (await self.report("eve", 1)).body["id"]
        await self.command("den", token=self.tokens["bob"], type="delete", target=1, key=new_key())
        reports = self.mongod.client[self.database_name]["reports"]
        assert "very rude words" in str(list(reports.find()))
        assert (await self.close("root", f"/api/admin/reports/{id}", note="talked to them")).status == 204
        assert "very rude words" not in str(list(reports.find()))
        assert await self.reports() == []
        closed = (await self.reports(query="?state=closed"))[0]
        assert (closed["text"], closed["closed"]["note"]) == (None, "talked to them")
        assert closed["closed"]["by"]["id"] == self.ids["root"]
        audit = (await self.call("GET", "/api/admin/audit", token=self.tokens["root"])).body["entries"]
        assert (audit[0]["act"], audit[0]["room"], audit[0]["target"]["id"]) == ("close_report", "den", self.ids["bob"])
        assert "very rude words" not in str(audit)
        assert (await self.close("root", f"/api/admin/reports/{id}")).status == 404

    @gen_test
    async def test_a_moderator_closes(self) -> None:
        """In their room."""
        await self.begin()
        await self.send("den", "rude", token=self.tokens["bob"])
        id = (await self.report("eve", 1)).body["id"]
        assert (await self.close("mod", f"/api/rooms/den/reports/{id}")).status == 204
        assert await self.reports() == []

    @gen_test
    async def test_a_report_is_not_opened_again(self) -> None:
        """Closed is the only state it can be given."""
        await self.begin()
        for body in ({"state": "open"}, {}, {"state": "closed", "note": "x" * 501}):
            answer = await self.call("POST", "/api/admin/reports/x", body, token=self.tokens["root"])
            assert answer.status == 400
        assert (await self.close("root", "/api/admin/reports/x")).status == 404

    @gen_test
    async def test_a_room_takes_its_reports_with_it(self) -> None:
        """Of a deleted room nothing is left that was said there."""
        await self.begin()
        await self.send("den", "rude", token=self.tokens["bob"])
        await self.report("eve", 1)
        assert (await self.call("DELETE", "/api/rooms/den", token=self.tokens["ann"])).status == 204
        assert await self.reports() == []


class BoundTest(ReportTestCase):
    settings: ClassVar[dict[str, Any]] = {"report_rate": "0.001/3", "open_reports": 2}

    @gen_test
    async def test_somebody_is_to_read_them(self) -> None:
        """One person makes so many, and all together so many that are not read yet."""
        await self.begin()
        for _ in range(4):
            await self.send("den", "rude", token=self.tokens["bob"])
        assert [(await self.report("eve", seq)).status for seq in (1, 1, 2, 3)] == [201, 201, 201, 429]
        refused = await self.report("dan", 3)
        assert (refused.status, refused.code) == (429, "rate_limited")
        await self.close("root", f"/api/admin/reports/{(await self.reports())[0]['id']}")
        assert (await self.report("dan", 3)).status == 201
