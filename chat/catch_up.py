"""Catching up: what a client is given when it joins a room, so that nothing is missing at the seam to what comes
live."""

from collections.abc import Sequence

import msgspec

from chat.entries import Entry, settle
from chat.errors import BadRequest
from chat.history import History
from chat.limits import Limits
from chat.room import Room


class Cursor(msgspec.Struct, frozen=True):
    """Where a client is in a room: after an entry, of an epoch if it knows one, or new and shown `history` messages.

    It can do `without` messages of some kinds.
    """

    after: int | None = None
    epoch: str | None = None
    history: int | None = None
    without: tuple[str, ...] = ()

    @property
    def may_be_new(self) -> bool:
        """Whether it can be one of a room that nobody has made yet: one with an epoch is reset there."""
        return not self.after or self.after < 0 or self.epoch is not None


class CatchUp(msgspec.Struct, frozen=True):
    """`entries` in order up to `seq`, the log's end; `gap` where the first missed ones are too many to be given."""

    seq: int
    entries: list[Entry]
    gap: tuple[int, int] | None = None
    reset: bool = False


def at_hand(room: Room, cursor: Cursor, limits: Limits) -> CatchUp | None:
    """What is missing after the cursor if memory has it all, as it nearly always does."""
    if cursor.after is None or (cursor.epoch is not None and cursor.epoch != room.epoch):
        return None
    if cursor.after > room.seq:
        return None
    missed = room.tail.since(cursor.after)
    return None if missed is None else _caught_up(room, cursor, missed, limits, begins=cursor.after + 1)


async def catch_up(room: Room, cursor: Cursor, history: History, limits: Limits) -> CatchUp:
    """What is missing after the cursor; raises BadRequest for a cursor beyond the end, Unavailable.

    It ends without giving way to the event loop after its last look at the room. So who joins the room right after
    it, also without giving way,
    has no seam.
    """
    if cursor.after is None:
        count = limits.history if cursor.history is None else min(cursor.history, limits.page_limit)
        return await _newcomer(room, count, cursor.without, history, limits)
    if cursor.epoch is not None and cursor.epoch != room.epoch:
        newcomer = await _newcomer(room, limits.history, cursor.without, history, limits)
        return msgspec.structs.replace(newcomer, reset=True)
    if cursor.after > room.seq:
        await bring_up(room, cursor.after, history, limits)
    return at_hand(room, cursor, limits) or await _resume(room, cursor, history, limits)


async def bring_up(room: Room, after: int, history: History, limits: Limits) -> None:
    """Lets the room have what another process has stored and a client knows already; raises BadRequest if there is
    nothing as far as its cursor, Unavailable."""
    while room.stored and after > room.seq:
        missed = await history.following(room.key, room.seq, limits.catch_up)
        if not missed:
            break
        room.take(missed)
    if after > room.seq:
        raise _beyond(after, room.seq)


async def _newcomer(room: Room, count: int, without: Sequence[str], history: History, limits: Limits) -> CatchUp:
    """The last messages. A newcomer misses nothing before them, so there is no gap."""
    messages = room.tail.latest_messages(count, without=without)
    if messages is None:
        with room.tail.reading() as end:
            older = await history.messages(room.key, end + 1, count, without)
            newer = room.tail.since(end) or []
            settle(older, newer)
            newer = [entry for entry in newer if entry.type == "message" and entry.kind not in without]
            messages = (older + newer)[-count:]
    return CatchUp(room.seq, fitting(messages, limits.catch_up_bytes))


async def _resume(room: Room, cursor: Cursor, history: History, limits: Limits) -> CatchUp:
    after = cursor.after or 0
    with room.tail.reading() as end:
        older = await history.between(room.key, after, end, limits.catch_up, cursor.without)
        missed = older + (room.tail.since(end) or [])
    begins = older[0].seq if len(older) >= limits.catch_up else after + 1
    return _caught_up(room, cursor, missed, limits, begins=begins)


def _caught_up(room: Room, cursor: Cursor, missed: list[Entry], limits: Limits, *, begins: int) -> CatchUp:
    """`missed` are the entries that there are from the one numbered `begins` on, those of kinds that are done without
    left out or not."""
    after = cursor.after or 0
    if cursor.without:
        missed = [entry for entry in missed if entry.kind not in cursor.without]
        begins = max(begins, room.forgotten + 1)
    elif not missed or missed[-1].seq < room.seq:  # nothing is missing, or nothing is left of it
        begins = room.seq + 1
    else:
        begins = missed[0].seq
    given = fitting(missed[-limits.catch_up :], limits.catch_up_bytes) if begins <= room.seq else []
    if len(given) < len(missed) and given:
        begins = given[0].seq
    return CatchUp(room.seq, given, gap=(after + 1, begins - 1) if begins > after + 1 else None)


def _beyond(after: int, end: int) -> BadRequest:
    return BadRequest(f"The cursor {after} is beyond the end of the room's log, {end}.")


def fitting(entries: list[Entry], size: int) -> list[Entry]:
    """The last entries that together have at most `size` bytes of JSON, but one at the least."""
    total = 0
    for index in range(len(entries) - 1, -1, -1):
        total += len(entries[index].json())
        if total > size and index < len(entries) - 1:
            return entries[index + 1 :]
    return entries
