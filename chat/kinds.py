"""Kinds of messages that are no texts: what their data are like, and who may send them.

    from chat.kinds import kind

    @kind("poll.vote")
    class Vote(msgspec.Struct, forbid_unknown_fields=True):
        question: str
        option: int

A decorator only marks its type; chat/plugins.py collects what is marked. A kind that nobody has declared carries
anything.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from chat.errors import BadRequest
from chat.protocol import sentence

T = TypeVar("T", bound=type)

_MARK = "__parley_kinds__"


class Kind(msgspec.Struct, frozen=True):
    """`schema` is any type that msgspec checks, as a rule a struct.

    In a room that somebody owns, one that is `for_moderators` is theirs alone to send. One that is not `paced` is not
    held up by slow mode.
    """

    name: str
    schema: Any
    for_moderators: bool = False
    paced: bool = True


def kind(name: str, *, for_moderators: bool = False, paced: bool = True) -> Callable[[T], T]:
    """`@kind("poll.vote")`: messages and signals of that kind have data of the marked type."""

    def mark(schema: T) -> T:
        marked = [*vars(schema).get(_MARK, ()), Kind(name, schema, for_moderators, paced)]
        setattr(schema, _MARK, marked)
        return schema

    return mark


def kinds_in(namespace: Mapping[str, Any]) -> list[Kind]:
    """What is marked among the values of a module, each once, in the order in which it stands there."""
    found: dict[int, Kind] = {}
    for value in namespace.values():
        for marked in vars(value).get(_MARK, ()) if isinstance(value, type) else ():
            found.setdefault(id(marked), marked)
    return list(found.values())


class Kinds:
    """The kinds that have been declared; raises ValueError for one that is declared twice."""

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self._kinds: dict[str, Kind] = {}
        for each in kinds:
            if each.name == "text" or each.name in self._kinds:
                raise ValueError(f"the kind {each.name!r} is declared twice")
            self._kinds[each.name] = each

    def get(self, name: str) -> Kind | None:
        return self._kinds.get(name)

    def is_paced(self, name: str) -> bool:
        """Whether who says something of that kind waits in slow mode; texts and kinds that nobody declared are."""
        known = self._kinds.get(name)
        return known is None or known.paced

    def check(self, name: str, data: Any) -> None:
        """Raises BadRequest for data that do not fit their kind."""
        known = self._kinds.get(name)
        if known is None:
            return
        try:
            msgspec.convert(data, known.schema)
        except msgspec.ValidationError as error:
            raise BadRequest(f"That is no {name}: {sentence(error)}") from None
