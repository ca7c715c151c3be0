"""Company: who is at the other processes, in which rooms and by which names."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Protocol

from chat.bus import Bus
from chat.names import person_key
from chat.notes import Came, Named, Roll, RollCall, Unnamed, Went
from chat.people import User
from chat.times import now

# People of one note of a roll, a hundred bytes each.
ROLL = 1_000
# How long one who starts waits for the others to say who is with them (seconds).
PATIENCE = 2.0
NOBODY: Mapping[User, object] = {}


class Host(Protocol):
    """What a room is to those who come and go at other processes."""

    def arrived_elsewhere(self, user: User) -> object: ...

    def gone_elsewhere(self, user: User) -> object: ...

    def here(self) -> list[User]: ...


class _Process:
    """What another process has told: who is in which room, and who has which name."""

    __slots__ = ("names", "roll", "rooms")

    def __init__(self) -> None:
        self.rooms: dict[str, set[User]] = {}
        self.names: dict[str, Named] = {}
        self.roll: list[Roll] = []


class Company:
    """Tells the others who comes and goes here, and knows what they tell. Who is at several is there once.

    `find` gives an awake room by its key, `rooms` all of them. `rival` is called with a guest of this process who has
    to give up the name, as somebody has had it elsewhere for longer.
    """

    def __init__(self, bus: Bus, find: Callable[[str], Host | None], rooms: Callable[[], Mapping[str, Host]]) -> None:
        self._bus = bus
        self._find = find
        self._rooms_here = rooms
        self._processes: dict[str, _Process] = {}
        self._in_room: dict[str, dict[User, set[str]]] = {}
        self._named: dict[str, Named] = {}
        self._answered: set[str] = set()
        self._changed = asyncio.Event()
        self.rival: Callable[[User], object] = lambda user: None
        bus.hear(Came, lambda note, by: self._came(by, note.room, note.user))
        bus.hear(Went, lambda note, by: self._went(by, note.room, note.user))
        bus.hear(Named, self._heard_name)
        bus.hear(Unnamed, self._heard_no_name)
        bus.hear(RollCall, lambda note, by: self.tell_roll(by))
        bus.hear(Roll, self._heard_roll)
        bus.mourn(self._forget)
        bus.welcome(self.tell_roll)

    # What is so elsewhere

    def others(self, room: str) -> Mapping[User, object]:
        """Who is in a room at other processes, by its key."""
        return self._in_room.get(room, NOBODY)

    def holder(self, name: str) -> User | None:
        """The guest who has that name at another process."""
        key = person_key(name)
        names = [process.names[key] for process in self._processes.values() if key in process.names]
        return min(names, key=_age).user if names else None

    # What happens here

    def came(self, room: str, user: User) -> None:
        """Somebody who was not there is in a room."""
        self._bus.tell(Came(room, user))

    def went(self, room: str, user: User) -> None:
        self._bus.tell(Went(room, user))

    def named(self, user: User) -> None:
        """A guest has their name."""
        note = self._named[person_key(user.name)] = Named(user, now())
        self._bus.tell(note)

    def unnamed(self, user: User) -> None:
        held = self._named.get(person_key(user.name))
        if held is not None and held.user.id == user.id:
            del self._named[person_key(user.name)]
            self._bus.tell(Unnamed(user))

    def tell_roll(self, to: str = "") -> None:
        """Says who is here, in notes of a bounded size that follow each other."""
        rooms: dict[str, list[User]] = {}
        size = 0
        for key, host in self._rooms_here().items():
            for user in host.here():
                rooms.setdefault(key, []).append(user)
                size += 1
                if size >= ROLL:
                    self._bus.tell(Roll(to, rooms, [], more=True))
                    rooms, size = {}, 0
        names = list(self._named.values())
        while len(names) > ROLL:
            self._bus.tell(Roll(to, {}, names[:ROLL], more=True))
            names = names[ROLL:]
        self._bus.tell(Roll(to, rooms, names))

    async def gather(self) -> None:
        """Lets the others say who is with them; returns when all have, or PATIENCE is over."""
        self._answered.clear()
        self._bus.tell(RollCall())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not self._bus.others() <= self._answered:
                    self._changed.clear()
                    await self._changed.wait()

    # What happens elsewhere

    def _process(self, by: str) -> _Process:
        return self._processes.setdefault(by, _Process())

    def _came(self, by: str, room: str, user: User) -> None:
        self._process(by).rooms.setdefault(room, set()).add(user)
        there = self._in_room.setdefault(room, {})
        processes = there.setdefault(user, set())
        is_new = not processes
        processes.add(by)
        host = self._find(room)
        if is_new and host is not None:
            host.arrived_elsewhere(user)

    def _went(self, by: str, room: str, user: User) -> None:
        process = self._process(by)
        mine = process.rooms.get(room, set())
        mine.discard(user)
        if not mine:
            process.rooms.pop(room, None)
        there = self._in_room.get(room, {})
        processes = there.get(user)
        if processes is None or by not in processes:
            return
        processes.discard(by)
        if processes:
            return
        del there[user]
        if not there:
            del self._in_room[room]
        host = self._find(room)
        if host is not None:
            host.gone_elsewhere(user)

    def _heard_name(self, note: Named, by: str) -> None:
        key = person_key(note.user.name)
        self._process(by).names[key] = note
        mine = self._named.get(key)
        if mine is not None and mine.user.id != note.user.id and _age(note) < _age(mine):
            self.rival(mine.user)

    def _heard_no_name(self, note: Unnamed, by: str) -> None:
        names, key = self._process(by).names, person_key(note.user.name)
        if key in names and names[key].user.id == note.user.id:
            del names[key]

    def _heard_roll(self, roll: Roll, by: str) -> None:
        if roll.to not in ("", self._bus.process):
            return
        process = self._process(by)
        process.roll.append(roll)
        if roll.more:
            return
        rolls, process.roll = process.roll, []
        there = {(key, user) for part in rolls for key, users in part.rooms.items() for user in users}
        before = {(key, user) for key, users in process.rooms.items() for user in users}
        for key, user in there - before:
            self._came(by, key, user)
        for key, user in before - there:
            self._went(by, key, user)
        process.names.clear()
        for part in rolls:
            for named in part.names:
                self._heard_name(named, by)
        self._answered.add(by)
        self._changed.set()

    def _forget(self, by: str) -> None:
        """A process is no more, and nobody is there."""
        process = self._processes.get(by)
        if process is not None:
            for room, users in list(process.rooms.items()):
                for user in list(users):
                    self._went(by, room, user)
            del self._processes[by]
        self._changed.set()


def _age(named: Named) -> tuple[int, str]:
    return named.since, named.user.id
