"""A waiter: one client as the rooms see it, and the tick that lets each send once in a turn of the loop."""

import logging
import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from chat.broadcast import Broadcast, Notice
from chat.callers import Caller
from chat.errors import ChatError
from chat.protocol import CloseCode

if TYPE_CHECKING:
    from chat.room import Room

log = logging.getLogger("parley.waiters")


class Flushed(Protocol):
    """What is given something to send: a waiter, or a crowd of them."""

    def flush(self) -> None: ...


class FlushedCrowd(Flushed, Protocol):
    """A crowd, which takes the longer the larger it is."""

    def __len__(self) -> int: ...


# So many of crowds are told in one turn of the loop, or one crowd, before it looks what else there is to do.
AT_ONCE = 64
# For so many turns, of some 15 µs, the next ones then wait: what is said meanwhile is read in one, taken in in another.
GIVE_WAY = 2
# Where all threads share one core, those of the driver, which store it, would else wait for the system's next slice.
_let_threads_run: Callable[[], object] = getattr(os, "sched_yield", lambda: None)


class Tick:
    """Collects the waiters and crowds that were given something in this turn of the event loop and flushes each once.

    So all that one turn brings a client leaves in one write, and a poll for several rooms is answered once. Crowds come
    last, and some at a time, between which everything else has its turns: what they are given before theirs leaves in
    the same write.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._touched: list[Flushed] = []
        self._crowds: deque[FlushedCrowd] = deque()
        self._is_due = False
        self._waits = 0

    def touch(self, flushed: Flushed) -> None:
        """Its `flush` is called at the end of this turn. One touches once until it is flushed."""
        self._touched.append(flushed)
        self._be_due()

    def touch_crowd(self, crowd: FlushedCrowd) -> None:
        """Its `flush` is called at the end of this turn or of one of the next. One touches once until it is flushed."""
        self._crowds.append(crowd)
        self._be_due()

    def _be_due(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._call_soon(self.flush)

    def flush(self) -> None:
        self._is_due = False
        touched, self._touched = self._touched, []
        for each in touched:
            _flush(each)
        if self._waits:
            self._waits -= 1
        else:
            self._tell_crowds()
        if self._crowds:
            self._be_due()

    def _tell_crowds(self) -> None:
        told = 0
        while self._crowds and told < AT_ONCE:
            crowd = self._crowds.popleft()
            told += len(crowd)
            _flush(crowd)
        if self._crowds:
            self._waits = GIVE_WAY
            _let_threads_run()


def _flush(flushed: Flushed) -> None:
    try:
        flushed.flush()
    except Exception:
        log.exception("%r failed", flushed)


class Waiter(ABC):
    """One client, as the rooms see it. It is in `rooms` by their keys; the rooms own it.

    `bound_for` are the names of those for which it came.
    """

    __slots__ = ("bound_for", "caller", "rooms", "user")

    transport: str
    """`websocket`, `stream` or `poll`."""
    linger: float = 0
    """Seconds for which its person stays present in a room after it has left."""
    notices = True
    """Whether it wants to be told what passes."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.user = caller.user
        self.rooms: dict[str, Room] = {}
        self.bound_for: Sequence[str] = ()

    @property
    def backlog(self) -> int:
        """Bytes taken that still wait for the client to take them."""
        return 0

    @property
    def closed(self) -> bool:
        """Whether it has left, and gets and does nothing any more."""
        return False

    @property
    def is_behind(self) -> bool:
        """Whether its connection takes no more at the moment, so that its backlog may grow."""
        return False

    def watch_backlog(self, begins: Callable[["Waiter"], object]) -> None:
        """`begins` is called whenever it falls behind, if it ever can."""
        return

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.user.id}>"

    @abstractmethod
    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        """Takes new entries; `own`: its person sent one of them. Never blocks, never raises for its client's sake,
        leaves no room."""

    @abstractmethod
    def notify(self, notice: Notice) -> None:
        """Takes something passing; may drop it."""

    @abstractmethod
    def flush(self) -> None:
        """Sends what was taken in this turn of the loop."""

    def gather(self) -> None:
        """Stands in the crowd of its room from now on, if it can; see chat/crowd.py."""
        return

    def scatter(self) -> None:
        """Stands apart from the crowd; harmless when repeated."""
        return

    @abstractmethod
    def dismiss(self) -> None:
        """The server stops: answers or closes."""

    @abstractmethod
    def refuse(self, error: ChatError, code: CloseCode) -> None:
        """Ends with an error: the client is told, and then answered or closed with that code."""

    def lose(self, room: "Room", error: ChatError) -> None:
        """Is put out of a room."""
        room.leave(self)
        self.refuse(error, CloseCode.NOT_ALLOWED)

    def part(self, room: "Room") -> None:
        """The room is over for it, which is nobody's fault; its client goes on."""
        room.leave(self)

    def leave_all(self) -> None:
        """Leaves every room; harmless when repeated."""
        for room in list(self.rooms.values()):
            room.leave(self)


class Transport(Protocol):
    """The connection under a waiter, as its handler offers it."""

    def left(self, code: int) -> None:
        """The waiter has left its rooms for good, once: why is in the code it will be closed with; 0 if the connection
        is gone."""

    def close_transport(self, code: int, reason: str) -> None: ...
