"""Who takes part in what happens in a room without being in it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from chat.entries import Entry
from chat.people import User
from chat.waiter import Waiter

if TYPE_CHECKING:
    from chat.room import Room


class Visitors(Protocol):
    """Is told who comes to a room and who leaves it."""

    def joined(self, room: "Room", waiter: Waiter) -> None: ...

    def left(self, room: "Room", waiter: Waiter) -> None: ...


class Follower(Protocol):
    """Keeps something that follows from a room's log."""

    def permit(self, draft: Entry, ahead: Sequence[Entry]) -> bool:
        """Whether it has a place for what is to be said, after what is just being said: False if that depends on what
        becomes of this. Raises ChatError if it has none in any case."""

    def published(self, entries: list[Entry]) -> None:
        """Takes the next entries of the log."""

    def forgot(self, upto: int) -> None:
        """The entries up to that number are no more."""


class Company(Protocol):
    """Who is in rooms at other processes, and tells them who is here."""

    def others(self, room: str) -> Mapping[User, object]: ...

    def came(self, room: str, user: User) -> object: ...

    def went(self, room: str, user: User) -> object: ...


NOBODY: Mapping[User, object] = {}
