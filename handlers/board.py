"""/api/rooms/<room>/board: what has been drawn in a room."""

from typing import Any

import msgspec

from handlers.base import ApiHandler


class BoardHandler(ApiHandler):
    async def get(self, name: str) -> None:
        reader = self.sessions.identify(self.request)
        room = await self.chat.access.to_read(name, reader)
        picture = await self.chat.house.boards.picture(room)
        self.chat.access.may_read(room, reader)  # it may have been lost meanwhile
        place: dict[str, Any] = {"room": room.name, "epoch": room.epoch}
        may_clear = reader is not None and self.chat.access.may_send_kind(room, reader, "board.clear")
        self.answer(place | msgspec.structs.asdict(picture.snapshot()) | {"clear": may_clear})
