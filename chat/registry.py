"""RoomRegistry: the rooms that are awake, by name; the one place where rooms are made and dropped."""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from chat.audience import Audience, Data
from chat.bus import Bus, LocalBus
from chat.company import Company
from chat.entries import Entry
from chat.errors import Forbidden, NameTaken, NotFound, Unavailable
from chat.gently import gently
from chat.history import History
from chat.names import is_secret, random_room_name, room_key, room_name, room_title, secret_room_name
from chat.neighbours import Visitors
from chat.notes import RoomChanged, RoomOver
from chat.policy import Policy
from chat.presence import CallLater
from chat.room import Room, RoomRecord
from chat.waiter import Waiter

T = TypeVar("T")


class RoomRegistry:
    """Wakes rooms from the history and drops those that nobody has used for `idle` seconds.

    `clients` are all who are connected, whatever rooms they are in; `bus` joins the rooms of other processes.
    """

    def __init__(
        self,
        history: History,
        call_later: CallLater,
        *,
        keep: int,
        presence_limit: int,
        idle: float,
        delivered: Callable[[int], object] = lambda count: None,
        clients: Iterable[Waiter] = (),
        bus: Bus | None = None,
    ) -> None:
        self._history = history
        self._bus = bus or LocalBus()
        self.audience = Audience(clients, self, self._bus)
        self._call_later = call_later
        self._keep = keep
        self._presence_limit = presence_limit
        self._idle = idle
        self._delivered = delivered
        self._awake: dict[str, Room] = {}
        self._waking: dict[str, asyncio.Task[Room | None]] = {}
        self._making: dict[str, asyncio.Task[tuple[RoomRecord, bool]]] = {}
        self._came: dict[str, list[Entry]] = {}
        self._used: dict[str, float] = {}
        self._marked: dict[str, int] = {}
        self.visitors: Visitors | None = None
        self.published: Callable[[Room], object] | None = None
        self._watchers: list[Callable[[Room, RoomRecord], object]] = []
        self._concerned: list[Callable[[Iterable[str]], object]] = []
        self.company = Company(self._bus, self.get, self._stored)

    # Telling those who are connected something, from anywhere in the process

    def broadcast(self, data: Data, room: str | None = None) -> int:
        """Tells all connections, or those in a room; how many. Raises NotFound where nobody is in it."""
        return self.audience.broadcast(data) if room is None else self.audience.room(room, data)

    def send_to(self, session: str, data: Data) -> int:
        """Tells the connections of a session, by its id; how many. Raises NotFound where there are none."""
        return self.audience.send_to(session, data)

    def _stored(self) -> dict[str, Room]:
        return {key: room for key, room in self._awake.items() if room.stored}

    def __len__(self) -> int:
        return len(self._awake)

    def __iter__(self) -> Iterator[Room]:
        return iter(self._awake.values())

    def awake(self, name: str) -> Room | None:
        """The room of that name, if it is in memory; raises BadRequest."""
        key = room_key(room_name(name))
        room = self._awake.get(key)
        if room is not None:
            self._used[key] = time.monotonic()
        return room

    def get(self, key: str) -> Room | None:
        """The room of that key, if it is in memory; it counts as no more used for that."""
        return self._awake.get(key)

    def is_waking(self, key: str) -> bool:
        """Whether it is just being read."""
        return key in self._waking

    def came(self, key: str, entries: list[Entry]) -> None:
        """Other processes have stored these while the room was being read."""
        if key in self._waking:
            self._came.setdefault(key, []).extend(entries)

    async def wake(self, name: str, permit: Callable[[], object] = lambda: None) -> Room:
        """The room of that name, made if there was none; raises BadRequest, Unavailable.

        An awake one is given at once. `permit` is called before one is made, and raises if it may not be.
        """
        name = room_name(name)
        room = await self._find(name)
        if room is None:
            if is_secret(name):
                raise NotFound("There is no such room.")
            permit()
            key = room_key(name)
            await self._together(self._making, key, lambda: self._history.make_room(_new_record(name, name)))
            # The first look may be one that somebody began before the room was made.
            room = await self._find(name) or await self._find(name)
            assert room is not None, f"room {key!r} is gone right after it was made"
        return room

    async def find(self, name: str) -> Room:
        """The room of that name; raises NotFound, BadRequest, Unavailable."""
        room = await self._find(room_name(name))
        if room is None:
            raise NotFound("There is no such room.")
        return room

    async def is_known(self, name: str, person: str, *, rules_all: bool = False, desks: Sequence[str] = ()) -> bool:
        """Whether there is a room of that name that a person may know of; raises BadRequest, Unavailable."""
        return await self._history.is_known(room_key(room_name(name)), person, rules_all=rules_all, desks=desks)

    async def make(self, name: str | None, title: str | None, policy: Policy | None = None) -> Room:
        """A new room, of a random name if none is given; raises NameTaken, BadRequest, Unavailable."""
        policy = policy or Policy()
        if name is None:
            return await self._make_random(title, policy)
        name = room_name(name)
        record, made = await self._history.make_room(_new_record(name, room_title(title or name), policy))
        if not made:
            raise NameTaken(f"There is a room called {record.name} already.")
        return await self._made(record)

    async def _make_random(self, title: str | None, policy: Policy) -> Room:
        while True:
            name = random_room_name() if policy.access == "open" else secret_room_name()
            record, made = await self._history.make_room(_new_record(name, room_title(title or name), policy))
            if made:
                return await self._made(record)

    async def of_circle(self, circle: str) -> Room | None:
        """The direct room of that circle of people, if there is one; raises Unavailable."""
        record = await self._history.room_of_circle(circle)
        return await self.find(record.name) if record else None

    async def gather(self, title: str, policy: Policy) -> tuple[Room, bool]:
        """The room of the circle of people that `policy` names, and whether it is new; raises Unavailable."""
        record, made = await self._history.make_room(_new_record(secret_room_name(), title, policy))
        return (await self._made(record) if made else await self.find(record.name)), made

    async def _made(self, record: RoomRecord) -> Room:
        room = await self.find(record.name)
        self._tell(room, msgspec.structs.replace(record, policy=Policy()))
        return room

    def watch_people(self, concerned: Callable[[Iterable[str]], object]) -> None:
        """`concerned` is called with the ids of people who belong to a room that has changed, or did so."""
        self._concerned.append(concerned)

    def watch(self, governed: Callable[[Room, RoomRecord], object]) -> None:
        """`governed` is called with a room whose rules or title are others from now on, and with what it was before.

        That goes for a new one, and for one that is over, as well.
        """
        self._watchers.append(governed)

    async def govern(self, room: Room, amend: Callable[[Policy], Policy], *, title: str | None = None) -> Policy:
        """Gives a room the rules that `amend` makes of its present ones, and another title if one is given; stored
        first.

        Two who change them at once do so one after the other. Who may not be in the room any more is out when it
        returns. Raises what `amend` raises, NotFound for a room that is over, Unavailable.
        """
        with room.held():
            async with room.ruling:
                if room.over:
                    raise NotFound("There is no such room.")
                while True:
                    before = room.record
                    policy = amend(before.policy)
                    named = before.title if title is None else room_title(title)
                    if (policy, named) == (before.policy, before.title):
                        return policy
                    if await self._history.govern(before, policy, named):
                        break
                    await self._read_anew(room)  # another process was first
                room.amend(msgspec.structs.replace(before, policy=policy, title=named, revision=before.revision + 1))
                self._tell(room, before)
                return policy

    # Rooms that are not stored

    def hold(self, title: str, policy: Policy) -> Room:
        """A new room in memory alone, until it is stored or released."""
        record = _new_record(secret_room_name(), title, policy)
        room = self._room(record, [], stored=False)
        self._awake[record.key] = room
        self._marked[record.key] = 0
        return room

    def release(self, room: Room) -> None:
        """Such a room is gone, with all that was said in it; whoever is there is told that they have left."""
        for waiter in room.waiters():
            waiter.part(room)
        room.end()
        self._drop(room.key)

    async def store(self, room: Room) -> None:
        """Such a room becomes one like any other, with what is in memory of its log; raises Unavailable."""
        with room.held():
            async with room.ruling:
                if room.stored:
                    return
                await self._history.make_room(room.record)
                done = 0
                while not room.stored:
                    entries = [(room.key, entry) for entry in room.tail.entries() if entry.seq > done]
                    if entries:
                        await self._history.insert(entries)
                        done = entries[-1][1].seq
                    if done >= room.seq:
                        room.keep()
                room.join_company(self.company)
                self._tell(room, msgspec.structs.replace(room.record, policy=Policy()))

    async def remove(self, room: Room) -> None:
        """The room is over: it is not found any more, and a new one of its name waits until it is erased.

        Raises NotFound if it is so already, Unavailable.
        """
        with room.held():
            async with room.ruling:
                if room.over:
                    raise NotFound("There is no such room.")
                room.end()
                try:
                    await self._history.doom(room.key)
                except Unavailable:
                    room.end(False)
                    raise
                self._drop(room.key)
                self._bus.tell(RoomOver(room.key, sorted(room.policy.members)))
                self._told(room, room.record)

    def _tell(self, room: Room, before: RoomRecord) -> None:
        """What a room is like has been changed here."""
        if self._bus.is_shared:
            self._bus.tell(RoomChanged(room.key, sorted({*before.policy.members, *room.policy.members})))
        self._told(room, before)

    def _told(self, room: Room, before: RoomRecord) -> None:
        for governed in self._watchers:
            governed(room, before)
        self._concern({*before.policy.members, *room.policy.members})

    def _concern(self, people: Iterable[str]) -> None:
        for concerned in self._concerned:
            concerned(people)

    # What other processes have changed

    async def changed(self, key: str, people: Iterable[str] = ()) -> None:
        """Reads anew what a room is like, if it is awake; whoever may not be in it any more is out then. Raises
        Unavailable."""
        waking = self._waking.get(key)
        if waking is not None:
            await asyncio.wait([waking])
        room = self._awake.get(key)
        self._concern(people)
        if room is None or not room.stored:
            return
        with room.held(), suppress(NotFound):
            async with room.ruling:
                before = room.record
                await self._read_anew(room)
                if room.record != before:
                    self._told(room, before)

    async def _read_anew(self, room: Room) -> None:
        """Raises NotFound if it is over, Unavailable."""
        record = await self._history.room(room.key)
        if record is None or record.epoch != room.epoch:
            self.over(room)
            raise NotFound("There is no such room.")
        room.amend(msgspec.structs.replace(record, active=max(record.active, room.active)))

    def over(self, room: Room) -> None:
        """Another process has deleted the room: nobody is in it any more."""
        if room.over:
            return
        room.end()
        self._drop(room.key)
        self._told(room, room.record)
        for waiter in room.waiters():
            waiter.lose(room, Forbidden("The room has been deleted."))

    async def by_key(self, key: str) -> Room:
        """The room with that key; raises NotFound, Unavailable."""
        room = await self._find_key(key)
        if room is None:
            raise NotFound("There is no such room.")
        return room

    async def _find(self, name: str) -> Room | None:
        return await self._find_key(room_key(name))

    async def _find_key(self, key: str) -> Room | None:
        room = self._awake.get(key)
        if room is None:
            room = await self._together(self._waking, key, lambda: self._load(key))
        if room is not None:
            self._used[key] = time.monotonic()
        return room

    async def _together(
        self, under_way: dict[str, asyncio.Task[T]], key: str, begin: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """The outcome of what is under way for that key, or else is begun now: all who wait go on in their order."""

        async def run() -> T:
            try:
                return await begin()
            finally:
                del under_way[
                    key
                ]  # not by a callback: that would be a turn later, and who comes in it would join the past

        task = under_way.get(key)
        if task is None:
            task = under_way[key] = asyncio.get_running_loop().create_task(run())
        return await asyncio.shield(task)

    async def _load(self, key: str) -> Room | None:
        self._came.pop(key, None)
        record = await self._history.room(key)
        if record is None:
            return None
        newest = await self._history.newest(key, self._keep)
        if not newest and record.policy.days:  # they may all have been forgotten meanwhile
            record = await self._history.room(key) or record
        room = self._room(record, newest)
        self._awake[key] = room
        self._marked[key] = record.active
        came = self._came.pop(key, None)
        if came:
            room.take(came)
        return room

    def _room(self, record: RoomRecord, recent: list[Entry], *, stored: bool = True) -> Room:
        return Room(
            record,
            recent,
            keep=self._keep,
            presence_limit=self._presence_limit,
            call_later=self._call_later,
            delivered=self._delivered,
            stored=stored,
            visitors=self.visitors,
            published=self.published,
            company=self.company if stored else None,
        )

    async def drop_idle(self) -> None:
        """Takes the rooms out of memory that nobody is in and nobody has used for a while."""
        async for key, room in gently(self._awake.items()):
            if self._awake.get(key) is not room:
                continue
            now = time.monotonic()
            if room.in_use:
                self._used[key] = now
            elif now - self._used.get(key, 0) >= self._idle and self._marked[key] >= room.active:
                self._drop(key)

    def _drop(self, key: str) -> None:
        for kept in (self._awake, self._marked, self._used):
            kept.pop(key, None)

    async def mark_active(self) -> None:
        """Stores when the rooms were last active, for the list of rooms; raises Unavailable."""
        times = {
            key: room.active
            async for key, room in gently(self._awake.items())
            if room.stored and room.active > self._marked.get(key, room.active)
        }
        if times:
            await self._history.mark_active(times)
            self._marked.update({key: at for key, at in times.items() if key in self._marked})

    async def rooms(self, limit: int) -> list[RoomRecord]:
        """The open rooms with the latest activity first; those awake alone while MongoDB is away."""
        try:
            stored = await self._history.rooms(limit)
        except Unavailable:
            stored = []
        records = {record.key: record for record in stored}
        records.update({room.key: room.record for room in self._awake.values()})
        records = {key: record for key, record in records.items() if record.policy.access == "open"}
        return sorted(records.values(), key=lambda record: -(record.active or record.made))[:limit]

    async def rooms_of(self, person: str, limit: int) -> list[RoomRecord]:
        """The rooms of which somebody is a member, the latest active first; those awake alone while MongoDB is
        away. Of the members they know that one alone, unless they are awake.
        """
        try:
            stored = [(record.key, record) for record in await self._history.rooms_of(person, limit)]
        except Unavailable:
            stored = [(room.key, room.record) for room in self._awake.values() if person in room.policy.members]
        rooms = [(self._awake.get(key), record) for key, record in stored]
        return [room.record if room else record for room, record in rooms]

    def people_in(self, key: str) -> int:
        """How many people are in a room, at whatever process."""
        room = self._awake.get(key)
        return room.people if room else len(self.company.others(key))


def _new_record(name: str, title: str, policy: Policy | None = None) -> RoomRecord:
    return RoomRecord(
        key=room_key(name),
        name=name,
        title=title,
        epoch=secrets.token_hex(4),
        made=int(time.time() * 1000),
        policy=policy or Policy(),
    )
