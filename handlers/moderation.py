"""/api/rooms/<room>/moderation: what its moderators do, and see of what was done."""

from chat.moderation import Ruling
from handlers.base import ApiHandler


class ModerationHandler(ApiHandler):
    async def get(self, name: str) -> None:
        self.answer(await self.chat.moderation.facts(name, self.caller()))

    async def post(self, name: str) -> None:
        await self.chat.moderation.rule(name, self.read(Ruling), self.caller())
        self.no_content()
