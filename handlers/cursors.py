"""The repeated query arguments `room`, `after` and `epoch` of polls and event streams."""

from typing import NamedTuple

from chat.catch_up import Cursor
from chat.errors import BadRequest
from chat.names import room_key, room_name
from chat.protocol import SEQ_LIMIT, WITHOUT_LIMIT
from handlers.arguments import Arguments, whole

END = -1
"""The cursor of a poll that asks for the log's end alone."""


class Wanted(NamedTuple):
    """One room of the request, as it is spelt there, and where the client is in it."""

    name: str
    cursor: Cursor

    @property
    def at_end(self) -> bool:
        return self.cursor.after == END


def wanted_rooms(
    query: Arguments, limit: int, *, least: int, resumed: list[str] | None = None, history: int | None = None
) -> list[Wanted]:
    """The rooms in their order, at most `limit` of them; raises BadRequest.

    `resumed` are cursors that stand for `after`. Without either each room begins with its last `history` messages, if
    that is given, else it is an error.
    """
    names = query.all("room")
    afters = resumed or query.all("after")
    epochs = query.all("epoch")
    if not names:
        raise BadRequest("room is missing.")
    if len(names) > limit:
        raise BadRequest(f"One request is for at most {limit} rooms.")
    if len(names) > 1 and len({room_key(name) for name in names}) < len(names):
        raise BadRequest("Each room is named once.")
    if len(afters) != len(names) and (afters or history is None):
        raise BadRequest("after is needed once for each room, in the same order.")
    if epochs and (len(epochs) != len(names) or not afters):
        raise BadRequest("epoch goes with after, once for each room, in the same order.")
    return [
        Wanted(
            room_name(name),
            Cursor(after=_seq(afters[index], least), epoch=epochs[index] or None if epochs else None)
            if afters
            else Cursor(history=history),
        )
        for index, name in enumerate(names)
    ]


def kinds_without(query: Arguments) -> tuple[str, ...]:
    """The kinds of messages that a client can do without: the repeated argument `without`; raises BadRequest."""
    kinds = tuple(query.all("without"))
    if len(kinds) > WITHOUT_LIMIT:
        raise BadRequest(f"One can do without at most {WITHOUT_LIMIT} kinds.")
    return kinds


def _seq(text: str, least: int) -> int:
    seq = whole("after", text, least)
    if seq > SEQ_LIMIT:
        raise BadRequest("after is too large.")
    return seq
