"""/api/admin: what administrators see and do."""

from chat.administration import Decree, NewRange
from chat.callers import Caller
from chat.errors import Forbidden
from chat.reports import Closing, read_state
from handlers.paged import PagedHandler


class AdminHandler(PagedHandler):
    """A handler for administrators alone."""

    def administrator(self) -> Caller:
        """Who asks; raises Forbidden for one who is no administrator, and for the bots of one who is."""
        caller = self.caller()
        if not caller.admin or caller.scope is not None:
            raise Forbidden("Only administrators may do that.")
        return caller


class PeopleHandler(AdminHandler):
    async def get(self) -> None:
        self.administrator()
        size = self.page_size()
        administration = self.chat.oversight.administration
        found = await administration.people(self.text("find"), after=self.text("after"), limit=size + 1)
        self.answer_page("people", found, size)


class DecreeHandler(AdminHandler):
    async def post(self, id: str) -> None:
        caller = self.administrator()
        await self.chat.oversight.administration.decree(id, self.read(Decree), caller)
        self.no_content()


class AddressesHandler(AdminHandler):
    def get(self) -> None:
        self.administrator()
        self.answer({"addresses": self.chat.oversight.administration.ranges()})

    async def post(self) -> None:
        caller = self.administrator()
        await self.chat.oversight.administration.ban_range(self.read(NewRange), caller)
        self.no_content()


class AddressHandler(AdminHandler):
    async def delete(self, text: str) -> None:
        await self.chat.oversight.administration.lift_range(text, self.administrator())
        self.no_content()


class AllRoomsHandler(AdminHandler):
    async def get(self) -> None:
        self.administrator()
        size = self.page_size()
        administration = self.chat.oversight.administration
        found = await administration.rooms(self.text("find"), after=self.text("after"), limit=size + 1)
        self.answer_page("rooms", found, size)


class AllReportsHandler(AdminHandler):
    async def get(self) -> None:
        self.administrator()
        size = self.page_size()
        state = read_state(self.text("state"))
        found = await self.chat.oversight.reports.page(state, before=self.text("before") or None, limit=size + 1)
        self.answer_page("reports", found, size)


class AnyReportHandler(AdminHandler):
    async def post(self, id: str) -> None:
        caller = self.administrator()
        await self.chat.oversight.reports.close(id, self.read(Closing), caller)
        self.no_content()


class AuditHandler(AdminHandler):
    async def get(self) -> None:
        self.administrator()
        size = self.page_size()
        before = self.query.number("before", None, least=1)
        self.answer_page("entries", await self.chat.audit.acts(before=before, limit=size + 1), size)


class FiguresHandler(AdminHandler):
    def get(self) -> None:
        self.administrator()
        figures = self.chat.oversight.figures
        self.answer({"now": figures.now(), "series": figures.series()})
