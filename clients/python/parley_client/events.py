"""What happens in a room, and what the server answers, as typed and frozen values.

Times (`at`, `edited`, `deleted`, `active`) are milliseconds since the Unix epoch.
"""

from typing import Any

import msgspec


class Person(msgspec.Struct, frozen=True):
    """Somebody, as everybody sees them."""

    id: str
    name: str


class User(msgspec.Struct, frozen=True):
    """Who one is oneself."""

    id: str
    name: str
    guest: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """A message. One of a kind other than "text" has `data`.

    Read from the log it is in its present state: `edited` and `deleted` say when (0: never), `reactions` by whom.
    """

    room: str
    seq: int
    user: Person
    at: int
    key: str = ""
    kind: str = "text"
    text: str = ""
    data: dict[str, Any] | None = None
    edited: int = 0
    deleted: int = 0
    reactions: dict[str, list[Person]] = {}

    @property
    def is_own(self) -> bool:
        """Whether one has said it oneself."""
        return bool(self.key)


class Edit(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="edit"):
    """The message `target` says `text` now; it is empty if the message has been deleted since."""

    room: str
    seq: int
    user: Person
    at: int
    target: int
    key: str = ""
    text: str = ""


class Deletion(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="delete"):
    """The message `target` is gone."""

    room: str
    seq: int
    user: Person
    at: int
    target: int
    key: str = ""


class Reaction(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="reaction"):
    """A reaction to the message `target` was added, or taken back where it is not `on`."""

    room: str
    seq: int
    user: Person
    at: int
    target: int
    emoji: str
    on: bool
    key: str = ""


Entry = Message | Edit | Deletion | Reaction
"""What stands in a room's log."""


class Gap(msgspec.Struct, frozen=True):
    """The entries from `first` to `last` were missed and could not be given; `Room.between` reads their messages."""

    room: str
    first: int
    last: int


class Reset(msgspec.Struct, frozen=True):
    """The room is another than before: forget what it said. Its latest messages follow."""

    room: str
    epoch: str


class Joined(msgspec.Struct, frozen=True, tag_field="type", tag="joined"):
    """Somebody came. Not told in rooms with more than 200 people, as all that is no entry."""

    room: str
    user: Person


class Left(msgspec.Struct, frozen=True, tag_field="type", tag="left"):
    """Somebody went."""

    room: str
    user: Person


class Typing(msgspec.Struct, frozen=True, tag_field="type", tag="typing"):
    """Somebody is typing. A long-poll does not tell it."""

    room: str
    user: Person


class Read(msgspec.Struct, frozen=True, tag_field="type", tag="read"):
    """Somebody has read up to `seq`. A long-poll does not tell it."""

    room: str
    user: Person
    seq: int


Note = Joined | Left | Typing | Read
"""What passes, and stands in no log."""

Event = Entry | Gap | Reset | Note
"""What a room's reader is told."""


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="ack"):
    """What was said is stored."""

    room: str
    key: str
    seq: int
    at: int


class Cursor(msgspec.Struct, frozen=True):
    """How far a room has been read: up to the entry `seq` of an epoch."""

    epoch: str
    seq: int


class HistoryPage(msgspec.Struct, frozen=True):
    """Messages in order, in their present state; `more`: there are older ones. `seq` is the log's end."""

    room: str
    epoch: str
    seq: int
    entries: list[Message]
    more: bool


class RoomLine(msgspec.Struct, frozen=True):
    """A room in the list of rooms; `active`: when its last entry was made, if there is one."""

    name: str
    title: str
    people: int
    active: int | None = None
