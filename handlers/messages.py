"""/api/rooms/<room>/messages and /commands: writing and reading one room with single requests."""

from typing import Any

from chat.catch_up import fitting
from chat.errors import BadRequest
from chat.in_time import in_time
from chat.protocol import Ack, Change, Read, Signal, Typing, command
from handlers.base import ApiHandler
from handlers.cursors import kinds_without
from handlers.telling import tell_others


class RoomHandler(ApiHandler):
    """A handler of one room's address."""

    lets_visitors = True

    def fields(self, *known: str) -> dict[str, Any]:
        """The JSON object that was sent; raises BadRequest if it repeats what the address says."""
        fields = self.body()
        for name in known:
            if name in fields:
                raise BadRequest(f"The address says the {name} already.")
        return fields


class MessagesHandler(RoomHandler):
    async def post(self, name: str) -> None:
        with self.present() as caller:
            sent = command(self.fields("type", "room") | {"type": "send", "room": name}, self.chat.limits)
            assert isinstance(sent, Change)
            async with in_time(self.chat.limits.send_timeout):
                _, stored = await self.chat.writing.make(sent, caller)
            self.answer({"seq": stored.entry.seq, "at": stored.entry.at}, status=201 if stored.new else 200)

    async def get(self, name: str) -> None:
        limits = self.chat.limits
        limit = self.query.number("limit", limits.history, least=1, most=limits.page_limit)
        before = self.query.number("before", None, least=1)
        without = kinds_without(self.query)
        reader = self.sessions.identify(self.request)
        room = await self.chat.access.to_read(name, reader)
        seq = room.seq
        end = seq + 1 if before is None else min(before, seq + 1)
        found = room.tail.latest_messages(limit + 1, end, without)
        if found is None:
            found = await self.chat.history.messages(room.key, end, limit + 1, without)
        entries = fitting(found[-limit:], limits.catch_up_bytes)
        self.answer(
            {
                "room": room.name,
                "epoch": room.epoch,
                "seq": seq,
                "entries": [entry.for_reader(reader.user.id if reader else "") for entry in entries],
                "more": len(found) > len(entries),
            }
        )


class CommandsHandler(RoomHandler):
    """What a socket's client says in a frame, as a request: for clients that poll or follow the event stream."""

    async def post(self, name: str) -> None:
        with self.present() as caller:
            wanted = command(self.fields("room") | {"room": name}, self.chat.limits)
            match wanted:
                case Change():
                    async with in_time(self.chat.limits.send_timeout):
                        room, stored = await self.chat.writing.make(wanted, caller)
                    entry = stored.entry
                    self.answer(Ack(id=wanted.id, key=wanted.key, room=room.name, seq=entry.seq, at=entry.at))
                case Typing() | Read() | Signal():
                    room = await self.chat.access.to_read(name, caller)
                    await tell_others(self.chat, room, caller, wanted)
                    self.set_status(204)
                    self.clear_header("Content-Type")
                case _:
                    raise BadRequest("Only what changes or tells something is a command here.")
