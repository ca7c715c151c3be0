"""The list of rooms as the lobby shows it, and waiting for it to change."""

import asyncio
import contextlib
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from chat.awake import Together
from chat.callers import Caller
from chat.policy import Kind, Role
from chat.registry import RoomRegistry
from chat.room import Room, RoomRecord

# The lobby of a busy server would change many times a second; nobody reads that fast.
CHANGE_INTERVAL = 1.0
# People remembered who belong to no room: most of those who look at the lobby again and again.
REMEMBERED = 10_000
# Of a version the lower bits count the looks at which the open rooms had changed, and the upper ones stand for one's
# own rooms. Together they fit into the whole numbers that every reader of JSON keeps exactly.
SHARED_BITS = 32
OWN_BITS = 20


class RoomInfo(msgspec.Struct, frozen=True):
    """A line of the lobby. `active`: milliseconds since the Unix epoch, or None while nothing was said; `role` is that
    of the one who looks."""

    name: str
    title: str
    people: int
    active: int | None
    access: Kind = "open"
    role: Role | None = None


class _Line(NamedTuple):
    """A line, and the time by which it has its place: of the latest activity, or of its making."""

    at: int
    info: RoomInfo


class _Wait:
    """One who waits: whether the rooms they belong to are to be looked up again."""

    __slots__ = ("is_outdated",)

    def __init__(self) -> None:
        self.is_outdated = True


class Directory:
    """The open rooms with the latest activity, looked at once a second at most, for all who ask or wait together; with
    those that each one belongs to, at most `memberships`."""

    def __init__(self, registry: RoomRegistry, stopping: asyncio.Event, *, limit: int, memberships: int) -> None:
        self._registry = registry
        self._limit = limit
        self._memberships = memberships
        self._rooms: dict[str, _Line] = {}
        # Begins with the time, so that a version from before a restart is an old one.
        self._version = int(time.time())
        self._looked = 0.0
        self._looks: Together[None] = Together()
        self._shown = 0
        self._stopping = stopping
        self._waits: dict[str, set[_Wait]] = {}
        self._without: dict[str, None] = {}
        self._changes = 0
        registry.watch_people(self._concerned)

    async def rooms(self, limit: int, caller: Caller | None = None) -> tuple[int, list[RoomInfo]]:
        """The version and the rooms of now."""
        records, _ = await asyncio.gather(self._own(caller), self._look(0))
        return self._listed(records, caller, limit)

    async def changed(
        self, since: int, wait: float, limit: int, caller: Caller | None = None
    ) -> tuple[int, list[RoomInfo]]:
        """The version and the rooms, when they are not those of version `since` or after `wait` seconds."""
        end = time.monotonic() + wait
        records: list[RoomRecord] = []
        with self._waiting(caller) as waiting:
            while True:
                looking = self._look(CHANGE_INTERVAL)
                if waiting.is_outdated:
                    waiting.is_outdated = False
                    records, _ = await asyncio.gather(self._own(caller), looking)
                else:
                    await looking
                version, rooms = self._listed(records, caller, limit)
                left = end - time.monotonic()
                if version != since or left <= 0 or self._stopping.is_set():
                    return version, rooms
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), min(left, CHANGE_INTERVAL))

    def line(self, room: Room, caller: Caller) -> RoomInfo:
        """The line of one room."""
        return self._line(room.record, room.policy.role(caller)).info

    @contextmanager
    def _waiting(self, caller: Caller | None) -> Iterator[_Wait]:
        person, waiting = caller.id if caller else "", _Wait()
        self._waits.setdefault(person, set()).add(waiting)
        try:
            yield waiting
        finally:
            self._waits[person].remove(waiting)
            if not self._waits[person]:
                del self._waits[person]

    def _concerned(self, people: Iterable[str]) -> None:
        """What a room is like, or who belongs to it, has changed: those it concerns look again."""
        self._changes += 1
        for person in people:
            self._without.pop(person, None)
            for waiting in self._waits.get(person, ()):
                waiting.is_outdated = True

    async def _own(self, caller: Caller | None) -> list[RoomRecord]:
        """The rooms that one belongs to."""
        if caller is None or caller.id in self._without:
            return []
        changes = self._changes
        records = await self._registry.rooms_of(caller.id, self._memberships)
        if not records and changes == self._changes:
            self._without[caller.id] = None
            if len(self._without) > REMEMBERED:
                del self._without[next(iter(self._without))]
        return records

    async def _look(self, age: float) -> None:
        """Looks at the open rooms again if the last look is older than `age` seconds: together with others who do so,
        but for those who began before the latest change."""
        if time.monotonic() - self._looked >= age:
            changes = self._changes
            await self._looks.do(str(changes), lambda: self._read(changes))

    async def _read(self, changes: int) -> None:
        records = await self._registry.rooms(self._limit)
        if changes < self._shown:
            return  # overtaken by one that began later
        self._shown = changes
        rooms = {record.key: self._line(record, None) for record in records}
        self._looked = time.monotonic()
        if list(rooms.items()) != list(self._rooms.items()):
            self._rooms = rooms
            self._version += 1

    def _listed(self, records: list[RoomRecord], caller: Caller | None, limit: int) -> tuple[int, list[RoomInfo]]:
        """The open rooms and one's own, with the version that stands for both."""
        scope = caller.scope if caller else None
        rooms = self._rooms if scope is None else {key: self._rooms[key] for key in self._rooms if scope.covers(key)}
        if caller is None or not records:
            return self._version, [line.info for line in rooms.values()][:limit]
        own = {
            record.key: self._line(record, record.policy.role(caller))
            for record in records
            if scope is None or scope.covers(record.key)
        }
        digest = zlib.crc32(msgspec.json.encode(list(own.values()))) >> (32 - OWN_BITS)
        both = sorted((rooms | own).values(), key=lambda line: -line.at)
        return digest << SHARED_BITS | self._version, [line.info for line in both][:limit]

    def _line(self, record: RoomRecord, role: Role | None) -> _Line:
        room = self._registry.get(record.key)
        if room is not None:
            record = room.record
        people = self._registry.people_in(record.key)
        info = RoomInfo(record.name, record.title, people, record.active or None, record.policy.access, role)
        return _Line(record.active or record.made, info)
