"""/api/rooms/<room>/staff and /api/admin/staff: what moderators and administrators say to everybody."""

from chat.staff import StaffMessage
from handlers.admin import AdminHandler
from handlers.base import ApiHandler


class StaffHandler(ApiHandler):
    async def post(self, name: str) -> None:
        entry = await self.chat.oversight.staff.tell_room(name, self.read(StaffMessage), self.caller())
        self.answer({"seq": entry.seq, "at": entry.at}, status=201)


class StaffToAllHandler(AdminHandler):
    async def post(self) -> None:
        caller = self.administrator()
        self.answer({"rooms": await self.chat.oversight.staff.tell_all(self.read(StaffMessage), caller)})
