"""The list of rooms as the lobby shows it, and waiting for it to change."""

import asyncio
import contextlib
import time

import msgspec

from chat.registry import RoomRegistry

# The lobby of a busy server would change many times a second; nobody reads that fast.
CHANGE_INTERVAL = 1.0


class RoomInfo(msgspec.Struct, frozen=True):
    """A line of the lobby. `active`: milliseconds since the Unix epoch, or None while nothing was said."""

    name: str
    title: str
    people: int
    active: int | None


class Directory:
    """The rooms with the latest activity, looked at once a second at most, for all who ask or wait together."""

    def __init__(self, registry: RoomRegistry, stopping: asyncio.Event, *, limit: int) -> None:
        self._registry = registry
        self._limit = limit
        self._rooms: list[RoomInfo] = []
        # Begins with the time, so that a version from before a restart is an old one.
        self._version = int(time.time())
        self._looked = 0.0
        self._looking = asyncio.Lock()
        self._stopping = stopping

    async def rooms(self, limit: int) -> tuple[int, list[RoomInfo]]:
        """The version and the rooms of now."""
        await self._look(0)
        return self._version, self._rooms[:limit]

    async def changed(self, since: int, wait: float, limit: int) -> tuple[int, list[RoomInfo]]:
        """The version and the rooms, when they are not those of version `since` or after `wait` seconds."""
        end = time.monotonic() + wait
        await self._look(CHANGE_INTERVAL)
        while self._version == since and time.monotonic() < end and not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), CHANGE_INTERVAL)
            await self._look(CHANGE_INTERVAL)
        return self._version, self._rooms[:limit]

    async def _look(self, age: float) -> None:
        """Looks at the rooms again if the last look is older than `age` seconds."""
        async with self._looking:
            if time.monotonic() - self._looked < age:
                return
            rooms = [
                RoomInfo(record.name, record.title, self._registry.people_in(record.key), record.active or None)
                for record in await self._registry.rooms(self._limit)
            ]
            self._looked = time.monotonic()
            if rooms != self._rooms:
                self._rooms = rooms
                self._version += 1
