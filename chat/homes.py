"""Homes: where what is said in a room is stored, if several processes have something to store in it.

Each may store in any room: a unique index lets one have the next number, and the others try again. Where many try all
the time, most of the time goes into trying. So what is said in a room that others have just written in is handed to one
of them, by the bus: the same for all of them, as each finds it by the room's key and the names of those who live. It is
no more than a shorter way. Who is asked and does not answer soon is not waited for, and two who both think that they
are a room's home try as before.
"""

import asyncio
import zlib
from dataclasses import dataclass

from chat.bus import Bus
from chat.entries import Entry
from chat.notes import Draft
from chat.room import Room

# A room is rivalled when another process has stored something of its own people in it within this time (seconds).
RIVALRY = 0.5


@dataclass(slots=True)
class _Way:
    """Where what somebody says in a room goes while something of theirs is under way, so that it keeps its order;
    `home` is empty for here."""

    home: str
    count: int = 0


class Homes:
    """Chooses for each author in each room, and hands over."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._ways: dict[tuple[str, str], _Way] = {}

    def is_rivalled(self, room: Room) -> bool:
        return asyncio.get_running_loop().time() - room.rivalled < RIVALRY

    def begin(self, room: Room, draft: Entry, *, here: bool = False) -> bool:
        """Something is under way until `end`. True if it was handed to another process; never if it has to be `here`,
        as another has handed it over."""
        if not self._bus.is_shared:
            return False
        mark = (room.key, draft.user.id)
        way = self._ways.get(mark)
        if way is None:
            way = self._ways[mark] = _Way("" if here else self._home_of(room))
        way.count += 1
        if here or not way.home:
            return False
        self._bus.tell(Draft(to=way.home, room=room.key, entry=draft))
        return True

    def end(self, room: Room, draft: Entry) -> None:
        """Harmless for what never began."""
        mark = (room.key, draft.user.id)
        way = self._ways.get(mark)
        if way is not None:
            way.count -= 1
            if not way.count:
                del self._ways[mark]

    def _home_of(self, room: Room) -> str:
        """Empty for here."""
        if not self.is_rivalled(room):
            return ""
        processes = {self._bus.process, *self._bus.others()}
        home = max(processes, key=lambda process: (zlib.crc32(f"{process} {room.key}".encode()), process))
        return "" if home == self._bus.process else home
