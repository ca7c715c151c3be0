"""Erasure: what becomes of the messages of deleted accounts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chat.accounts import Accounts, Deleted
from chat.bus import Bus
from chat.changes import Changes
from chat.errors import NotFound, Unavailable
from chat.history import History
from chat.notes import AccountGone
from chat.people import User
from chat.registry import RoomRegistry

log = logging.getLogger("parley.erasure")

# What everybody is called who is no more.
NOBODY = "deleted account"
# Entries of a log looked at by one operation: tens of milliseconds of MongoDB's time. There is no index by authors: it
# would make every message dearer for what is seldom done.
STEP = 5_000
# Messages deleted together; between two lots others get their turn.
LOT = 100


class Erasure:
    """Goes through the logs of all rooms for one deleted account after the other, in the background.

    Its name goes, and with it its messages if that was chosen: as if each had been deleted by itself. What is still to
    be done is stored with the account, so the next start goes on with it. `pause` (seconds) lets what was under way
    arrive in the logs first, and MongoDB come back.
    """

    def __init__(
        self,
        accounts: Accounts,
        history: History,
        registry: RoomRegistry,
        changes: Changes,
        *,
        pause: float,
        bus: Bus,
    ) -> None:
        self._bus = bus
        self._accounts = accounts
        self._history = history
        self._registry = registry
        self._changes = changes
        self._pause = pause
        self._also: list[Callable[[str], Awaitable[None]]] = []
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._wanted.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def also(self, forget: Callable[[str], Awaitable[None]]) -> None:
        """Something else that is to be done for each deleted account (by its id), more than once if need be; it may
        raise Unavailable."""
        self._also.append(forget)

    def begin(self, id: str) -> None:
        """An account has just been deleted: its name goes from memory at once, the rest follows."""
        self.heard(id)
        self._bus.tell(AccountGone(id))

    def heard(self, id: str) -> None:
        """As `begin`, as another process says."""
        self._rename_in_memory(id)
        self._wanted.set()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(self._pause)
            if not self._bus.leads:  # one process does it; the next one, if that dies
                self._wanted.set()
                continue
            try:
                for deleted in await self._accounts.deleted():
                    await self._erase(deleted)
            except Unavailable:
                self._wanted.set()
            except Exception:
                log.exception("a deleted account's messages were not dealt with")

    async def _erase(self, deleted: Deleted) -> None:
        for forget in self._also:
            await forget(deleted.id)
        async for key in self._history.rooms.keys():
            await self._erase_in(key, deleted)
        self._rename_in_memory(deleted.id)  # of rooms that woke while it went on
        self._bus.tell(AccountGone(deleted.id))
        await self._accounts.forget(deleted.id)
        log.info("dealt with the messages of the deleted account %s", deleted.id)

    async def _erase_in(self, key: str, deleted: Deleted) -> None:
        nobody = User(deleted.id, NOBODY, guest=False)
        end = await self._history.end_of(key)
        for after in range(0, end, STEP):
            upto = min(after + STEP, end)
            if deleted.messages:
                await self._withdraw(key, nobody, await self._history.messages_of(deleted.id, key, after, upto))
            await self._history.rename_author(nobody.author, key, after, upto)

    async def _withdraw(self, key: str, user: User, targets: list[int]) -> None:
        for first in range(0, len(targets), LOT):
            try:
                room = await self._registry.by_key(key)
            except NotFound:
                return  # deleted meanwhile
            with room.held():
                await self._changes.withdraw(room, user, targets[first : first + LOT])

    def _rename_in_memory(self, id: str) -> None:
        for room in self._registry:
            room.tail.rename_author(User(id, NOBODY, guest=False).author)
