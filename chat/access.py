"""Access: the one door to the rooms. Whoever reads, writes or rules a room comes through here."""

import time
from typing import Literal

from chat.callers import Caller
from chat.catch_up import Cursor, room_at
from chat.errors import Forbidden, NotFound, RateLimited
from chat.policy import Rights, left_of, until_text
from chat.protocol import Change, Send
from chat.registry import RoomRegistry
from chat.room import Room

Guests = Literal["yes", "no", "read"]


class Access:
    """Finds rooms for callers, and refuses what they may not do.

    A room that one may not see is answered like one that does not exist. `guests`: what those without an account may
    do.
    """

    def __init__(self, registry: RoomRegistry, *, guests: Guests) -> None:
        self._registry = registry
        self._guests = guests
        registry.watch(lambda room, before: self.enforce(room))

    # Finding a room

    async def to_read(self, name: str, caller: Caller | None) -> Room:
        """The room of that name; raises NotFound, Forbidden, BadRequest, Unavailable. Nobody may be None: a reader of
        open rooms."""
        room = await self._registry.find(name)
        self.may_read(room, caller)
        return room

    async def to_join(self, name: str, cursor: Cursor, caller: Caller) -> Room:
        """The room of that name, made if there was none and the cursor can be one of a new room."""
        if self._may_make(caller):
            room = await room_at(self._registry, name, cursor)
        else:
            room = await self._registry.find(name)
        self.may_read(room, caller)
        return room

    async def to_change(self, change: Change, caller: Caller) -> Room:
        """The room that is to be changed: a message makes it if there is none."""
        if isinstance(change, Send) and self._may_make(caller):
            room = await self._registry.wake(change.room)
        else:
            room = await self._registry.find(change.room)
        self.may_change(room, caller, change)
        return room

    async def to_moderate(self, name: str, caller: Caller) -> Room:
        room = await self._registry.find(name)
        if not self._seen(room, caller).moderate:
            raise Forbidden("Only its moderators may do that in this room.")
        return room

    async def to_own(self, name: str, caller: Caller) -> Room:
        room = await self._registry.find(name)
        if not self._seen(room, caller).own:
            raise Forbidden("Only its owner may do that with this room.")
        return room

    # What one may do in a room

    def rights(self, room: Room, caller: Caller | None) -> Rights:
        if caller is None:
            return Rights(read=room.policy.access == "open")
        rights = room.policy.rights(caller, _now())
        if self._guests == "read" and not caller.account:
            return Rights(read=rights.read)
        return rights

    def may_read(self, room: Room, caller: Caller | None) -> None:
        """Raises NotFound for a room that one may not see, Forbidden for one that one is banned from."""
        if room.plain and (caller is None or caller.scope is None):
            return
        if caller is not None and caller.scope is not None and not caller.scope.covers(room.key):
            raise NotFound("There is no such room.")
        if self.rights(room, caller).read:
            return
        if room.policy.access == "open" and caller is not None:
            ban = room.policy.bans[caller.id]
            raise Forbidden(
                f"You are banned from this room{until_text(ban.until)}.", retry_after=left_of(ban.until, _now())
            )
        raise NotFound("There is no such room.")

    def may_change(self, room: Room, caller: Caller, change: Change | None = None) -> None:
        """Raises ChatError for one who may not write in the room now; `change` is what is to be written, if anything
        is."""
        if room.plain and caller.scope is None and (caller.account or self._guests == "yes"):
            return
        self.may_read(room, caller)
        if change is not None and room.entry_of(change.key) is not None:
            return  # it is stored already, and its sender is told so
        policy, rights = room.policy, self.rights(room, caller)
        if not rights.write:
            raise Forbidden(self._why_not(room, caller))
        if rights.moderate:
            return
        mute = policy.muted(caller, _now())
        if mute is not None:
            raise Forbidden(
                f"You are muted in this room{until_text(mute.until)}.", retry_after=left_of(mute.until, _now())
            )
        if policy.locked:
            raise Forbidden("The room is locked: only its moderators write at the moment.")
        if policy.slow and isinstance(change, Send):
            wait = room.pace.wait(caller.id, policy.slow)
            if wait > 0:
                raise RateLimited(f"Slow mode: one message every {policy.slow} seconds here.", retry_after=wait)

    def _why_not(self, room: Room, caller: Caller) -> str:
        if caller.scope is not None and not caller.scope.write:
            return "This token may only read."
        if self._guests == "read" and not caller.account:
            return "Guests may only read here: register, or sign in with a password."
        return "This room is for reading: only its moderators write."

    def _seen(self, room: Room, caller: Caller) -> Rights:
        """The rights in a room that the caller may know of; raises NotFound for others."""
        rights = self.rights(room, caller)
        if not (rights.read or rights.own):
            self.may_read(room, caller)
        return rights

    def _may_make(self, caller: Caller) -> bool:
        """Whether a visit of theirs makes a room."""
        return caller.scope is None and (bool(caller.account) or self._guests == "yes")

    # Losing rights

    def enforce(self, room: Room) -> None:
        """Puts out whoever is in the room and may not be there any more."""
        for waiter in room.waiters():
            if not self.rights(room, waiter.caller).read:
                waiter.lose(room, Forbidden("You are no longer allowed in this room."))


def _now() -> int:
    return int(time.time() * 1000)
