"""A client as the scenarios drive it, whatever it is written in."""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.waiting import PATIENCE, until

Event = dict[str, Any]
"""What a room's reader is told, as docs/clients.md has it: an entry as on the wire, a gap, a reset, or what passes."""

ENTRIES = frozenset({"message", "edit", "delete", "reaction"})


class Failure(Exception):
    """What a call of a client raised: the name of the error, and what it says."""

    def __init__(self, kind: str, code: str | int, reason: str, retry_after: float | None = None) -> None:
        super().__init__(f"{kind}: {code}: {reason}")
        self.kind = kind
        self.code = code
        self.reason = reason
        self.retry_after = retry_after


class Driven(ABC):
    """One client under test. Rooms are given by name; whatever it is told of one is in `events`, in order.

    When nothing more comes an event `over` ends them, with the error that the reader got, if it got one. `states` are
    those that it went through.
    """

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = defaultdict(list)
        self.states: list[str] = []

    # What it is asked

    @abstractmethod
    async def open(self, address: str, **options: Any) -> None:
        """Raises Failure, as all that follows."""

    @abstractmethod
    async def join(self, room: str, *, history: int = 50, cursor: Event | None = None) -> Event:
        """`name`, `title`, `people`, `members` (names) and `recent` of the room."""

    @abstractmethod
    async def do(self, call: str, room: str, *arguments: Any, **options: Any) -> Any:
        """Calls a room's `send`, `edit`, `delete` or `react`: the acknowledgement. Or `typing`, `read`, `leave`."""

    @abstractmethod
    async def messages(self, call: str, room: str, *arguments: int, **options: int) -> list[Event]:
        """Those of a room's `history` or `between`."""

    @abstractmethod
    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The HTTP interface."""

    @abstractmethod
    async def facts(self) -> Event:
        """`user`, `token`, `state`, `transport`, `unsent`, and `closed` (None, or `code` and `reason`)."""

    @abstractmethod
    async def cursor(self, room: str) -> Event:
        """How far a room's reader has come, `epoch` and `seq`."""

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def vanish(self) -> None:
        """Goes away as a process or a page does that ends, without another word; it can be opened again."""

    @abstractmethod
    async def running(self) -> list[str]:
        """What still runs or is open of it."""

    # What it has been told

    def entries(self, room: str) -> list[Event]:
        return [event for event in self.events[room] if event["type"] in ENTRIES]

    def texts(self, room: str) -> list[str]:
        """Of the messages."""
        return [event["text"] for event in self.events[room] if event["type"] == "message"]

    def of_type(self, room: str, *types: str) -> list[Event]:
        return [event for event in self.events[room] if event["type"] in types]

    async def hears(self, room: str, *texts: str) -> None:
        """Waits until the messages are these, and no others."""
        await self.until(lambda: len(self.texts(room)) >= len(texts), room)
        assert self.texts(room) == list(texts)

    async def is_told(self, room: str, *types: str) -> Event:
        """Waits for an event of such a type; the last one."""
        await self.until(lambda: self.of_type(room, *types), room)
        return self.of_type(room, *types)[-1]

    async def is_online(self) -> None:
        await self._is("online")

    async def is_closed(self) -> Event:
        """Waits until it is; why."""
        await self._is("closed")
        closed: Event = (await self.facts())["closed"]
        return closed

    async def has_unsent(self, count: int) -> None:
        """Waits until so much of what was said waits to be acknowledged."""
        async with asyncio.timeout(PATIENCE):
            while (await self.facts())["unsent"] < count:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)

    async def _is(self, state: str) -> None:
        for _ in itertools.count():
            seen = len(self.states)
            if (await self.facts())["state"] == state:
                return
            await self.until(lambda seen=seen: len(self.states) > seen)

    async def until(self, holds: Callable[[], object], room: str = "") -> None:
        try:
            await until(holds)
        except TimeoutError:
            raise AssertionError(f"told: {self.events[room]}; went through {self.states}") from None


def in_order(entries: list[Event]) -> bool:
    """Whether each comes once, and none before its time."""
    numbers = [entry["seq"] for entry in entries]
    return numbers == sorted(set(numbers))
