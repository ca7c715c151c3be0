"""Lifetimes: how rooms end, and how their entries do when their time is over."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from chat.bus import Bus, LocalBus
from chat.commit import GroupCommit
from chat.errors import Forbidden, NotFound, Unavailable
from chat.history import History
from chat.notes import Forgotten, RoomErased
from chat.registry import RoomRegistry
from chat.room import Room, RoomRecord
from chat.times import DAY

log = logging.getLogger("parley.lifetimes")

# Entries removed by one operation; some 20 ms of MongoDB's time.
FORGOTTEN_AT_ONCE = 1_000
# Periodic work of several servers that were started together is spread by so much of its interval.
JITTER = 0.1


# After this time (seconds) all processes know that a room is over, and what they had under way for it has arrived or
# never will: more than mongo_timeout.
HEARD = 3.0


class _Doomed(NamedTuple):
    """A room that is to be erased, since a time of the clock, with what is in memory of it."""

    room: Room | None
    since: float


class LifetimeTable(msgspec.Struct, frozen=True, kw_only=True):
    """When rooms are looked at, and how long an empty one stays (seconds); the reasons stand in settings.py."""

    ephemeral_grace: float
    watch_interval: float
    forget_interval: float


class Lifetimes:
    """Deletes rooms, the ephemeral ones some time after the last one has left, and forgets entries that are too old.

    What cannot be done at the moment is done later.
    """

    def __init__(
        self,
        history: History,
        registry: RoomRegistry,
        commit: GroupCommit,
        table: LifetimeTable,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        bus: Bus | None = None,
    ) -> None:
        self._bus = bus or LocalBus()
        self._history = history
        self._registry = registry
        self._commit = commit
        self._table = table
        self._clock = clock
        self._wall = wall
        self._erasers: list[Callable[[str], Awaitable[None]]] = []
        self._forgetters: list[Callable[[RoomRecord, int], Awaitable[None]]] = []
        self._empty: dict[Room, tuple[int, float]] = {}
        self._asleep: list[RoomRecord] = []
        self._begun = 0.0
        self._doomed: dict[str, _Doomed] = {}
        # What is erased and what is forgotten is named by a room's key, and the next room of that name has the same.
        self._removing = asyncio.Lock()

    def also_erase(self, eraser: Callable[[str], Awaitable[None]]) -> None:
        """`eraser` removes what somebody else has stored of a room, by its key."""
        self._erasers.append(eraser)

    def also_forget(self, forgetter: Callable[[RoomRecord, int], Awaitable[None]]) -> None:
        """`forgetter` removes what somebody else has stored that follows from a room's entries up to a number."""
        self._forgetters.append(forgetter)

    async def recover(self) -> None:
        """Takes up what a server has left that stopped or was killed; raises Unavailable.

        Whoever was in an ephemeral room has as long to come back as if they had just left.
        """
        for key in await self._history.rooms.doomed():
            self._doomed.setdefault(key, _Doomed(None, self._clock()))
        self._asleep, self._begun = await self._history.rooms.ephemeral(), self._clock()

    async def run(self) -> None:
        """Looks at the rooms again and again, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_again_and_again(self._table.watch_interval, self.end_empty))
            tasks.create_task(_again_and_again(self._table.forget_interval, self.forget_old))

    # Rooms

    async def delete(self, room: Room, if_still: Callable[[Room], bool] = lambda room: True) -> None:
        """Nobody is in the room any more, and soon nothing is left of it. Raises NotFound if it is over already, or if
        `if_still` says no, Unavailable."""
        await self._registry.remove(room, if_still)
        for waiter in room.waiters():
            waiter.lose(room, Forbidden("The room has been deleted."))
        self._doomed[room.key] = _Doomed(room, self._clock())
        await self._erase_doomed()

    def heard_over(self, key: str) -> None:
        """Another process has deleted a room. Whoever leads erases it; the others do if that one dies."""
        room = self._registry.get(key)
        if room is not None:
            self._registry.over(room)
        self._doomed[key] = _Doomed(room, self._clock())

    def heard_erased(self, key: str) -> None:
        """Nothing is left of it."""
        self._doomed.pop(key, None)

    def heard_forgotten(self, note: Forgotten) -> None:
        """The first entries of a room are no more."""
        room = self._registry.get(note.room)
        if room is not None and room.epoch == note.epoch:
            room.forget(note.upto)

    async def end_empty(self) -> None:
        """Deletes the ephemeral rooms in which nobody has been for some time; raises Unavailable."""
        now = self._clock()
        await self._end_asleep(now)
        rooms = [room for room in self._registry if room.policy.ephemeral and not room.is_visited]
        before, self._empty = self._empty, {}
        for room in rooms:
            visits, since = before.get(room, (room.visits, now))
            self._empty[room] = (room.visits, since if visits == room.visits else now)
        for room in rooms:
            visits, since = self._empty[room]
            if now - since >= self._table.ephemeral_grace:
                with contextlib.suppress(NotFound):  # its owner was first
                    await self.delete(room, _still_empty(visits))
        await self._erase_doomed()

    async def _end_asleep(self, now: float) -> None:
        """Deletes the ephemeral rooms to which nobody has come back since the start."""
        while self._asleep and now - self._begun >= self._table.ephemeral_grace:
            key = self._asleep[-1].key
            if self._registry.get(key) is None and not self._registry.people_in(key):
                with contextlib.suppress(NotFound):
                    await self.delete(await self._registry.by_key(key), _still_empty(0))
            self._asleep.pop()

    async def _erase_doomed(self) -> None:
        for key in list(self._doomed):
            try:
                async with self._removing:
                    doomed = self._doomed.get(key)
                    if doomed is None:
                        continue
                    if doomed.room is not None:
                        await self._commit.discard(doomed.room)
                    if self._may_erase(doomed):
                        await self._erase(key)
                        self._doomed.pop(key, None)
                        self._bus.tell(RoomErased(key))
            except Unavailable as error:
                log.debug("the room %r is to be erased later: %s", key, error.reason)

    def _may_erase(self, doomed: "_Doomed") -> bool:
        """One process erases, and not before all have heard of it and nothing of theirs is under way any more."""
        return not self._bus.is_shared or (self._bus.leads and self._clock() - doomed.since >= HEARD)

    async def _erase(self, key: str) -> None:
        for erase in self._erasers:
            await erase(key)
        await self._history.erase(key)

    # Entries

    async def forget_old(self) -> None:
        """Removes the entries that are older than their rooms keep them, at one process; raises Unavailable."""
        if not self._bus.leads:
            return
        for record in await self._history.rooms.dated():
            before = int(self._wall() * 1000) - record.policy.days * DAY
            last: int | None = record.forgotten  # who was waking while they were removed may have them still
            while last is not None:
                room = self._registry.get(record.key)
                if room is not None and room.epoch == record.epoch:
                    room.forget(last)
                async with self._removing:
                    last = await self._history.forget(record, before, FORGOTTEN_AT_ONCE)
                    for forget in self._forgetters if last is not None else ():
                        await forget(record, last or 0)
                if last is not None:
                    self._bus.tell(Forgotten(record.key, record.epoch, last))


def _still_empty(visits: int) -> Callable[[Room], bool]:
    """Whether a room is still an ephemeral one, and nobody has come after so many visits."""
    return lambda room: room.policy.ephemeral and not room.is_visited and room.visits == visits


async def _again_and_again(interval: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(interval * random.uniform(1 - JITTER, 1 + JITTER))
        try:
            await work()
        except Unavailable:
            pass  # it will be tried again
        except Exception:
            log.exception("a room's lifetime could not be kept")
