"""Edits, deletions and reactions as the journal has them: a line each, that nothing else has."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

# Between a text and what an edit made of it: so it can still be told which message it is.
EDITED = " ✎"
DELETED = "(deleted)"
"""Stands for the text of a message that has none any more."""
ACTS = ("edit", "delete", "reaction")


class Change(NamedTuple):
    """`act` is the type of its entry; `value` of an edit the new text, of a reaction the emoji with + or -."""

    act: str
    target: int
    by: str
    value: str = ""

    @property
    def line(self) -> str:
        return f"{self.act} {self.target} {self.by} {self.value}"

    @classmethod
    def of(cls, line: str) -> Self | None:
        """The change that a line of the journal means; None for a message."""
        if not line.startswith(ACTS):
            return None
        act, target, by, value = line.split(" ", 3)
        return cls(act, int(target), by, value)


class State(NamedTuple):
    """What has become of a message: the mark of its last edit, and who has left which emoji."""

    edit: str = ""
    deleted: bool = False
    reactions: frozenset[tuple[str, str]] = frozenset()

    def after(self, change: Change) -> "State":
        if self.deleted:
            return self
        if change.act == "delete":
            return State(deleted=True)
        if change.act == "edit":
            return self._replace(edit=change.value.partition(EDITED)[2])
        reaction = {(change.value[:-1], change.by)}
        left = self.reactions | reaction if change.value.endswith("+") else self.reactions - reaction
        return self._replace(reactions=frozenset(left))


def line_of(entry: Mapping[str, Any]) -> str:
    """What the journal has for an entry: of a message its first text, or DELETED."""
    if entry["type"] == "message":
        return DELETED if "deleted" in entry else str(entry.get("text", "")).partition(EDITED)[0]
    value = entry.get("text") or ""
    if entry["type"] == "reaction":
        value = entry["emoji"] + ("+" if entry["on"] else "-")
    return Change(entry["type"], entry["target"], entry["user"]["name"], value).line


def state_of(message: Mapping[str, Any]) -> State:
    """Of a message as the server shows it."""
    reactions: Iterable[tuple[str, list[Any]]] = message.get("reactions", {}).items()
    return State(
        edit=str(message.get("text") or "").partition(EDITED)[2],
        deleted="deleted" in message,
        reactions=frozenset((emoji, person["name"]) for emoji, people in reactions for person in people),
    )
