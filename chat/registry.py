"""RoomRegistry: the rooms by their names; the one place where they are made and come to an end."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

import msgspec

from chat.audience import Audience, Data
from chat.awake import AwakeRooms, Together
from chat.bus import Bus, LocalBus
from chat.company import Company
from chat.entries import Entry
from chat.errors import Forbidden, NameTaken, NotFound, Unavailable
from chat.history import Conflict, History
from chat.names import is_secret, random_room_name, room_key, room_name, room_title, secret_room_name
from chat.neighbours import Visitors
from chat.notes import RoomChanged, RoomOver
from chat.policy import Policy
from chat.presence import CallLater
from chat.room import Room, RoomRecord
from chat.waiter import Waiter


class RoomRegistry:
    """Finds, makes, governs and removes rooms; those in memory are in `in_memory`.

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
        self._delivered = delivered
        self.in_memory = AwakeRooms(history, self._room, keep=keep, idle=idle)
        self._making: Together[tuple[RoomRecord, bool]] = Together()
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
        return {room.key: room for room in self.in_memory if room.stored}

    def __len__(self) -> int:
        return len(self.in_memory)

    def __iter__(self) -> Iterator[Room]:
        return iter(self.in_memory)

    def awake(self, name: str) -> Room | None:
        """The room of that name, if it is in memory; raises BadRequest."""
        return self.in_memory.use(room_key(room_name(name)))

    def get(self, key: str) -> Room | None:
        """The room of that key, if it is in memory; it counts as no more used for that."""
        return self.in_memory.get(key)

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
            await self._making.do(key, lambda: self._history.rooms.make(_new_record(name, name)))
            room = await self._find_made(name)
        return room

    async def find(self, name: str) -> Room:
        """The room of that name; raises NotFound, BadRequest, Unavailable."""
        room = await self._find(room_name(name))
        if room is None:
            raise NotFound("There is no such room.")
        return room

    async def is_known(self, name: str, person: str, *, rules_all: bool = False, desks: Sequence[str] = ()) -> bool:
        """Whether there is a room of that name that a person may know of; raises BadRequest, Unavailable."""
        return await self._history.rooms.is_known(room_key(room_name(name)), person, rules_all=rules_all, desks=desks)

    async def make(self, name: str | None, title: str | None, policy: Policy | None = None) -> Room:
        """A new room, of a random name if none is given; raises NameTaken, BadRequest, Unavailable."""
        policy = policy or Policy()
        if name is None:
            return await self._make_random(title, policy)
        name = room_name(name)
        record, made = await self._history.rooms.make(_new_record(name, room_title(title or name), policy))
        if not made:
            raise NameTaken(f"There is a room called {record.name} already.")
        return await self._made(record)

    async def _make_random(self, title: str | None, policy: Policy) -> Room:
        while True:
            name = random_room_name() if policy.access == "open" else secret_room_name()
            record, made = await self._history.rooms.make(_new_record(name, room_title(title or name), policy))
            if made:
                return await self._made(record)

    async def of_circle(self, circle: str) -> Room | None:
        """The direct room of that circle of people, if there is one; raises Unavailable."""
        record = await self._history.rooms.of_circle(circle)
        return await self.find(record.name) if record else None

    async def gather(self, title: str, policy: Policy) -> tuple[Room, bool]:
        """The room of the circle of people that `policy` names, and whether it is new; raises Unavailable."""
        record, made = await self._history.rooms.make(_new_record(secret_room_name(), title, policy))
        return (await self._made(record) if made else await self.find(record.name)), made

    async def _made(self, record: RoomRecord) -> Room:
        room = await self._find_made(record.name)
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
                    if await self._history.rooms.govern(before, policy, named):
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
        self.in_memory.add(room)
        return room

    def release(self, room: Room) -> None:
        """Such a room is gone, with all that was said in it; whoever is there is told that they have left."""
        for waiter in room.waiters():
            waiter.part(room)
        room.end()
        self.in_memory.drop(room.key)

    async def store(self, room: Room) -> None:
        """Such a room becomes one like any other, with what is in memory of its log; raises Unavailable.

        Then some of it may be stored: doing it again goes on from there.
        """
        with room.held():
            async with room.ruling:
                if room.stored:
                    return
                made, is_ours = await self._history.rooms.make(room.record)
                assert is_ours, f"the name of {room.key!r} is taken by the room of the epoch {made.epoch!r}"
                await self._store_log(room)
                room.keep()
                room.join_company(self.company)
                self._tell(room, msgspec.structs.replace(room.record, policy=Policy()))

    async def _store_log(self, room: Room) -> None:
        """Returns as soon as all of it is stored, without the texts of what was deleted before or meanwhile."""
        while True:
            for entry in room.tail.entries():
                if entry.type == "delete":
                    await self._history.redact(room.key, entry.target, entry.at)
            done = await self._history.end_of(room.key)
            if done >= room.seq:
                return
            entries = [(room.key, entry) for entry in room.tail.entries() if entry.seq > done]
            with suppress(Conflict):  # a write that was in doubt has arrived by now
                await self._history.insert(entries)

    async def remove(self, room: Room, if_still: Callable[[Room], bool] = lambda room: True) -> None:
        """The room is over: it is not found any more, and a new one of its name waits until it is erased.

        `if_still` is asked while nobody else changes its rules. Raises NotFound if it says no, or the room is over
        already, Unavailable.
        """
        with room.held():
            async with room.ruling:
                while True:
                    if room.over or not if_still(room):
                        raise NotFound("There is no such room.")
                    if await self._doom(room):
                        break
                    await self._read_anew(room)  # another process was first
                self.in_memory.drop(room.key)
                self._bus.tell(RoomOver(room.key, sorted(room.policy.members)))
                self._told(room, room.record)

    async def _doom(self, room: Room) -> bool:
        """Whether it is over: with other rules than are known here it is not."""
        room.end()
        try:
            doomed = await self._history.rooms.doom(room.record)
        except Unavailable:
            room.end(False)
            raise
        room.end(doomed)
        return doomed

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
        await self.in_memory.awoken(key)
        room = self.in_memory.get(key)
        self._concern(people)
        if room is None or not room.stored:
            return
        with room.held(), suppress(NotFound):
            async with room.ruling:
                await self._read_anew(room)

    async def _read_anew(self, room: Room) -> None:
        """It is from now on what another process has made of it. Raises NotFound if it is over, Unavailable."""
        record = await self._history.rooms.find(room.key)
        if record is None or record.epoch != room.epoch:
            self.over(room)
            raise NotFound("There is no such room.")
        before = room.record
        room.amend(msgspec.structs.replace(record, active=max(record.active, room.active)))
        if room.record != before:
            self._told(room, before)

    def over(self, room: Room) -> None:
        """Another process has deleted the room: nobody is in it any more."""
        if room.over:
            return
        room.end()
        self.in_memory.drop(room.key)
        self._told(room, room.record)
        for waiter in room.waiters():
            waiter.lose(room, Forbidden("The room has been deleted."))

    async def by_key(self, key: str) -> Room:
        """The room with that key; raises NotFound, Unavailable."""
        room = await self.in_memory.find(key)
        if room is None:
            raise NotFound("There is no such room.")
        return room

    async def _find_made(self, name: str) -> Room:
        """A room that has just been made; raises Unavailable, also if it is gone again."""
        # The first look may be one that somebody began before the room was made.
        room = await self._find(name) or await self._find(name)
        if room is None:
            raise Unavailable("That room has just been deleted; try again in a moment.", retry_after=1)
        return room

    async def _find(self, name: str) -> Room | None:
        return await self.in_memory.find(room_key(name))

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

    async def rooms(self, limit: int) -> list[RoomRecord]:
        """The open rooms with the latest activity first; those awake alone while MongoDB is away."""
        try:
            stored = await self._history.rooms.latest(limit)
        except Unavailable:
            stored = []
        records = {record.key: record for record in stored}
        records.update({room.key: room.record for room in self.in_memory})
        records = {key: record for key, record in records.items() if record.policy.access == "open"}
        return sorted(records.values(), key=lambda record: -(record.active or record.made))[:limit]

    async def rooms_of(self, person: str, limit: int) -> list[RoomRecord]:
        """The rooms of which somebody is a member, the latest active first; those awake alone while MongoDB is
        away. Of the members they know that one alone, unless they are awake.
        """
        try:
            stored = [(record.key, record) for record in await self._history.rooms.of_member(person, limit)]
        except Unavailable:
            stored = [(room.key, room.record) for room in self.in_memory if person in room.policy.members]
        rooms = [(self.in_memory.get(key), record) for key, record in stored]
        return [room.record if room else record for room, record in rooms]

    def people_in(self, key: str) -> int:
        """How many people are in a room, at whatever process."""
        room = self.in_memory.get(key)
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
