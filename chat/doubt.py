"""Doubt: rooms whose logs may hold more than they have been told of, after a write of which nobody knows what came."""

import asyncio
from collections.abc import Callable

from chat.entries import Entry
from chat.errors import Unavailable
from chat.history import History
from chat.room import Room

# A write that timed out may still arrive at MongoDB; for this many seconds after it answers again the log is looked
# at for it.
LATE_WRITES = 5.0


class Doubt:
    """Brings rooms up to their logs, and looks again for some time. `found` is given what comes next in a log, at most
    `step` entries at once."""

    def __init__(self, history: History, *, step: int, found: Callable[[Room, list[Entry]], object]) -> None:
        self._history = history
        self._step = step
        self._found = found
        self.rooms: set[Room] = set()
        """To be looked at as soon as MongoDB answers."""
        self.watched: dict[Room, float] = {}
        """Looked at now and then, until that time of the loop."""

    def __contains__(self, room: Room) -> bool:
        """Whether a write may still be on its way to its log."""
        return room in self.rooms or room in self.watched

    def begin(self, room: Room) -> None:
        self.rooms.add(room)

    async def resolve(self) -> bool:
        """Brings every doubtful room up to its log. False while MongoDB is away."""
        for room in list(self.rooms):
            if not await self.catch_up(room):
                return False
            self.rooms.discard(room)
            self.watched[room] = asyncio.get_running_loop().time() + LATE_WRITES
        return True

    async def look_again(self) -> None:
        """For late writes."""
        now = asyncio.get_running_loop().time()
        for room, until in list(self.watched.items()):
            await self.catch_up(room)
            if now > until:
                del self.watched[room]

    async def catch_up(self, room: Room) -> bool:
        """Finds what the log has beyond the room. False, and the room is doubtful, if it could not be read."""
        try:
            while missed := await self._history.following(room.key, room.seq, self._step):
                self._found(room, missed)
        except Unavailable:
            self.begin(room)
            return False
        return True
