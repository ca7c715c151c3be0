"""The bus: how the processes of one chat hear of each other's entries and notes. With one process there is nobody."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from chat.entries import Entry
from chat.notes import Note

log = logging.getLogger("parley.bus")

N = TypeVar("N", bound=Note)


class Follower(Protocol):
    """What takes the entries that other processes have stored."""

    def wants(self, log: str, seq: int) -> bool:
        """Whether an entry of that log is news here; what is none need not even be read."""

    def take(self, log: str, entries: list[Entry]) -> object:
        """Entries of one log, in order."""

    async def recover(self) -> object:
        """Something was missed: all that is known from others is to be read anew. May raise Unavailable, and is
        called again then."""


class Bus(ABC):
    """One process's end of it. What others tell comes in the order in which each of them told it."""

    def __init__(self, process: str) -> None:
        self.process = process
        """Names this process, in the log and to the others."""
        self._follower: Follower | None = None
        self._listeners: dict[type[Any], list[Callable[[Any, str], object]]] = {}
        self._mourners: list[Callable[[str], object]] = []
        self._hosts: list[Callable[[], object]] = []

    # What the domain asks of it

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Whether there may be others; if not, what is told reaches nobody, and costs nothing."""

    @property
    @abstractmethod
    def leads(self) -> bool:
        """Whether this process does what only one is to do: at most one does so, and soon always one."""

    @abstractmethod
    def others(self) -> set[str]:
        """The other processes there are."""

    @abstractmethod
    def tell(self, note: Note) -> None:
        """Tells all others; returns at once."""

    @abstractmethod
    def stored(self, log: str, entries: Sequence[Entry]) -> None:
        """These entries were stored here, for a bus that does not see that for itself."""

    @abstractmethod
    async def start(self) -> None:
        """Returns when all that is told from now on arrives here; raises DatabaseError."""

    @abstractmethod
    def deafen(self) -> None:
        """The server is going to stop: nothing more is heard, but what is told still reaches the others."""

    @abstractmethod
    async def stop(self) -> None:
        """Says what is still to be said, and leaves."""

    def follow(self, follower: Follower) -> None:
        """Entries go there."""
        self._follower = follower

    def hear(self, kind: type[N], listener: Callable[[N, str], object]) -> None:
        """Calls `listener` with each note of that kind, and the process that told it."""
        self._listeners.setdefault(kind, []).append(listener)

    def mourn(self, gone: Callable[[str], object]) -> None:
        """Calls `gone` with each process that is no more, whether it stopped or was killed."""
        self._mourners.append(gone)

    def welcome(self, returned: Callable[[], object]) -> None:
        """Calls `returned` when this process was taken for dead, and the others have forgotten what it told."""
        self._hosts.append(returned)

    # What comes

    def _take(self, log_key: str, entries: list[Entry]) -> None:
        try:
            if self._follower is not None:
                self._follower.take(log_key, entries)
        except Exception:
            log.exception("entries of %r were not taken", log_key)

    def _told(self, note: Note, by: str) -> None:
        for listener in self._listeners.get(type(note), ()):
            try:
                listener(note, by)
            except Exception:  # the others have nothing to do with it
                log.exception("a note of %s from %s was not understood", type(note).__name__, by)

    def _returned(self) -> None:
        for returned in self._hosts:
            returned()

    def _lost(self, process: str) -> None:
        for gone in self._mourners:
            try:
                gone(process)
            except Exception:
                log.exception("the end of %s was not dealt with", process)


class Exchange:
    """Joins the buses of one process; there is more than one in tests alone."""

    def __init__(self) -> None:
        self.members: list[LocalBus] = []


class LocalBus(Bus):
    """The bus within one process."""

    def __init__(self, process: str = "this one", exchange: Exchange | None = None) -> None:
        super().__init__(process)
        self._exchange = exchange or Exchange()
        self._exchange.members.append(self)

    @property
    def is_shared(self) -> bool:
        return len(self._exchange.members) > 1

    @property
    def leads(self) -> bool:
        return self._exchange.members[:1] == [self]

    def others(self) -> set[str]:
        return {other.process for other in self._others()}

    def _others(self) -> list["LocalBus"]:
        return [other for other in self._exchange.members if other is not self]

    def tell(self, note: Note) -> None:
        if not self.is_shared:
            return
        for other in self._others():
            asyncio.get_running_loop().call_soon(other._told, note, self.process)

    def stored(self, log: str, entries: Sequence[Entry]) -> None:
        if not self.is_shared:
            return
        for other in self._others():
            asyncio.get_running_loop().call_soon(other._arrive, log, list(entries))

    def _arrive(self, log: str, entries: list[Entry]) -> None:
        follower = self._follower
        wanted = [entry for entry in entries if follower is not None and follower.wants(log, entry.seq)]
        if wanted:
            self._take(log, wanted)

    async def start(self) -> None:
        """There is nothing to wait for."""

    def deafen(self) -> None:
        """There is nothing to be spared."""

    async def stop(self) -> None:
        if self in self._exchange.members:
            self._exchange.members.remove(self)
            for other in self._exchange.members:
                asyncio.get_running_loop().call_soon(other._lost, self.process)
