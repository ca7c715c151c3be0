"""/api/rooms: the list of rooms, and new ones."""

import msgspec

from handlers.base import ApiHandler


class NewRoom(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes a room."""

    name: str | None = None
    title: str | None = None


class RoomsHandler(ApiHandler):
    async def get(self) -> None:
        limit = self.number("limit", 200, least=1, most=self.chat.limits.rooms_limit)
        since = self.number("after", None, least=0)
        wait = self.number("wait", 0, least=0, most=int(self.chat.limits.poll_wait_limit))
        if since is None:
            version, rooms = await self.chat.directory.rooms(limit)
        else:
            version, rooms = await self.chat.directory.changed(since, wait, limit)
        self.answer({"rooms": rooms, "version": version})

    async def post(self) -> None:
        with self.present():
            wanted = self.read(NewRoom)
            room = await self.chat.registry.make(wanted.name, wanted.title)
            self.answer({"name": room.name, "title": room.title, "people": 0, "active": None}, status=201)
