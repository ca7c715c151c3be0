"""Group commit: while one insert is under way all changes of all rooms gather, then one insert takes them together."""

import asyncio
import contextlib
import logging
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from chat import message_log
from chat.admission import Admission, is_judged
from chat.bus import Bus, LocalBus
from chat.database import summary
from chat.doubt import Doubt
from chat.entries import Entry
from chat.errors import ChatError, NotFound, Unavailable
from chat.history import Conflict, History
from chat.homes import Homes
from chat.pending import Pending, Stored, already, copy_of
from chat.room import Room

log = logging.getLogger("parley.commit")

# So few that are under way are not waited for: each is stored as it comes. More of them are, for as long as they keep
# coming: until so many turns of the loop have brought none, in which a large room is told in parts (chat/waiter.py).
FEW = 3
TURNS_TO_LET_IN = 12

# Where other processes write too, one that has stored something lets them have their turn, for up to this time
# (seconds): else one who is in the rhythm wins every time, and the others never.
TURN = 0.006
# How long it may take until something that was handed to another process is stored, before it is stored here.
AWAY = 0.3
# How long what another process has stored may take to be told of, before the log is read for it (seconds).
HEARING = 0.1


class GroupCommit:
    """Stores changes and publishes them, in one order for each room.

    It alone decides `seq`: an entry is inserted at the end of the log under a unique index. A conflict says that the
    log has grown
    (another process, or a write of our own that had timed out): what came is read and published, and the insert
    tried again. What a change is about may have changed while it waited: whether it is stored is decided right before
    (chat/admission.py). `observe` is told of each insert: its entries, and its time in seconds; `published` of all
    entries that are in the log by now, whoever stored them.
    """

    def __init__(
        self,
        history: History,
        *,
        batch: int,
        queue: int,
        timeout: float,
        heal_interval: float,
        wall: Callable[[], float] = time.time,
        observe: Callable[[int, float], object] = lambda entries, seconds: None,
        published: Callable[[Room, Sequence[Entry]], object] = lambda room, entries: None,
        reaction_limit: int = sys.maxsize,
        bus: Bus | None = None,
    ) -> None:
        self._history = history
        self._batch = batch
        self._limit = queue
        self._timeout = timeout
        self._heal_interval = heal_interval
        self._wall = wall
        self._observe = observe
        self._published = published
        self._reaction_limit = reaction_limit
        self._bus = bus or LocalBus()
        self._homes = Homes(self._bus)
        self._queue: deque[Pending] = deque()
        self._by_key: dict[tuple[str, str], Pending] = {}
        self._doubt = Doubt(history, step=batch, found=self._found)
        self._work = asyncio.Event()
        self._heard = asyncio.Event()
        self._storing = asyncio.Lock()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self, timeout: float) -> None:
        """Refuses new changes, finishes what was accepted within `timeout` seconds, and ends."""
        self._stopping = True
        accepted = [pending.future for pending in self._by_key.values()]
        if accepted:
            await asyncio.wait(accepted, timeout=timeout)
        for pending in list(self._by_key.values()):
            self._fail(pending, Unavailable("The server is stopping; send again in a moment.", retry_after=1))
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def __len__(self) -> int:
        """How many changes are not answered yet."""
        return len(self._by_key)

    def append(self, room: Room, draft: Entry, *, here: bool = False) -> asyncio.Future[Stored]:
        """A future of the stored entry; the draft's `seq` and `at` are not decided yet. It may fail with Unavailable,
        or with NotFound for a room that is over, as may the call itself. With `here` no other process is asked for it.

        A key that the room has seen, or that is under way, gives the entry of then.
        """
        known = self.known(room, draft.key)
        if known is not None:
            return known
        if room.over:
            raise NotFound("There is no such room.")
        if self._stopping:
            raise Unavailable("The server is stopping; send again in a moment.", retry_after=1)
        if len(self._by_key) >= self._limit:
            raise Unavailable("Too much is waiting to be stored; send again in a moment.", retry_after=1)
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        pending = Pending(room, draft, future)
        pending.timer = asyncio.get_running_loop().call_later(self._timeout, self._expire, pending)
        room.under_way.add(draft.key)
        self._by_key[room.key, draft.key] = pending
        if self._homes.begin(room, draft, here=here or room.tail.has_recalled(draft.target)):
            pending.away = asyncio.get_running_loop().call_later(AWAY, self._enqueue, pending)
        else:
            self._enqueue(pending)
        return future

    def known(self, room: Room, key: str) -> asyncio.Future[Stored] | None:
        """What was, or is just being, stored of late with that key."""
        under_way = self._by_key.get((room.key, key))
        if under_way is not None:
            return copy_of(under_way.future)
        entry = room.tail.entry_of(key)
        return None if entry is None else already(entry)

    def _enqueue(self, pending: Pending) -> None:
        self._queue.append(pending)
        self._work.set()

    async def discard(self, room: Room) -> None:
        """Refuses what waits to be stored in a room that is over. Returns when nothing can come to its log any more.

        Raises Unavailable while a write may still be on its way to MongoDB.
        """
        waiting = [*self._queue, *(pending for pending in self._by_key.values() if pending.away is not None)]
        for pending in [pending for pending in waiting if pending.room is room]:
            self._fail(pending, NotFound("There is no such room."))
        async with self._storing:
            if room in self._doubt:
                raise Unavailable("Something may still be on its way to MongoDB.", retry_after=1)

    # Other processes

    def arrived(self, room: Room, entries: Sequence[Entry]) -> None:
        """These were published in the room as MongoDB told of them: stored by another process, perhaps because it was
        handed them by this one, or by this one, which is not told yet."""
        for entry in entries:
            pending = self._by_key.get((room.key, entry.key))
            if pending is None:
                room.rivalled = asyncio.get_running_loop().time()
            elif pending.away is not None:
                self._resolve(pending, Stored(entry, new=True))
        self._heard.set()

    def _found(self, room: Room, entries: list[Entry]) -> None:
        """The log goes on with these."""
        room.take(entries)
        self.arrived(room, entries)
        self._published(room, entries)

    def look_at(self, room: Room) -> None:
        """The log may have grown without the room being told: it is looked at soon."""
        if room.stored:
            self._doubt.begin(room)
            self._work.set()

    async def _hear_of(self, room: Room, seq: int) -> None:
        """Somebody else has stored that entry of the room. It may not be durable yet, and then the log does not show
        it: the bus tells when it is."""
        if self._bus.is_shared:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARING):
                    while room.seq < seq:
                        self._heard.clear()
                        await self._heard.wait()
        if room.seq < seq:
            await self._doubt.catch_up(room)

    async def _let_others(self, batch: Sequence[Pending]) -> None:
        """Lets other processes write, after a batch for rooms in which they do."""
        if any(self._homes.is_rivalled(pending.room) for pending in batch):
            await asyncio.sleep(random.uniform(0, TURN))

    # The one task that writes

    async def _run(self) -> None:
        while True:
            await self._wait_for_work()
            try:
                if self._doubt.rooms and not await self._doubt.resolve():
                    await asyncio.sleep(self._heal_interval)
                elif self._queue:
                    async with self._storing:
                        batch = self._next_batch()
                        await self._store(batch)
                    under_way = len(batch) + len(self._queue)
                    if self._bus.is_shared:
                        await self._let_others(batch)
                    if under_way > FEW:
                        await self._let_in(under_way)
                else:
                    await self._doubt.look_again()
            except Exception:
                log.exception("a batch failed; its senders will be told to send again")

    async def _let_in(self, expected: int) -> None:
        """Gives way while the entries just published are sent and answered, until as many are queued as were under way.

        Without it a few clients that send as fast as they are answered fall into two groups, one being stored while
        the other is sent: twice the commits and twice the writes, each for half of the messages.
        """
        quiet = 0
        while quiet < TURNS_TO_LET_IN and len(self._queue) < expected:
            queued = len(self._queue)
            await asyncio.sleep(0)
            quiet = 0 if len(self._queue) > queued else quiet + 1

    async def _wait_for_work(self) -> None:
        """Returns when there is something to do, or rooms are to be looked at for late writes."""
        if self._queue or self._doubt.rooms:
            return
        self._work.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._heal_interval if self._doubt.watched else None):
                await self._work.wait()

    def _next_batch(self) -> list[Pending]:
        """The first of those that wait, up to one that has to see what becomes of these."""
        batch: list[Pending] = []
        admission = Admission(self._reaction_limit)
        while self._queue and len(batch) < self._batch:
            pending = self._queue[0]
            if not pending.future.done() and not self._is_admitted(pending, admission):
                break
            self._queue.popleft()
            if not pending.future.done():
                batch.append(pending)
        return batch

    def _is_admitted(self, pending: Pending, admission: Admission) -> bool:
        """False if it has to wait for what is in the batch already; it is answered if it is not to be stored."""
        room, draft = pending.room, pending.draft
        if room.over:  # it was in a batch that did not get as far
            self._fail(pending, NotFound("There is no such room."))
        elif is_judged(draft):
            known = room.tail.entry_of(draft.key)
            try:
                if known is not None:  # another process has stored a copy, and that is what would be in its way
                    self._resolve(pending, Stored(known, new=False))
                else:
                    return admission.admits(room, draft)
            except ChatError as error:
                self._fail(pending, error)
            except Exception:
                log.exception("it could not be told whether %s/%s is to be stored", room.key, draft.key)
                self._fail(pending, Unavailable("Something went wrong here; try again.", retry_after=1))
        return True

    async def _store(self, batch: list[Pending]) -> None:
        if not batch:
            return
        entries = self._numbered(batch)
        begun = time.monotonic()
        try:
            await self._history.insert(
                [(pending.room.key, entry) for pending, entry in zip(batch, entries, strict=True)]
            )
        except Conflict as conflict:
            self._publish(batch[: conflict.index], entries[: conflict.index])
            rest = batch[conflict.index :]
            if conflict.by_key:
                rest = await self._answer_known(rest)
            else:
                await self._hear_of(rest[0].room, entries[conflict.index].seq)
            self._queue.extendleft(reversed(rest))
        except Unavailable as error:
            log.warning("a batch of %d was not stored: %s", len(batch), summary(error.__cause__))
            for pending in batch:
                self._doubt.begin(pending.room)
                self._fail(pending, error)
        else:
            self._observe(len(entries), time.monotonic() - begun)
            self._publish(batch, entries)

    def _numbered(self, batch: Sequence[Pending]) -> list[Entry]:
        """The drafts as the next entries of their rooms.

        `at` never runs backwards in a room, whatever the clock does.
        """
        now = int(self._wall() * 1000)
        ends: dict[Room, int] = {}
        entries = []
        for pending in batch:
            room = pending.room
            seq = ends[room] = ends.get(room, room.seq) + 1
            entries.append(msgspec.structs.replace(pending.draft, seq=seq, at=max(now, room.active)))
        return entries

    def _publish(self, batch: Sequence[Pending], entries: Sequence[Entry]) -> None:
        """Tells the senders and everybody in the rooms. The senders are woken first: their answers then leave with
        their own messages, in one write."""
        for pending, entry in zip(batch, entries, strict=True):
            self._resolve(pending, Stored(entry, new=True))
        by_room: dict[Room, list[Entry]] = {}
        for pending, entry in zip(batch, entries, strict=True):
            by_room.setdefault(pending.room, []).append(entry)
        for room, added in by_room.items():
            try:
                room.publish(added)
            except Exception:  # the other rooms, and the senders, have nothing to do with it
                log.exception("publishing in %r failed", room.key)
            self._published(room, added)
            self._bus.stored(room.key, added)
        if log.isEnabledFor(logging.DEBUG):
            for pending, entry in zip(batch, entries, strict=True):
                log.debug("process %s handled %s/%d", self._bus.process, pending.room.key, entry.seq)
        handled = ((pending.room.key, entry) for pending, entry in zip(batch, entries, strict=True))
        message_log.note(handled, self._bus.process)

    async def _answer_known(self, rest: list[Pending]) -> list[Pending]:
        """The first of `rest` has a key that the log knows: answers it with the entry of then. Returns what is left."""
        pending = rest[0]
        try:
            known = await self._history.entry_of(pending.room.key, pending.draft.key)
        except Unavailable as error:
            self._fail(pending, error)
            return rest[1:]
        if known is None:  # removed between the two looks: it can be stored after all
            return rest
        if known.seq > pending.room.seq:
            await self._doubt.catch_up(pending.room)
        self._resolve(pending, Stored(known, new=False))
        return rest[1:]

    # Answers

    def _expire(self, pending: Pending) -> None:
        self._fail(pending, Unavailable("The history could not be reached in time; try again.", retry_after=1))

    def _fail(self, pending: Pending, error: ChatError) -> None:
        if self._forget(pending):
            pending.future.set_exception(error)
            pending.future.exception()  # read by whoever still waits; nobody has to

    def _resolve(self, pending: Pending, stored: Stored) -> None:
        if self._forget(pending):
            pending.future.set_result(stored)

    def _forget(self, pending: Pending) -> bool:
        """True if it was not answered before."""
        if pending.future.done():
            return False
        for timer in (pending.timer, pending.away):
            if timer is not None:
                timer.cancel()
        self._homes.end(pending.room, pending.draft)
        del self._by_key[pending.room.key, pending.draft.key]
        pending.room.under_way.discard(pending.draft.key)
        return True
