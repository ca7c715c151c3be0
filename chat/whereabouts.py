"""Whereabouts: from which address guests were heard of last, so that one who is banned does not come back by another
name."""

from typing import NamedTuple

from chat.addresses import address_key
from chat.bus import Bus, LocalBus
from chat.callers import Caller
from chat.notes import HeardOf
from chat.people import User

# Guests remembered, in memory alone; those who have been at their address for longest are forgotten first.
REMEMBERED = 10_000


class Heard(NamedTuple):
    """A guest: their name, their address, and its key."""

    name: str
    address: str
    place: str


class Whereabouts:
    """Knows the guests who have joined a room or written, at whatever process."""

    def __init__(self, bus: Bus | None = None) -> None:
        self._heard: dict[str, Heard] = {}
        self._bus = bus or LocalBus()
        self._bus.hear(HeardOf, lambda note, by: self._remember(note.user, note.address))

    def __len__(self) -> int:
        return len(self._heard)

    def note(self, caller: Caller) -> None:
        """Does nothing for accounts, which are known by themselves."""
        if caller.account or not caller.address:
            return
        known = self._heard.get(caller.user.id)
        if known is not None and known.address == caller.address:
            return  # as it nearly always is; this is asked with each message
        self._remember(caller.user, caller.address)
        self._bus.tell(HeardOf(caller.user, caller.address))

    def _remember(self, user: User, address: str) -> None:
        heard = self._heard
        if heard.pop(user.id, None) is None and len(heard) >= REMEMBERED:
            del heard[next(iter(heard))]
        heard[user.id] = Heard(user.name, address, address_key(address))

    def of(self, guest: str) -> Heard | None:
        """What is known of a guest, by their id; None for one who is not remembered."""
        return self._heard.get(guest)

    def at(self, place: str) -> list[str]:
        """The ids of the guests who were heard of from there."""
        return [guest for guest, heard in self._heard.items() if heard.place == place]
