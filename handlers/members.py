"""/api/rooms/<room>/members: who belongs to a room."""

import msgspec

from chat.policy import Role
from handlers.base import ApiHandler


class Standing(msgspec.Struct, forbid_unknown_fields=True):
    """The body that gives somebody a role."""

    role: Role = "member"


class MembersHandler(ApiHandler):
    async def get(self, name: str) -> None:
        self.answer({"members": await self.chat.house.members.of(name, self.known())})


class MemberHandler(ApiHandler):
    async def put(self, name: str, who: str) -> None:
        await self.chat.house.members.put(name, who, self.read(Standing).role, self.caller())
        self.no_content()

    async def delete(self, name: str, who: str) -> None:
        await self.chat.house.members.remove(name, who, self.caller())
        self.no_content()
