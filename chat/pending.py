"""What is under way to the log, and what its sender is told."""

import asyncio
from functools import partial

import msgspec

from chat.entries import Entry
from chat.room import Room


class Stored(msgspec.Struct, frozen=True):
    """An entry of the log, and whether this change made it (False: its key had been seen before)."""

    entry: Entry
    new: bool


class Pending:
    """A change that is not answered yet."""

    __slots__ = ("away", "draft", "future", "room", "timer")

    def __init__(self, room: Room, draft: Entry, future: asyncio.Future[Stored]) -> None:
        self.room = room
        self.draft = draft
        self.future = future
        self.timer: asyncio.TimerHandle | None = None
        self.away: asyncio.TimerHandle | None = None


def already(entry: Entry) -> asyncio.Future[Stored]:
    """The answer to a change that was stored before."""
    future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
    future.set_result(Stored(entry, new=False))
    return future


def copy_of(first: asyncio.Future[Stored]) -> asyncio.Future[Stored]:
    """The answer to a change that is being stored: whatever becomes of the first one, but that it is new."""
    copy: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
    first.add_done_callback(partial(_answer, copy))
    return copy


def _answer(copy: asyncio.Future[Stored], first: asyncio.Future[Stored]) -> None:
    if copy.done():  # nobody waits for it any more
        return
    error = first.exception()
    if error is None:
        copy.set_result(Stored(first.result().entry, new=False))
    else:
        copy.set_exception(error)
        copy.exception()  # read by whoever still waits; nobody has to
