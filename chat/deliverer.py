"""The deliverer: reads the logs of rooms that have webhooks from where each has come to, and sends what is there.

Nothing is queued: a webhook is a cursor in the log, which is moved when the receiver has answered. Who is killed
between the two sends once more. So each entry arrives at least once, in the order of the room.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from chat.board import BOARD_KINDS
from chat.entries import Entry
from chat.errors import NotFound, Unavailable
from chat.history import History
from chat.presence import CallLater, Cancellable
from chat.registry import RoomRegistry
from chat.room import Room
from chat.times import now
from chat.webhook_store import WebhookStore
from chat.webhooks import DeadLetter, Letter, Outcome, Webhook, WebhookTable, letter

log = logging.getLogger("parley.webhooks")

Send = Callable[[Letter], Awaitable[Outcome]]

# Entries read from a log at once.
READ_AT_ONCE = 50
# Before it is looked again whether another process has ended its work on a webhook (seconds).
LOOK_AGAIN = 1.0


class Deliverer:
    """Works on the webhooks of all rooms; each has one delivery under way at most. `send` makes the requests.

    `is_banned` says whether an account is banned from the server.
    """

    def __init__(
        self,
        store: WebhookStore,
        send: Send,
        *,
        history: History,
        registry: RoomRegistry,
        call_later: CallLater,
        is_banned: Callable[[str], bool],
        table: WebhookTable,
    ) -> None:
        self._store = store
        self._history = history
        self._registry = registry
        self._send = send
        self._call_later = call_later
        self._is_banned = is_banned
        self._table = table
        self._worker = secrets.token_hex(8)
        self._slots = asyncio.Semaphore(table.webhook_concurrency)
        self._of_room: dict[str, set[str]] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._woken: set[str] = set()
        self._waiting: dict[str, Cancellable] = {}
        self._stopped = False

    # What wakes it

    def published(self, room: Room) -> None:
        """There is something new in a room."""
        for id in self._of_room.get(room.key, ()):
            if id not in self._waiting:  # else it will look by itself
                self.wake(id)

    def watch(self, hook: Webhook) -> None:
        """It is told of its room's entries from now on."""
        self._of_room.setdefault(hook.room, set()).add(hook.id)
        self.wake(hook.id)

    def forget(self, hook: Webhook) -> None:
        """It is removed or paused."""
        ids = self._of_room.get(hook.room, set())
        ids.discard(hook.id)
        if not ids:
            self._of_room.pop(hook.room, None)

    def wake(self, id: str) -> None:
        """Sends what waits for a webhook, if somebody does not do so already."""
        if self._stopped:
            return
        waiting = self._waiting.pop(id, None)
        if waiting is not None:
            waiting.cancel()
        if id in self._under_way:
            self._woken.add(id)
            return
        self._woken.discard(id)
        task = self._under_way[id] = asyncio.get_running_loop().create_task(self._work_on(id))
        task.add_done_callback(lambda _: self._done(id))

    def _done(self, id: str) -> None:
        self._under_way.pop(id, None)
        if id in self._woken and id not in self._waiting:  # in the last moment
            self.wake(id)

    async def run(self) -> None:
        """Looks now and then for what others have changed or left behind."""
        while True:
            with suppress(Unavailable):
                await self.look()
            await asyncio.sleep(self._table.webhook_interval * random.uniform(0.9, 1.1))

    async def look(self) -> None:
        """Wakes all webhooks whose rooms have gone on; raises Unavailable."""
        hooks = await self._store.at_work()
        of_room: dict[str, set[str]] = {}
        for hook in hooks:
            of_room.setdefault(hook.room, set()).add(hook.id)
        self._of_room = of_room
        ends = await self._history.ends_of(list(of_room)) if of_room else {}
        for hook in hooks:
            if hook.cursor < ends.get(hook.room, 0) and hook.due <= now():
                self.wake(hook.id)

    async def stop(self) -> None:
        """Nothing more is sent. What is under way is broken off, and sent again after the next start."""
        self._stopped = True
        for timer in self._waiting.values():
            timer.cancel()
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Its work

    async def _work_on(self, id: str) -> None:
        try:
            hook = await self._store.lease(id, self._worker, self._table.webhook_lease)
            if hook is None:
                await self._look_later(id)
            else:
                await self._deliver(hook)
        except Unavailable:
            self._later(id, self._table.webhook_interval)
        except Exception:
            log.exception("the webhook %s failed", id)
            self._later(id, self._table.webhook_interval)

    async def _look_later(self, id: str) -> None:
        """It is not to be worked on now: another process does, or it is not due."""
        hook = await self._store.by_id(id)
        if hook is not None and not hook.paused:
            self._later(id, max(LOOK_AGAIN, (hook.due - now()) / 1000))

    def _later(self, id: str, seconds: float) -> None:
        waiting = self._waiting.pop(id, None)
        if waiting is not None:
            waiting.cancel()
        self._waiting[id] = self._call_later(seconds, lambda: self.wake(id))

    async def _deliver(self, hook: Webhook) -> None:
        """Sends what is in the log, until there is nothing more or something fails."""
        while True:
            self._woken.discard(hook.id)
            if not await self._may_hear(hook):
                return
            entries = await self._history.following(hook.room, hook.cursor, READ_AT_ONCE)
            for entry in entries:
                further = await self._past(hook, entry)
                if further is None:
                    return
                hook = further
            if not entries and hook.id not in self._woken:
                await self._note(hook, keep=False)
                return

    async def _past(self, hook: Webhook, entry: Entry) -> Webhook | None:
        """The webhook when it is done with an entry; None if nothing more is to be sent now.

        Since the entry was read others may have taken their time to receive theirs: so it is looked at again.
        """
        skipped = msgspec.structs.replace(hook, cursor=entry.seq)
        if entry.type not in hook.types or entry.kind in BOARD_KINDS:
            return skipped
        async with self._slots:
            if not await self._may_hear(hook):
                return None
            present = await self._present(hook, entry.seq)
            if present is None:
                return skipped
            outcome = await self._send(letter(hook, present, int(time.time())))
        hook = await self._after(hook, present, outcome)
        goes_on = outcome.arrived or not (hook.tries or hook.paused)
        return hook if await self._note(hook, keep=goes_on) and goes_on else None

    async def _present(self, hook: Webhook, seq: int) -> Entry | None:
        """The entry with this number as it is now; None if it is no more."""
        room = self._registry.get(hook.room)
        recent = room.tail.entry_at(seq) if room is not None else None
        if recent is not None:
            return recent
        found = await self._history.following(hook.room, seq - 1, 1)
        return found[0] if found and found[0].seq == seq else None

    async def _may_hear(self, hook: Webhook) -> bool:
        """Whether it may hear the room still; else it is paused, or removed with a room that is gone."""
        try:
            room = await self._registry.find(hook.name)
        except NotFound:
            room = None
        if room is None or room.over or room.epoch != hook.epoch:
            self.forget(hook)
            await self._store.remove(hook.id)
            return False
        if not hook.holds_in(room.policy) or self._is_banned(hook.by.id):
            reason = f"{hook.by.name}, who made it, does not look after the room any more."
            await self._store.change(hook.id, paused=reason)
            self.forget(hook)
            return False
        return True

    async def _after(self, hook: Webhook, entry: Entry, outcome: Outcome) -> Webhook:
        """The webhook after a delivery: one further, or with another try to come, or paused."""
        if outcome.arrived:
            return msgspec.structs.replace(hook, cursor=entry.seq, tries=0, failing=0, due=0, error="")
        at, error = now(), outcome.error
        hook = msgspec.structs.replace(hook, tries=hook.tries + 1, failing=hook.failing or at, error=error)
        if outcome.gone:
            return msgspec.structs.replace(
                hook, tries=0, paused="The receiver answered that it is gone for good (410)."
            )
        if hook.tries < self._table.webhook_tries:
            wait = self._table.wait(hook.tries, random.random())
            return msgspec.structs.replace(hook, due=at + int(wait * 1000))
        dead = DeadLetter(seq=entry.seq, type=entry.type, at=at, tries=hook.tries, error=error)
        count = await self._store.bury(hook, dead)
        hook = msgspec.structs.replace(hook, cursor=entry.seq, tries=0, due=0)
        if at - hook.failing >= self._table.webhook_patience * 1000:
            return msgspec.structs.replace(hook, paused=f"Nothing has arrived for a long time. {error}")
        if count >= self._table.webhook_letters:
            return msgspec.structs.replace(hook, paused=f"{count} entries could not be delivered. {error}")
        return hook

    async def _note(self, hook: Webhook, *, keep: bool) -> bool:
        """Stores where it is; without `keep` anybody may work on it from now on. False if it is not ours any more."""
        leased = now() + int(self._table.webhook_lease * 1000) if keep else 0
        noted = await self._store.note(hook, self._worker, leased=leased)
        if hook.paused:
            log.warning("the webhook %s is paused", hook.id)
            self.forget(hook)
        elif hook.tries:
            self._later(hook.id, (hook.due - now()) / 1000)
        return noted

    # Dead letters

    async def send_again(self, hook: Webhook, seq: int) -> Outcome:
        """One more try for an entry that could not be delivered; it is one no more if that arrives. Raises NotFound for
        an entry that is no more, Unavailable."""
        async with self._slots:
            entry = await self._present(hook, seq)
            if entry is None:
                raise NotFound("That entry is no more.")
            outcome = await self._send(letter(hook, entry, int(time.time())))
        if outcome.arrived:
            await self._store.drop(hook.id, seq)
        return outcome
