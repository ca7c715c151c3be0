"""A room that is awake: who waits in it, its recent entries, its cursor."""

import asyncio
import logging
import math
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

import msgspec

from chat.broadcast import Broadcast, Notice
from chat.crowd import Crowds
from chat.entries import Author, Entry
from chat.neighbours import NOBODY, Company, Follower, Visitors
from chat.pace import Pace
from chat.people import User
from chat.policy import Policy
from chat.presence import CallLater, Presence
from chat.streaming import StreamingWaiter
from chat.tail import Tail
from chat.waiter import Waiter

log = logging.getLogger("parley.room")


class RoomRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a room.

    `made` and `active` are milliseconds since the Unix epoch; `active` is 0 before the first entry. The entries up to
    `forgotten` are no more: the room's time for them is over. `revision` counts the changes of its rules and its title.
    """

    key: str
    name: str
    title: str
    epoch: str
    made: int
    active: int = 0
    forgotten: int = 0
    policy: Policy = Policy()
    revision: int = 0


class Room:
    """The waiters of one room and the end of its log. It knows no database, and no more of sockets than that they are
    in its crowd: it is plain data.

    `delivered` is told how many entries were handed to clients, each counted for each client, `published` that there
    are new ones. `keep` entries stay in memory, in their present state. Comings and goings are told while at most
    `presence_limit` people are here. One that is not `stored` has its log in memory alone; what is dropped from there
    is forgotten.
    """

    def __init__(
        self,
        record: RoomRecord,
        recent: Iterable[Entry],
        *,
        keep: int,
        presence_limit: int,
        call_later: CallLater,
        delivered: Callable[[int], object] = lambda count: None,
        stored: bool = True,
        visitors: Visitors | None = None,
        published: "Callable[[Room], object] | None" = None,
        company: Company | None = None,
    ) -> None:
        self._record = record
        self._visitors = visitors
        self._published = published
        self._company = company
        self.key = record.key
        self.name = record.name
        self.title = record.title
        self.epoch = record.epoch
        self.active = record.active
        self._delivered = delivered
        self._presence_limit = presence_limit
        self.tail = Tail(recent, forgotten=record.forgotten, keep=keep, is_all=not stored)
        self._waiters: dict[Waiter, None] = {}
        self._crowds = Crowds()
        self._apart: dict[Waiter, None] = {}
        self._waiters_of: dict[str, tuple[Waiter, ...]] = {}
        self._noticing: dict[Waiter, None] = {}
        self._people: Presence[User] = Presence(call_later, self._arrived, self._gone)
        self.pending = 0
        self.under_way: set[str] = set()
        """The keys of what is just being stored."""
        self.rivalled = -math.inf
        """When another process was last seen to write here, by the time of the loop."""
        self.ruling = asyncio.Lock()
        self.over = False
        self.followers: list[Follower] = []
        self.visits = 0
        self.pace = Pace()
        self.govern(record.policy)
        self.active = max(self.active, self.tail.at)

    @property
    def record(self) -> RoomRecord:
        """What is to be stored of the room now."""
        return msgspec.structs.replace(
            self._record, active=self.active, title=self.title, policy=self.policy, forgotten=self.forgotten
        )

    @property
    def seq(self) -> int:
        """The number of the log's last entry."""
        return self.tail.seq

    def knows(self, key: str) -> bool:
        """Whether something with that key is just being stored, or was of late."""
        return key in self.under_way or self.tail.entry_of(key) is not None

    @property
    def forgotten(self) -> int:
        """Up to here the entries are no more."""
        return self.tail.forgotten

    @property
    def stored(self) -> bool:
        """Whether MongoDB has it, or it is in memory alone."""
        return not self.tail.is_all

    def keep(self) -> None:
        """MongoDB has all of it from now on."""
        self.tail.is_all = False

    @property
    def revision(self) -> int:
        """Of what is stored of its rules."""
        return self._record.revision

    def amend(self, record: RoomRecord) -> None:
        """It is stored like this by now."""
        self._record = record
        self.title = record.title
        self.forget(record.forgotten)
        self.govern(record.policy)

    def govern(self, policy: Policy) -> None:
        """Its rules are these from now on; who may not be here any more is put out by chat/access.py.

        They are changed by `RoomRegistry.govern`, which holds `ruling` meanwhile.
        """
        self.policy = policy
        self.plain = policy.plain and not self.over

    def end(self, over: bool = True) -> None:
        """It is being deleted: nobody comes in or writes any more, unless it comes to nothing (`over` is False)."""
        self.over = over
        self.govern(self.policy)

    # Who is here

    def waiters(self) -> list[Waiter]:
        """Who waits in the room at this moment."""
        return list(self._waiters)

    def join(self, waiter: Waiter) -> bool:
        """What is published from now on reaches the waiter; False if it was here already."""
        if waiter in self._waiters:
            return False
        self._people.enter(waiter.user)
        waiter.scatter()
        self._waiters[waiter] = self._apart[waiter] = None
        self._waiters_of[waiter.user.id] = (*self._waiters_of.get(waiter.user.id, ()), waiter)
        if waiter.notices:
            self._noticing[waiter] = None
        waiter.rooms[self.key] = self
        waiter.gather()
        if self._visitors is not None:
            self._visitors.joined(self, waiter)
        return True

    def leave(self, waiter: Waiter) -> bool:
        """Nothing more reaches the waiter; False if it was not here."""
        if waiter not in self._waiters:
            return False
        waiter.scatter()
        del self._waiters[waiter], self._apart[waiter]
        others = tuple(other for other in self._waiters_of.pop(waiter.user.id) if other is not waiter)
        if others:
            self._waiters_of[waiter.user.id] = others
        self._noticing.pop(waiter, None)
        del waiter.rooms[self.key]
        waiter.gather()
        self._people.leave(waiter.user, waiter.linger)
        if self._visitors is not None:
            self._visitors.left(self, waiter)
        return True

    def gather(self, waiter: StreamingWaiter, connection: socket.socket) -> bool:
        """One of its waiters takes broadcasts past itself from now on; False if it cannot yet."""
        gathered = self._crowds.add(waiter, connection)
        if gathered:
            del self._apart[waiter]
        return gathered

    def scatter(self, waiter: StreamingWaiter) -> bytes:
        """One of the crowd is handed again what is published; returns what it has not been sent yet."""
        self._apart[waiter] = None
        return self._crowds.remove(waiter)

    @property
    def people(self) -> int:
        """How many people are in the room, at whatever process."""
        elsewhere = self._elsewhere()
        return len(self._people) + sum(user not in self._people for user in elsewhere)

    def members(self) -> list[Author]:
        """The people in the room, at most `presence_limit` of them."""
        others = (user for user in self._elsewhere() if user not in self._people)
        return [user.author for user in islice(chain(self._people, others), self._presence_limit)]

    @property
    def is_visited(self) -> bool:
        """Whether somebody is in the room; `visits` counts those who came."""
        return bool(self._waiters or self._people or self._elsewhere())

    def _elsewhere(self) -> Mapping[User, object]:
        """Who is in the room at other processes."""
        return self._company.others(self.key) if self._company is not None else NOBODY

    @property
    def is_elsewhere(self) -> bool:
        """Whether somebody is in the room at another process."""
        return bool(self._elsewhere())

    def here(self) -> list[User]:
        """Who is in the room at this process."""
        return list(self._people)

    def lingering(self) -> list[User]:
        """Those who count as here without being connected: between two polls."""
        return [user for user in self._people if user.id not in self._waiters_of]

    def put_out(self, user: User) -> None:
        """They do not linger."""
        self._people.forget(user)

    def author(self, id: str) -> Author | None:
        """Somebody who is here, or has written something of late."""
        waiters = self._waiters_of.get(id)
        if waiters:
            return waiters[0].user.author
        return self.tail.author(id)

    def join_company(self, company: Company) -> None:
        """It is known to other processes from now on, and they may be told who is in it."""
        self._company = company
        for user in self._people:
            company.came(self.key, user)

    def _arrived(self, user: User) -> None:
        self.visits += 1
        if user not in self._elsewhere():
            self.announce("joined", user)
        if self._company is not None:
            self._company.came(self.key, user)

    def _gone(self, user: User) -> None:
        if user not in self._elsewhere():
            self.announce("left", user)
        if self._company is not None:
            self._company.went(self.key, user)

    def arrived_elsewhere(self, user: User) -> None:
        """Somebody is in the room at another process, and was at none of the others."""
        self.visits += 1
        if user not in self._people:
            self.announce("joined", user)

    def gone_elsewhere(self, user: User) -> None:
        """They are at none of the other processes any more."""
        if user not in self._people:
            self.announce("left", user)

    def announce(self, kind: str, user: User, seq: int | None = None) -> None:
        """Tells everybody here something that passes, unless too many are here."""
        if self._noticing and len(self._people) <= self._presence_limit and not self._is_crowded_elsewhere():
            fields = {"user": user.author} if seq is None else {"user": user.author, "seq": seq}
            self._notify(Notice(kind, self.name, **fields))

    def signal(self, user: User, kind: str, data: dict[str, Any]) -> None:
        """Tells everybody here something of a kind that passes, unless too many are here."""
        if self._noticing and len(self._people) <= self._presence_limit and not self._is_crowded_elsewhere():
            self._notify(Notice("signal", self.name, user=user.author, kind=kind, data=data))

    def _is_crowded_elsewhere(self) -> bool:
        """Whether those at other processes make it too many."""
        elsewhere = self._elsewhere()
        return bool(elsewhere) and (len(elsewhere) > self._presence_limit or self.people > self._presence_limit)

    def tell_settings(self) -> None:
        """Tells everybody here what the room is like now, however many they are."""
        policy = self.policy
        self._notify(
            Notice(
                "room",
                self.name,
                title=self.title,
                access=policy.access,
                read_only=policy.read_only,
                locked=policy.locked,
                slow=policy.slow,
            )
        )

    def _notify(self, notice: Notice) -> None:
        for waiter in self._noticing:
            waiter.notify(notice)

    def dismiss(self) -> None:
        """Lets go of everybody, as the server stops."""
        for waiter in list(self._waiters):
            waiter.dismiss()

    # The end of the log

    def publish(self, entries: list[Entry]) -> None:
        """Takes entries that are stored, the next ones in order, and hands them to everybody here.

        Those that are here already are left out: what one process has stored may have come back from MongoDB first.
        """
        if entries[0].seq != self.seq + 1:
            entries = [entry for entry in entries if entry.seq > self.seq]
            if not entries:
                return
            if entries[0].seq != self.seq + 1:
                raise ValueError(f"room {self.key!r} is at {self.seq}, published {entries[0].seq}")
        self.active = entries[-1].at
        broadcast = Broadcast(self.key, self.epoch, entries)
        self._hand_out(broadcast)
        self._delivered(len(entries) * len(self._waiters))
        self.tail.extend(entries)
        for follower in self.followers:
            try:
                follower.published(entries)
            except Exception:
                log.exception("a follower of %r failed", self.key)
        if self._published is not None:
            self._published(self)

    def _hand_out(self, broadcast: Broadcast) -> None:
        """To the senders first, who wait for it: what they say next then comes while the others are told."""
        own = {waiter for sender in broadcast.senders for waiter in self._waiters_of.get(sender, ())}
        for waiter in own:
            self._deliver(waiter, broadcast, True)
        for waiter in self._apart:
            if waiter not in own:
                self._deliver(waiter, broadcast, False)
        if self._crowds:
            self._crowds.put(broadcast.frames)

    def _deliver(self, waiter: Waiter, broadcast: Broadcast, own: bool) -> None:
        try:
            waiter.deliver(broadcast, own)
        except Exception:
            log.exception("delivery to %s failed", waiter.user.id)

    def take(self, entries: list[Entry]) -> bool:
        """As `publish`, of what comes from elsewhere; False if there is something between it and the room's end."""
        if entries[-1].seq > self.seq:
            if min(entry.seq for entry in entries if entry.seq > self.seq) > self.seq + 1:
                return False
            self.publish(entries)
        return True

    def forget(self, upto: int) -> None:
        """The entries up to that number are no more, here as in the store."""
        self.tail.forget(upto)
        for follower in self.followers:
            follower.forgot(upto)

    def add(self, draft: Entry, at: int) -> Entry:
        """Publishes the next entry of a log that is not stored; `at`: milliseconds since the Unix epoch."""
        entry = msgspec.structs.replace(draft, seq=self.seq + 1, at=max(at, self.active))
        self.publish([entry])
        return entry

    @contextmanager
    def held(self) -> Iterator[None]:
        """For one who changes something of the room: it stays in memory meanwhile."""
        self.pending += 1
        try:
            yield
        finally:
            self.pending -= 1

    @property
    def in_use(self) -> bool:
        """Whether it must stay in memory. `pending` counts the changes that are under way to what it is like. An
        ephemeral one stays, so that its end is seen."""
        is_changing = self.pending or self.under_way or self.tail.is_read
        return bool(is_changing or self._waiters or self._people or self.policy.ephemeral or not self.stored)
