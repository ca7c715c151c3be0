"""The audience: telling those who are connected something from anywhere in the process.

What is told passes: it is no entry of a log, and who is away misses it. To say something that stays, store a message.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chat.broadcast import Notice
from chat.errors import NotFound
from chat.names import room_key
from chat.waiter import Waiter

if TYPE_CHECKING:
    from chat.registry import RoomRegistry

Data = Mapping[str, Any]


def event(data: Data, room: str | None = None) -> Notice:
    """The message `event` with an object for JSON."""
    return Notice("event", room, data=dict(data))


class Audience:
    """Everybody who has an open connection, by room, person or session."""

    def __init__(self, clients: Iterable[Waiter], registry: "RoomRegistry") -> None:
        self._clients = clients
        self._registry = registry

    def broadcast(self, data: Data, *, but: str = "") -> int:
        """Tells all connections but those of a person, by their id; how many."""
        return _tell(self._clients, event(data), but)

    def room(self, name: str, data: Data, *, but: str = "") -> int:
        """Tells all connections in a room but those of a person; how many. Raises NotFound where there are none."""
        room = self._registry.awake(name)
        if room is None or not room.waiters():
            raise NotFound(f"Nobody is in {room_key(name)}.")
        return _tell(room.waiters(), event(data, room.name), but)

    def person(self, id: str, data: Data) -> int:
        """Tells all connections of a person; how many."""
        return _tell((waiter for waiter in self._clients if waiter.user.id == id), event(data))

    def send_to(self, session: str, data: Data) -> int:
        """Tells the connections of a session, by its id; how many. Raises NotFound where there are none."""
        told = _tell((waiter for waiter in self._clients if session == waiter.caller.session), event(data))
        if not told:
            raise NotFound("Nobody is connected with that session.")
        return told


def _tell(waiters: Iterable[Waiter], notice: Notice, but: str = "") -> int:
    told = 0
    for waiter in list(waiters):
        if waiter.user.id != but and waiter.transport != "poll":
            waiter.notify(notice)
            told += 1
    return told
