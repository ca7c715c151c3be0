"""/api/rooms: the list of rooms, and new ones."""

from chat.rooms import NewRoom
from handlers.base import ApiHandler


class RoomsHandler(ApiHandler):
    async def get(self) -> None:
        limit = self.query.number("limit", 200, least=1, most=self.chat.limits.rooms_limit)
        since = self.query.number("after", None, least=0)
        wait = self.query.number("wait", 0, least=0, most=int(self.chat.limits.poll_wait_limit))
        caller = self.known()
        self.chat.access.may_look(caller)
        if since is None:
            version, rooms = await self.chat.directory.rooms(limit, caller)
        else:
            version, rooms = await self.chat.directory.changed(since, wait, limit, caller)
        self.answer({"rooms": rooms, "version": version})

    async def post(self) -> None:
        with self.present() as caller:
            room = await self.chat.house.rooms.make(self.read(NewRoom), caller)
            self.answer(self.chat.directory.line(room, caller), status=201)
