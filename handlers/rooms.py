"""/api/rooms: the list of rooms, and new ones."""

from chat.in_time import in_time
from chat.rooms import NewRoom
from handlers.base import ApiHandler


class RoomsHandler(ApiHandler):
    async def get(self) -> None:
        limit = self.query.number("limit", 200, least=1, most=self.chat.limits.rooms_limit)
        since = self.query.number("after", None, least=0)
        wait = self.query.number("wait", 0, least=0, most=int(self.chat.limits.poll_wait_limit))
        caller = self.known()
        self.chat.access.may_look(caller)
        directory, patience = self.chat.directory, self.chat.limits.send_timeout
        if since is None:
            async with in_time(patience):
                version, rooms = await directory.rooms(limit, caller)
        else:
            async with in_time(wait + patience):
                version, rooms = await directory.changed(since, wait, limit, caller)
        self.answer({"rooms": rooms, "version": version})

    async def post(self) -> None:
        with self.present() as caller:
            async with in_time(self.chat.limits.send_timeout):
                room = await self.chat.house.rooms.make(self.read(NewRoom), caller)
            self.answer(self.chat.directory.line(room, caller), status=201)
