"""Pairing: two strangers and a room for the two of them, kept by nobody unless both wish it (chat roulette)."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from chat.errors import BadRequest, NotFound, Unavailable
from chat.matching import Matching
from chat.people import User
from chat.policy import Member, Policy
from chat.presence import CallLater, Cancellable, Presence
from chat.protocol import Kept, Paired, Reply, Unpaired, Waiting
from chat.registry import RoomRegistry
from chat.room import Room

# Positions in the queue are told anew this often (seconds): nobody reads faster.
TELL_INTERVAL = 1.0
# Before it is tried once more to store what both have wished to keep (seconds): MongoDB is away for some of them.
STORE_AGAIN = 5.0


@dataclass(eq=False, slots=True)
class Pair:
    """Two people and their room; `keepers` wish to keep it."""

    people: tuple[User, User]
    room: Room
    keepers: set[str] = field(default_factory=set)

    @property
    def is_wished(self) -> bool:
        """Whether both wish to keep it."""
        return len(self.keepers) == len(self.people)

    def partner_of(self, who: str) -> User:
        one, other = self.people
        return other if one.id == who else one


@dataclass(eq=False, slots=True)
class Seat:
    """One who takes part: where they are told what happens, and what they were told last.

    `told` counts it, so that a client that asks again and again can wait for more.
    """

    user: User
    outlets: dict[Callable[[Reply], object], None] = field(default_factory=dict)
    state: Reply | None = None
    told: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, reply: Reply) -> None:
        self.state = reply
        self.told += 1
        self.changed.set()
        self.changed = asyncio.Event()
        for outlet in list(self.outlets):
            outlet(reply)


class Pairing:
    """Pairs whoever asks for it, with `matching`, and gives each pair a room.

    Somebody whose last connection is lost keeps place and partner for `grace` seconds.
    """

    def __init__(self, matching: Matching, registry: RoomRegistry, call_later: CallLater, *, grace: float) -> None:
        self._matching = matching
        self._registry = registry
        self._call_later = call_later
        self._grace = grace
        self._seats: dict[str, Seat] = {}
        self._pairs: dict[str, Pair] = {}
        self._here: Presence[str] = Presence(call_later, lambda who: None, self._gone)
        self._alarm: Cancellable | None = None
        self._telling: Cancellable | None = None
        self._storing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many take part."""
        return len(self._seats)

    # Connections

    def enter(self, user: User, outlet: Callable[[Reply], object] | None = None) -> Seat:
        """One more connection of theirs, which is told through `outlet`, at once what they were told last."""
        seat = self._seats.get(user.id)
        if seat is None:
            seat = self._seats[user.id] = Seat(user)
        self._here.enter(user.id)
        if outlet is not None:
            seat.outlets[outlet] = None
            if seat.state is not None:
                outlet(seat.state)
        return seat

    def leave(self, user: User, outlet: Callable[[Reply], object] | None = None) -> None:
        """One connection less."""
        seat = self._seats.get(user.id)
        if seat is not None:
            if outlet is not None:
                seat.outlets.pop(outlet, None)
            self._here.leave(user.id, self._grace)

    def seat_of(self, user: User) -> Seat | None:
        return self._seats.get(user.id)

    def _gone(self, who: str) -> None:
        """They did not come back in time."""
        self._part(who, "lost")
        self._matching.forget(who)
        self._seats.pop(who, None)
        self._tell_positions_soon()

    # What people do

    def seek(self, user: User, tags: Collection[str] = ()) -> None:
        """They want a partner; who has one keeps them. They are here, see `enter`."""
        partner = self._matching.seek(user.id, tags)
        if partner is None:
            self._tell_position(user.id)
            self._wait_for_patience()
        elif user.id not in self._pairs:
            self._pair(user.id, partner)
        else:
            self._seats[user.id].tell(self._paired(user.id))

    def next(self, user: User, tags: Collection[str] = ()) -> None:
        """Another partner: the present one is told."""
        self._part(user.id, "next")
        self.seek(user, tags)

    def stop(self, user: User) -> None:
        """No partner any more, and no waiting for one."""
        if self._matching.position_of(user.id) is None and user.id not in self._pairs:
            raise BadRequest("You neither wait for a partner nor have one.")
        self._part(user.id, "left")
        self._matching.leave(user.id)
        self._seats[user.id].tell(Unpaired(reason="stopped"))
        self._tell_positions_soon()

    def block(self, user: User) -> None:
        """Never again with the present partner, who is not told why the pair ends."""
        partner = self._pair_of(user).partner_of(user.id)
        self._matching.block(user.id, partner.id)

    async def keep(self, user: User) -> None:
        """They wish to keep the conversation: once both do it is stored, and theirs. Raises Unavailable, NotFound.

        Who has left the pair meanwhile has been told what is so now.
        """
        pair = self._pair_of(user)
        pair.keepers.add(user.id)
        if pair.is_wished and not pair.room.stored:
            await self._registry.store(pair.room)
        for person in pair.people:
            if self._pairs.get(person.id) is pair:
                self._seats[person.id].tell(Kept(room=pair.room.name, by=sorted(pair.keepers), stored=pair.room.stored))

    def _pair_of(self, user: User) -> Pair:
        pair = self._pairs.get(user.id)
        if pair is None:
            raise NotFound("You have no partner at the moment.")
        return pair

    # Making and parting pairs

    def _pair(self, one: str, other: str) -> None:
        people = self._seats[one].user, self._seats[other].user
        policy = Policy(access="direct", members={person.id: Member(person.name) for person in people})
        pair = Pair(people, self._registry.hold(" · ".join(person.name for person in people), policy))
        self._pairs[one] = self._pairs[other] = pair
        for who in (one, other):
            self._seats[who].tell(self._paired(who))
        self._tell_positions_soon()

    def _paired(self, who: str) -> Paired:
        pair = self._pairs[who]
        return Paired(room=pair.room.name, partner=pair.partner_of(who).author)

    def _part(self, who: str, reason: str) -> None:
        """Ends the pair of somebody, if they are in one; the other is told the reason."""
        pair = self._pairs.pop(who, None)
        self._matching.leave(who)
        if pair is None:
            return
        partner = pair.partner_of(who)
        del self._pairs[partner.id]
        self._seats[partner.id].tell(Unpaired(reason=reason))
        if pair.is_wished:
            self._store_soon(pair.room)
        else:
            self._registry.release(pair.room)

    def _store_soon(self, room: Room) -> None:
        """It may be under way, or have failed."""
        if room.stored:
            return
        task = asyncio.get_running_loop().create_task(self._store(room))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    async def _store(self, room: Room) -> None:
        try:
            await self._registry.store(room)
        except Unavailable:
            self._call_later(STORE_AGAIN, lambda: self._store_soon(room))

    # As time goes by

    def _wait_for_patience(self) -> None:
        """Pairs those who share no tag when they have waited for long enough."""
        if self._alarm is None:
            left = self._matching.next_patience()
            if left is not None:
                self._alarm = self._call_later(left, self._match_patient)

    def _match_patient(self) -> None:
        self._alarm = None
        for one, other in self._matching.match_patient():
            self._pair(one, other)
        self._wait_for_patience()

    def _tell_position(self, who: str) -> None:
        position = self._matching.position_of(who)
        if position is not None:
            self._seats[who].tell(Waiting(position=position))

    def _tell_positions_soon(self) -> None:
        if self._telling is None:
            self._telling = self._call_later(TELL_INTERVAL, self._tell_positions)

    def _tell_positions(self) -> None:
        """Tells those who wait where they are now, if that has changed."""
        self._telling = None
        for position, who in enumerate(self._matching.waiting(), 1):
            seat = self._seats[who]
            if seat.state != Waiting(position=position):
                seat.tell(Waiting(position=position))
