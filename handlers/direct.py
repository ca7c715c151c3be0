"""/api/direct: conversations of two people, or a few."""

from typing import Annotated

import msgspec
from msgspec import Meta

from handlers.base import ApiHandler


class NewDirect(msgspec.Struct, forbid_unknown_fields=True):
    """The body that begins one: the others, by ids or names."""

    people: Annotated[list[str], Meta(min_length=1)]


class DirectHandler(ApiHandler):
    async def post(self) -> None:
        room, made = await self.chat.house.direct.begin(self.read(NewDirect).people, self.caller())
        self.answer({"name": room.name, "title": room.title}, status=201 if made else 200)
