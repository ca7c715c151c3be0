"""The relay: hands what other processes have stored to the rooms that are awake here."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from chat.bus import Bus
from chat.commit import GroupCommit
from chat.entries import Entry
from chat.errors import ChatError
from chat.kinds import Kinds
from chat.notes import Draft
from chat.registry import RoomRegistry
from chat.room import Room


class Relay:
    """Follows the bus. An entry is published if it is the next one of its room; one that is further lets the room catch
    up from the log, and one that is there already is nothing new."""

    def __init__(self, bus: Bus, registry: RoomRegistry, commit: GroupCommit, kinds: Kinds) -> None:
        self._bus = bus
        self._kinds = kinds
        self._registry = registry
        self._commit = commit
        self._asked: set[asyncio.Task[None]] = set()
        bus.follow(self)
        bus.hear(Draft, lambda note, by: self._ask(note))
        self._also: list[Callable[[], Awaitable[None]]] = []

    def also(self, recover: Callable[[], Awaitable[None]]) -> None:
        """`recover` reads anew what else is known from other processes; it may raise Unavailable."""
        self._also.append(recover)

    def wants(self, log: str, seq: int) -> bool:
        room = self._registry.get(log)
        return room.seq < seq if room is not None else self._registry.in_memory.is_waking(log)

    def take(self, log: str, entries: list[Entry]) -> None:
        room = self._registry.get(log)
        if room is None:
            self._registry.in_memory.came(log, entries)
            return
        if room.take(entries):
            self._commit.arrived(room, entries)
            if room.policy.slow:
                for entry in entries:
                    if entry.type == "message" and self._kinds.is_paced(entry.kind):
                        room.pace.note(entry.user.id, entry.key)
        else:
            self._commit.look_at(room)

    def _ask(self, note: Draft) -> None:
        """Another process hands over what is to be stored here."""
        if note.to != self._bus.process:
            return
        room = self._registry.get(note.room)
        if room is not None and not self._asked:
            self._store(room, note.entry)
        else:  # in the order in which it was asked for
            task = asyncio.get_running_loop().create_task(self._wake(note, list(self._asked)))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)

    async def _wake(self, note: Draft, before: list[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        with suppress(ChatError):
            self._store(await self._registry.by_key(note.room), note.entry)

    def _store(self, room: Room, draft: Entry) -> None:
        with suppress(ChatError):  # the one who handed it over sees that nothing comes of it
            self._commit.append(room, draft, here=True)

    async def recover(self) -> None:
        for room in self._registry:
            self._commit.look_at(room)
        await asyncio.gather(*(recover() for recover in self._also))
