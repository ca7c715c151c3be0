"""/api/rooms/<room>/moderation and /reports: what its moderators do and see, and what people report to them."""

from chat.moderation import Ruling
from chat.reports import Closing, NewReport, read_state
from handlers.base import ApiHandler
from handlers.paged import PagedHandler


class ModerationHandler(ApiHandler):
    async def get(self, name: str) -> None:
        self.answer(await self.chat.oversight.moderation.facts(name, self.caller()))

    async def post(self, name: str) -> None:
        await self.chat.oversight.moderation.rule(name, self.read(Ruling), self.caller())
        self.no_content()


class ReportsHandler(PagedHandler):
    """Reports of one room: made by anybody who reads it, read by those who moderate it."""

    async def get(self, name: str) -> None:
        size = self.page_size()
        state, before = read_state(self.text("state")), self.text("before") or None
        reports = self.chat.oversight.reports
        found = await reports.page_of(name, state, self.caller(), before=before, limit=size + 1)
        self.answer_page("reports", found, size)

    async def post(self, name: str) -> None:
        with self.present() as caller:
            self.answer({"id": await self.chat.oversight.reports.make(name, self.read(NewReport), caller)}, status=201)


class ReportHandler(ApiHandler):
    async def post(self, name: str, id: str) -> None:
        await self.chat.oversight.reports.close_of(name, id, self.read(Closing), self.caller())
        self.no_content()
