"""The relay: hands what other processes have stored to the rooms that are awake here."""

import asyncio
from collections.abc import Awaitable, Callable

from chat.commit import GroupCommit
from chat.entries import Entry
from chat.registry import RoomRegistry


class Relay:
    """Follows the bus. An entry is published if it is the next one of its room; one that is further lets the room catch
    up from the log, and one that is there already is nothing new."""

    def __init__(self, registry: RoomRegistry, commit: GroupCommit) -> None:
        self._registry = registry
        self._commit = commit
        self._also: list[Callable[[], Awaitable[None]]] = []

    def also(self, recover: Callable[[], Awaitable[None]]) -> None:
        """`recover` reads anew what else is known from other processes; it may raise Unavailable."""
        self._also.append(recover)

    def wants(self, log: str, seq: int) -> bool:
        room = self._registry.get(log)
        return room.seq < seq if room is not None else self._registry.is_waking(log)

    def take(self, log: str, entries: list[Entry]) -> None:
        room = self._registry.get(log)
        if room is None:
            self._registry.came(log, entries)
            return
        if room.take(entries):
            self._commit.arrived(room, entries)
            if room.policy.slow:
                for entry in entries:
                    room.pace.note(entry.user.id)
        else:
            self._commit.look_at(room)

    async def recover(self) -> None:
        for room in self._registry:
            self._commit.look_at(room)
        await asyncio.gather(*(recover() for recover in self._also))
