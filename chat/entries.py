"""Entries of a room's log as plain data, and how edits, deletions and reactions change a message."""

from collections.abc import Iterable
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()


class Author(msgspec.Struct, frozen=True):
    """Who made an entry."""

    id: str
    name: str


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One entry of a log. `at`, `edited` and `deleted` are milliseconds since the Unix epoch; docs/protocol.md has
    the fields.

    `key` goes to its sender alone: see `for_reader`.
    """

    type: str
    room: str
    seq: int
    user: Author
    at: int
    key: str = ""
    kind: str = ""
    text: str | None = None
    data: dict[str, Any] | None = None
    target: int = 0
    emoji: str = ""
    on: bool | None = None
    edited: int = 0
    deleted: int = 0
    reactions: dict[str, list[Author]] = {}

    def for_reader(self, user_id: str) -> "Entry":
        """The entry as that person may see it."""
        return self if self.user.id == user_id else msgspec.structs.replace(self, key="")

    def json(self) -> bytes:
        """The entry for its sender."""
        return _encoder.encode(self)

    def public_json(self) -> bytes:
        """The entry for everybody else."""
        return _encoder.encode(msgspec.structs.replace(self, key=""))

    def change(self, change: "Entry") -> None:
        """Brings this message to the state after `change`. Doing it again, or after a deletion, changes nothing."""
        if self.deleted:
            return
        if change.type == "edit":
            self.text, self.edited = change.text, change.at
        elif change.type == "delete":
            self.text, self.data, self.deleted, self.reactions = None, None, change.at, {}
        elif change.type == "reaction":
            people = [person for person in self.reactions.get(change.emoji, ()) if person.id != change.user.id]
            if change.on:
                people.append(change.user)
            self.reactions = {**self.reactions, change.emoji: people}
            if not people:
                del self.reactions[change.emoji]


def settle(entries: Iterable[Entry], changes: Iterable[Entry]) -> None:
    """Brings the messages among `entries` to their present state by `changes`, which are in order.

    An edit of a message that was deleted later loses its text as well.
    """
    entries = list(entries)
    by_seq = {entry.seq: entry for entry in entries}
    edits: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.type == "edit":
            edits.setdefault(entry.target, []).append(entry)
    for change in changes:
        message = by_seq.get(change.target)
        if message is not None and message.type == "message":
            message.change(change)
        if change.type == "delete":
            for edit in edits.get(change.target, ()):
                edit.text = None
