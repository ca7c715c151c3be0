"""Writing: the way of a change from who says it to the log."""

import asyncio

from chat import tasks
from chat.access import Access
from chat.callers import Caller
from chat.changes import Changes
from chat.commit import GroupCommit
from chat.errors import ChatError, Forbidden, NotFound, RateLimited, SlowDown, TooLarge, Unavailable
from chat.events import Events
from chat.history import History
from chat.moderation import Moderation
from chat.pending import Stored, already
from chat.protocol import Change, Send
from chat.registry import RoomRegistry
from chat.room import Room
from chat.waiter import Waiter

UnderWay = tuple[Room, "asyncio.Future[Stored]"]


class Writing:
    """Asks everybody who has a say in a change, and hands it to be stored.

    A key that is stored already, or is just being stored, is answered with its entry, whoever would refuse it by now.
    """

    def __init__(
        self,
        *,
        access: Access,
        changes: Changes,
        commit: GroupCommit,
        events: Events,
        history: History,
        moderation: Moderation,
        registry: RoomRegistry,
    ) -> None:
        self._access = access
        self._changes = changes
        self._commit = commit
        self._events = events
        self._history = history
        self._moderation = moderation
        self._registry = registry
        self._heard: dict[tuple[str, str, str], asyncio.Task[UnderWay]] = {}
        """What plug-ins are asked about, by who says it, its room and its key."""

    def at_once(self, message: Send, caller: Caller) -> UnderWay | None:
        """Hands a message to be stored without waiting for anything, as it nearly always can be; else None. Raises
        ChatError."""
        if self._events.hears:
            return None
        try:
            room = self._access.at_hand(message, caller)
            return None if room is None else (room, self._changes.begin(room, caller.user, message))
        except (Forbidden, SlowDown, TooLarge):
            return None  # it may have been stored long ago

    async def make(self, change: Change, caller: Caller, *, epoch: str = "") -> tuple[Room, Stored]:
        """What has become of a change, when all is done that belongs to it; raises ChatError."""
        room, under_way = await self.begin(change, caller, epoch=epoch)
        return room, await self._changes.finished(room, under_way)

    async def begin(self, change: Change, caller: Caller, waiter: Waiter | None = None, *, epoch: str = "") -> UnderWay:
        """A change that is handed to be stored, from `waiter` if it comes by a connection; raises ChatError. `epoch`
        is that of the room it is for, where another of its name will not do."""
        if not self._events.hears:
            return await self._begin(change, caller, waiter, epoch)
        # Two copies are one message for plug-ins as well.
        mark = (caller.user.id, change.room, change.key)
        task = self._heard.get(mark)
        if task is None:
            task = self._heard[mark] = tasks.begin(self._begin(change, caller, waiter, epoch))
            task.add_done_callback(lambda done: self._heard.pop(mark))
        return await asyncio.shield(task)

    async def _begin(self, change: Change, caller: Caller, waiter: Waiter | None, epoch: str) -> UnderWay:
        try:
            room = await self._access.to_change(change, caller)
            if epoch not in ("", room.epoch):
                raise NotFound("There is no such room.")
            change = await self._events.heard(room, change, caller, waiter)
            await self._changes.look_up(room, change)
            self._access.may_change(room, caller)  # the right may have been lost meanwhile
            return room, self._moderation.begin(room, caller, change)
        except ChatError as refusal:
            before = await self._stored_before(change, caller, refusal)
            if before is None:
                raise
            return before

    async def _stored_before(self, change: Change, caller: Caller, refusal: ChatError) -> UnderWay | None:
        """What the key stands for already, if anything. Who has asked for too much does not ask the log as well."""
        if isinstance(refusal, Unavailable) or (isinstance(refusal, RateLimited) and not isinstance(refusal, SlowDown)):
            return None
        room = self._registry.awake(change.room)
        if room is None or not self._access.rights(room, caller).read:
            return None
        known = self._commit.known(room, change.key)
        if known is None and room.stored:
            entry = await self._history.entry_of(room.key, change.key)
            if entry is not None and entry.user.id == caller.user.id:
                known = already(entry)
        return None if known is None else (room, known)
