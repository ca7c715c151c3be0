"""The audience: telling those who are connected something from anywhere in the process.

What is told passes: it is no entry of a log, and who is away misses it. To say something that stays, store a message.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chat.broadcast import Notice
from chat.bus import Bus
from chat.errors import NotFound
from chat.names import room_key
from chat.notes import Said
from chat.waiter import Waiter

if TYPE_CHECKING:
    from chat.registry import RoomRegistry

Data = Mapping[str, Any]


def event(data: Data, room: str | None = None) -> Notice:
    """The message `event` with an object for JSON."""
    return Notice("event", room, data=dict(data))


class Audience:
    """Everybody who has an open connection, by room, person or session, at whatever process.

    How many were told, only this one knows: those at other processes are told as well and do not count.
    """

    def __init__(self, clients: Iterable[Waiter], registry: "RoomRegistry", bus: Bus) -> None:
        self._clients = clients
        self._registry = registry
        self._bus = bus
        bus.hear(Said, lambda note, by: self._heard(note))

    def broadcast(self, data: Data, *, but: str = "") -> int:
        """Tells all connections but those of a person, by their id; how many."""
        self._bus.tell(Said(dict(data), but=but))
        return _tell(self._clients, event(data), but)

    def room(self, name: str, data: Data, *, but: str = "") -> int:
        """Tells all connections in a room but those of a person; how many. Raises NotFound where there are none."""
        room = self._registry.awake(name)
        if self._bus.is_shared and self._registry.company.others(room_key(name)):
            self._bus.tell(Said(dict(data), room=room_key(name), but=but))
        elif room is None or not room.waiters():
            raise NotFound(f"Nobody is in {room_key(name)}.")
        return _tell(room.waiters(), event(data, room.name), but) if room is not None else 0

    def person(self, id: str, data: Data) -> int:
        """Tells all connections of a person; how many."""
        self._bus.tell(Said(dict(data), person=id))
        return self._tell_person(id, data)

    def send_to(self, session: str, data: Data) -> int:
        """Tells the connections of a session, by its id; how many. Raises NotFound where there are none, and no other
        processes."""
        self._bus.tell(Said(dict(data), session=session))
        told = self._tell_session(session, data)
        if not told and not self._bus.is_shared:
            raise NotFound("Nobody is connected with that session.")
        return told

    def _tell_person(self, id: str, data: Data) -> int:
        return _tell((waiter for waiter in self._clients if waiter.user.id == id), event(data))

    def _tell_session(self, session: str, data: Data) -> int:
        return _tell((waiter for waiter in self._clients if session == waiter.caller.session), event(data))

    def _heard(self, said: Said) -> None:
        """Another process tells those who are connected here."""
        if said.person:
            self._tell_person(said.person, said.data)
        elif said.session:
            self._tell_session(said.session, said.data)
        elif said.room:
            room = self._registry.get(said.room)
            if room is not None:
                _tell(room.waiters(), event(said.data, room.name), said.but)
        else:
            _tell(self._clients, event(said.data), said.but)


def _tell(waiters: Iterable[Waiter], notice: Notice, but: str = "") -> int:
    told = 0
    for waiter in list(waiters):
        if waiter.user.id != but and waiter.transport != "poll":
            waiter.notify(notice)
            told += 1
    return told
