"""Access: the one door to the rooms. Whoever reads, writes or rules a room comes through here."""

import time
from typing import Literal

from chat.callers import Caller
from chat.catch_up import Cursor
from chat.desk import Agents
from chat.errors import BadRequest, ChatError, Forbidden, NotFound, SlowDown, Unauthenticated, Unavailable
from chat.kinds import Kinds
from chat.policy import Rights, left_of
from chat.protocol import Change, Passing, Read, Send, Signal
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.room import Room
from chat.whereabouts import Whereabouts

SIGN_IN = "Sign in first: this server is not for guests."

Guests = Literal["yes", "no", "read"]


class Access:
    """Finds rooms for callers, and refuses what they may not do.

    A room that one may not see is answered like one that does not exist. `guests`: what those without an account may
    do. `rates`: how much of it. `whereabouts` is told where they are. `agents` are those of support desks. `kinds`:
    what people may say besides texts.
    """

    def __init__(
        self,
        registry: RoomRegistry,
        rates: Rates,
        whereabouts: Whereabouts,
        agents: Agents,
        *,
        guests: Guests,
        kinds: Kinds | None = None,
    ) -> None:
        self._registry = registry
        self._rates = rates
        self._whereabouts = whereabouts
        self._agents = agents
        self._guests = guests
        self._kinds = kinds or Kinds()
        registry.watch(lambda room, before: self.enforce(room))

    @property
    def guests(self) -> Guests:
        """What those without an account may do."""
        return self._guests

    # Finding a room

    async def to_read(self, name: str, caller: Caller | None) -> Room:
        """The room of that name; raises NotFound, Forbidden, BadRequest, Unavailable. Nobody may be None: a reader of
        open rooms."""
        room = await self._find(name, caller)
        self.may_read(room, caller)
        return room

    async def to_join(self, name: str, cursor: Cursor, caller: Caller) -> Room:
        """The room of that name, made if there was none and the cursor can be one of a new room."""
        self._whereabouts.note(caller)
        makes = cursor.may_be_new and self.may_make(caller)
        room = await (self._wake(name, caller) if makes else self._find(name, caller))
        self.may_read(room, caller)
        return room

    async def to_change(self, change: Change, caller: Caller) -> Room:
        """The room that is to be changed: a message makes it if there is none.

        Raises RateLimited as well. What is stored already costs nothing, so that it can be sent again until there is an
        answer.
        """
        room = self.at_hand(change, caller)
        if room is not None:
            return room
        room = self._registry.awake(change.room)
        known = room is not None and room.knows(change.key)
        if not known:
            self._count(caller)
        makes = isinstance(change, Send) and self.may_make(caller)
        room = await (self._wake(change.room, caller) if makes else self._find(change.room, caller))
        self._let_change(room, caller, change, known or room.knows(change.key))
        return room

    def at_hand(self, change: Change, caller: Caller) -> Room | None:
        """The same without waiting, as it nearly always can be: for a message to a room that is awake. None where
        something has to be looked up first, or done afterwards."""
        if isinstance(change, Send) and change.kind != "text":
            self._kinds.check(change.kind, change.data)
        room = self._registry.awake(change.room)
        if room is None or room.policy.desk or not isinstance(change, Send) or not self.may_make(caller):
            return None
        known = room.knows(change.key)
        if not known:
            self._count(caller)
        self._let_change(room, caller, change, known)
        return room

    def _count(self, caller: Caller) -> None:
        self._rates.change(caller)
        self._whereabouts.note(caller)

    def _let_change(self, room: Room, caller: Caller, change: Change, known: bool) -> None:
        self.may_change(room, caller, change)
        if not known and isinstance(change, Send) and not self.may_send_kind(room, caller, change.kind):
            raise Forbidden(f"Only its moderators may send a {change.kind} in this room.")
        if not known:
            self._rates.change_in(room.key)  # not before: strangers use up nothing of it

    async def to_see(self, name: str, caller: Caller | None) -> Room:
        """The room whose settings are to be seen: for administrators also one that they may not read."""
        room = await self._find(name, caller)
        self._seen(room, caller)
        return room

    async def to_invite(self, name: str, caller: Caller) -> Room:
        room = await self._find(name, caller)
        rights, access = self._seen(room, caller), room.policy.access
        if access == "open":
            raise BadRequest("An open room needs no invitation: its address is enough.")
        if access == "direct":
            raise Forbidden("Nobody can be added to a direct conversation: begin another.")
        may_write = self.may_make(caller)  # as far as that depends on who they are
        if not (rights.moderate or (access == "link" and rights.read and may_write)):
            raise Forbidden("Only its moderators may invite people to this room.")
        return room

    async def to_moderate(self, name: str, caller: Caller) -> Room:
        room = await self._find(name, caller)
        if not self._seen(room, caller).moderate:
            raise Forbidden("Only its moderators may do that in this room.")
        return room

    async def to_own(self, name: str, caller: Caller) -> Room:
        room = await self._find(name, caller)
        if not self._seen(room, caller).own:
            raise Forbidden("Only its owner may do that with this room.")
        return room

    async def _wake(self, name: str, caller: Caller) -> Room:
        """The room of that name, made if there was none and they may make one more."""
        return await self._registry.wake(name, lambda: self._rates.make_room(caller))

    async def _find(self, name: str, caller: Caller | None) -> Room:
        """The room of that name; raises NotFound where there is none that the caller may know of.

        That takes one look at MongoDB, which does not tell a room that is not to be seen from one that does not exist.
        """
        room = self._registry.awake(name)
        if caller is not None and caller.scope is not None and not caller.scope.covers(name):
            raise NotFound("There is no such room.")
        if room is not None and self._knows(room, caller):
            return room
        person = caller.id if caller is not None else ""
        desks = self._agents.desks_of(caller.account) if caller is not None else ()
        rules_all = caller is not None and caller.admin
        is_known = await self._registry.is_known(name, person, rules_all=rules_all, desks=desks)
        if room is not None or not is_known:
            raise NotFound("There is no such room.")
        return await self._registry.find(name)

    # What one may do in a room

    def rights(self, room: Room, caller: Caller | None) -> Rights:
        if caller is None:
            return Rights(read=room.policy.access == "open" and self._guests != "no")
        policy = room.policy
        rights = policy.rights(caller, _now())
        if policy.desk:
            if not self._agents.has(policy.desk, caller.account):
                return rights  # of its visitor, if anybody's: a desk is for guests whatever else is
            may_write = not policy.read_only and (caller.scope is None or caller.scope.write)
            return Rights(read=True, write=may_write)
        if self._guests == "read" and not caller.account:
            return Rights(read=rights.read)
        return rights

    def may_read(self, room: Room, caller: Caller | None) -> None:
        """Raises NotFound for a room that one may not see, Forbidden for one that one is banned from."""
        if room.plain and (caller.scope is None if caller is not None else self._guests != "no"):
            return
        if caller is not None and caller.scope is not None and not caller.scope.covers(room.key):
            raise NotFound("There is no such room.")
        if not self.rights(room, caller).read:
            raise self._why_unread(room, caller)
        if room.over:
            raise Unavailable("This room is just being closed; try again in a moment.", retry_after=1)

    def _why_unread(self, room: Room, caller: Caller | None) -> ChatError:
        if room.policy.access != "open":
            return NotFound("There is no such room.")
        if caller is None:
            return Unauthenticated(SIGN_IN)
        ban = room.policy.ban_of(caller, _now())
        if ban is None:  # it has just ended
            return Forbidden("You are no longer allowed in this room.", retry_after=1)
        left = left_of(ban.until, _now())
        if ban.kick:
            return Forbidden(f"You were put out of this room{ban.why}; come back in a moment.", retry_after=left)
        return Forbidden(ban.sentence("You are banned from this room"), retry_after=left)

    def may_change(self, room: Room, caller: Caller, change: Change | None = None) -> None:
        """Raises ChatError for one who may not write in the room now; `change` is what is to be written, if anything
        is."""
        if room.plain and caller.scope is None and (caller.account or self._guests == "yes"):
            return
        if room.over:
            raise NotFound("There is no such room.")
        self.may_read(room, caller)
        if change is not None and room.knows(change.key):
            return  # it is stored already, or is just being stored, and its sender is told so
        policy, rights = room.policy, self.rights(room, caller)
        if not rights.write:
            raise Forbidden(self._why_not(room, caller))
        if rights.moderate:
            return
        mute = policy.mute_of(caller, _now())
        if mute is not None:
            raise Forbidden(mute.sentence("You are muted in this room"), retry_after=left_of(mute.until, _now()))
        if policy.locked:
            raise Forbidden("The room is locked: only its moderators write at the moment.")
        if policy.slow and isinstance(change, Send) and self._kinds.is_paced(change.kind):
            wait = room.pace.wait(caller.id, policy.slow, change.key)
            if wait > 0:
                raise SlowDown(f"Slow mode: one message every {policy.slow} seconds here.", retry_after=wait)

    def may_send_kind(self, room: Room, caller: Caller, kind: str) -> bool:
        """Whether that kind is for them, if they may write here at all. In a room that nobody owns all are for all."""
        known = self._kinds.get(kind) if kind != "text" else None
        if known is None or not known.for_moderators or not room.policy.owners:
            return True
        return self.rights(room, caller).moderate

    def may_tell(self, room: Room, caller: Caller, what: Passing) -> None:
        """Raises ChatError for one who may not tell the others here that they type, point or have read; who is muted
        does neither type nor point."""
        if isinstance(what, Signal):
            self._rates.signal(caller)
            self._kinds.check(what.kind, what.data)
        else:
            self._rates.passing(caller)
        if isinstance(what, Read):
            self.may_read(room, caller)
        else:
            self.may_change(room, caller)

    def _why_not(self, room: Room, caller: Caller) -> str:
        if caller.scope is not None and not caller.scope.write:
            return "This token may only read."
        if self._guests == "read" and not caller.account:
            return "Guests may only read here: register, or sign in with a password."
        return "This room is for reading: only its moderators write."

    def is_banned(self, room: Room, caller: Caller) -> bool:
        return room.policy.ban_of(caller, _now()) is not None

    def _knows(self, room: Room, caller: Caller | None) -> bool:
        """Whether the caller may know that the room exists."""
        rights = self.rights(room, caller)
        return room.policy.access == "open" or rights.read or rights.own

    def _seen(self, room: Room, caller: Caller | None) -> Rights:
        """The rights in a room whose settings the caller may see; raises NotFound, Forbidden for others."""
        rights = self.rights(room, caller)
        if not rights.own:
            self.may_read(room, caller)
        return rights

    def may_look(self, caller: Caller | None) -> None:
        """Raises Unauthenticated for nobody where guests are not let in: the rooms are not for them to see."""
        if caller is None and self._guests == "no":
            raise Unauthenticated(SIGN_IN)

    def may_make(self, caller: Caller) -> bool:
        """Whether a visit of theirs makes a room."""
        return caller.scope is None and (bool(caller.account) or self._guests == "yes")

    # Losing rights

    def enforce(self, room: Room) -> None:
        """Puts out whoever is in the room and may not be there any more."""
        for waiter in room.waiters():
            if not self.rights(room, waiter.caller).read:
                error = self._why_unread(room, waiter.caller)
                left = error if isinstance(error, Forbidden) else Forbidden("You are no longer allowed in this room.")
                waiter.lose(room, left)
        for user in room.lingering():
            if not self.rights(room, Caller(user=user, account="" if user.guest else user.id)).read:
                room.put_out(user)


def _now() -> int:
    return int(time.time() * 1000)
