"""The rooms in memory: read from the history when they are asked for, dropped when nobody has used them for a while."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

from chat import tasks
from chat.entries import Entry
from chat.gently import gently
from chat.history import History
from chat.room import Room, RoomRecord

T = TypeVar("T")


class Together(Generic[T]):
    """What is under way for each key: all who want the same wait for it together, and go on in their order."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[T]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._under_way

    async def settled(self, key: str) -> None:
        """Returns when nothing is under way for that key that was so just now."""
        task = self._under_way.get(key)
        if task is not None:
            await asyncio.wait([task])

    async def do(self, key: str, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The outcome of what is under way for that key, or else is begun now."""

        async def run() -> T:
            try:
                return await begin()
            finally:
                # Not by a callback: that would be a turn later, and who comes in it would join the past.
                del self._under_way[key]

        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = tasks.begin(run())
        return await asyncio.shield(task)


class AwakeRooms:
    """Those in memory by their keys. `make` gives a room its place among others, with the last `keep` entries of its
    log; one that nobody has used for `idle` seconds is dropped."""

    def __init__(
        self, history: History, make: Callable[[RoomRecord, list[Entry]], Room], *, keep: int, idle: float
    ) -> None:
        self._history = history
        self._make = make
        self._keep = keep
        self._idle = idle
        self._rooms: dict[str, Room] = {}
        self._waking: Together[Room | None] = Together()
        self._came: dict[str, list[Entry]] = {}
        self._used: dict[str, float] = {}
        self._marked: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[Room]:
        return iter(self._rooms.values())

    def get(self, key: str) -> Room | None:
        """The room of that key, if it is in memory; it counts as no more used for that."""
        return self._rooms.get(key)

    def use(self, key: str) -> Room | None:
        """The same for whoever is about to use it."""
        room = self._rooms.get(key)
        if room is not None:
            self._used[key] = time.monotonic()
        return room

    async def find(self, key: str) -> Room | None:
        """The room of that key, for whoever is about to use it, read if need be; raises Unavailable."""
        room = self.use(key)
        if room is None:
            room = await self._waking.do(key, lambda: self._load(key))
            self.use(key)
        return room

    def add(self, room: Room, marked: int = 0) -> None:
        """From now on it is in memory; its last activity is stored up to the time `marked`."""
        self._rooms[room.key] = room
        self._marked[room.key] = marked

    def drop(self, key: str) -> None:
        """Harmless when repeated."""
        for kept in (self._rooms, self._marked, self._used):
            kept.pop(key, None)

    # While one is being read

    def is_waking(self, key: str) -> bool:
        """Whether it is just being read."""
        return key in self._waking

    async def awoken(self, key: str) -> None:
        """Returns when it is read, if it is just being so."""
        await self._waking.settled(key)

    def came(self, key: str, entries: list[Entry]) -> None:
        """Other processes have stored these while the room was being read."""
        if key in self._waking:
            self._came.setdefault(key, []).extend(entries)

    async def _load(self, key: str) -> Room | None:
        self._came.pop(key, None)
        record = await self._history.rooms.find(key)
        if record is None:
            return None
        newest = await self._history.newest(key, self._keep)
        if not newest and record.policy.days:  # they may all have been forgotten meanwhile
            record = await self._history.rooms.find(key) or record
        room = self._make(record, newest)
        self.add(room, marked=record.active)
        came = self._came.pop(key, None)
        if came:
            room.take(came)
        return room

    # Upkeep

    async def drop_idle(self) -> None:
        """Takes the rooms out of memory that nobody is in and nobody has used for a while."""
        async for key, room in gently(self._rooms.items()):
            if self._rooms.get(key) is not room:
                continue
            now = time.monotonic()
            if room.in_use:
                self._used[key] = now
            elif now - self._used.get(key, 0) >= self._idle and self._marked[key] >= room.active:
                self.drop(key)

    async def mark_active(self) -> None:
        """Stores when the rooms were last active, for the list of rooms; raises Unavailable."""
        times = {
            key: room.active
            async for key, room in gently(self._rooms.items())
            if room.stored and room.active > self._marked.get(key, room.active)
        }
        if times:
            await self._history.rooms.mark_active(times)
            self._marked.update({key: at for key, at in times.items() if key in self._marked})
