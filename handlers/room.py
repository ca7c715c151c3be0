"""/api/rooms/<room>: what a room is like, changing that, and its end."""

from chat.rooms import NewSettings
from handlers.base import ApiHandler


class RoomSettingsHandler(ApiHandler):
    async def get(self, name: str) -> None:
        caller = self.known()
        room = await self.chat.access.to_see(name, caller)
        self.answer(self.chat.house.rooms.facts(room, caller))

    async def patch(self, name: str) -> None:
        caller = self.caller()
        room = await self.chat.house.rooms.change(name, self.read(NewSettings), caller)
        self.answer(self.chat.house.rooms.facts(room, caller))

    async def delete(self, name: str) -> None:
        await self.chat.house.rooms.delete(name, self.caller())
        self.no_content()
