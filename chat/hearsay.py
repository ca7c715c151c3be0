"""Hearsay: what other processes have changed is read anew here, and whoever has lost a right by it is out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chat.bans import Bans
from chat.bus import Bus
from chat.callers import Whom
from chat.changes import pass_on
from chat.desk_keeping import DeskKeeping
from chat.errors import NameTaken, Unavailable
from chat.house import House
from chat.identity import Identity
from chat.notes import (
    AccountChanged,
    AccountGone,
    BanChanged,
    DeskChanged,
    Forgotten,
    NamesTaken,
    PutOut,
    RoomChanged,
    RoomErased,
    RoomOver,
    Signalled,
    Told,
)
from chat.people import User
from chat.registry import RoomRegistry

log = logging.getLogger("parley.hearsay")

# Between two tries to read something anew while MongoDB is away (seconds).
RETRY = 0.5
# Readings under way at once; more wait for their turn.
AT_ONCE = 20


class Hearsay:
    """Listens to the bus. What has to be read is read in the background, until it has been."""

    def __init__(
        self,
        bus: Bus,
        *,
        registry: RoomRegistry,
        identity: Identity,
        house: House,
        bans: Bans,
        keeping: DeskKeeping,
    ) -> None:
        self._bus = bus
        self._registry = registry
        self._identity = identity
        self._house = house
        self._bans = bans
        self._under_way: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)
        registry.company.rival = self._give_up_name
        for kind, listener in (
            (Told, self._told),
            (Signalled, self._told),
            (RoomChanged, self._room_changed),
            (RoomOver, self._room_over),
            (RoomErased, lambda note: house.lifetimes.heard_erased(note.room)),
            (Forgotten, house.lifetimes.heard_forgotten),
            (PutOut, identity.departures.heard),
            (AccountChanged, self._account_changed),
            (AccountGone, lambda note: identity.erasure.heard(note.account)),
            (BanChanged, lambda note: self._soon(lambda: bans.changed(note.id))),
            (DeskChanged, lambda note: self._soon(keeping.refresh)),
            (NamesTaken, identity.claims.heard),
        ):
            self._listen(kind, listener)
        bus.mourn(lambda process: self._soon(house.lifetimes.recover))

    def _listen(self, kind: type, listener: Callable[..., object]) -> None:
        self._bus.hear(kind, lambda note, by: listener(note))

    def close(self) -> None:
        for task in self._under_way:
            task.cancel()

    # Notes

    def _told(self, note: Told | Signalled) -> None:
        room = self._registry.get(note.room)
        if room is not None:
            pass_on(room, note)

    def _room_changed(self, note: RoomChanged) -> None:
        self._soon(lambda: self._registry.changed(note.room, note.people))

    def _room_over(self, note: RoomOver) -> None:
        self._house.lifetimes.heard_over(note.room)
        self._soon(lambda: self._registry.changed(note.room, note.people))

    def _account_changed(self, note: AccountChanged) -> None:
        async def read_anew() -> None:
            account = await self._identity.accounts.by_id(note.account)
            if account is not None:
                self._identity.departures.changed(account, note.recalled)

        self._soon(read_anew)

    def _give_up_name(self, user: User) -> None:
        """Two have taken one name at two processes in the same moment; it is the other's, who was first."""
        self._identity.people.give_up(user)
        error = NameTaken(f"Somebody here is called {user.name} already.")
        self._identity.clients.end(Whom(user=user.id).fits, error)

    # Reading anew

    def _soon(self, read_anew: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.get_running_loop().create_task(self._until_done(read_anew))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _until_done(self, read_anew: Callable[[], Awaitable[None]]) -> None:
        async with self._turns:
            while True:
                try:
                    await read_anew()
                    return
                except Unavailable:
                    await asyncio.sleep(RETRY)
                except Exception:
                    log.exception("what another process has changed could not be read anew")
                    return

    async def recover(self) -> None:
        """Nobody knows what was told: everything is read anew, and all who are connected come back. Raises
        Unavailable."""
        await self._identity.read_anew()
        await self._bans.read_anew()
        await self._house.lifetimes.recover()
        for room in list(self._registry):
            await self._registry.changed(room.key)
        self._soon(self._registry.company.gather)
        self._identity.clients.recall(lambda caller: True)
