"""Rooms as their owners see them: making them, and changing what they are like."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chat.access import Access
from chat.audit import Audit
from chat.callers import Caller
from chat.errors import BadRequest, Forbidden, Unauthenticated
from chat.lifetimes import Lifetimes
from chat.limits import RoomLimits
from chat.policy import Kind, Member, Policy, Rights, Role
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.room import Room, RoomRecord
from chat.times import now

Choice = Literal["open", "private", "link"]
Days = Annotated[int, Meta(ge=1, le=36_500)]
Lifetime = Literal["kept", "ephemeral"] | Days


class NewRoom(msgspec.Struct, forbid_unknown_fields=True):
    """What a new room is to be like."""

    name: str | None = None
    title: str | None = None
    access: Choice = "open"
    lifetime: Lifetime = "kept"
    read_only: bool = False


class NewSettings(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be different about a room; `slow` are seconds, 0 for none."""

    title: str | UnsetType = UNSET
    access: Choice | UnsetType = UNSET
    lifetime: Lifetime | UnsetType = UNSET
    read_only: bool | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    slow: Annotated[int, Meta(ge=0)] | UnsetType = UNSET

    @property
    def given(self) -> dict[str, Any]:
        """Those that are to be different, by their names."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name) is not UNSET}

    @property
    def is_moderation(self) -> bool:
        """Whether moderators may decide that."""
        return self.given.keys() <= {"locked", "slow"}


class RoomFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A room as one person sees it; `muted` is until when they are (FOREVER: without end), or None."""

    name: str
    title: str
    epoch: str
    seq: int
    access: Kind
    lifetime: Lifetime
    read_only: bool
    locked: bool
    slow: int
    role: Role | None
    rights: Rights
    muted: int | None
    members_count: int


class Rooms:
    """Makes rooms and changes them, for those who may."""

    def __init__(
        self,
        *,
        registry: RoomRegistry,
        access: Access,
        lifetimes: Lifetimes,
        audit: Audit,
        rates: Rates,
        limits: RoomLimits,
    ) -> None:
        self._registry = registry
        self._access = access
        self._lifetimes = lifetimes
        self._audit = audit
        self._rates = rates
        self._limits = limits
        registry.watch(_tell)

    def facts(self, room: Room, caller: Caller | None) -> RoomFacts:
        policy = room.policy
        return RoomFacts(
            name=room.name,
            title=room.title,
            epoch=room.epoch,
            seq=room.seq,
            access=policy.access,
            lifetime=lifetime_of(policy),
            read_only=policy.read_only,
            locked=policy.locked,
            slow=policy.slow,
            role=policy.role(caller) if caller else None,
            rights=self._access.rights(room, caller),
            muted=_muted(policy, caller),
            members_count=len(policy.members),
        )

    async def make(self, wanted: NewRoom, caller: Caller) -> Room:
        """A new room, whose owner the caller is; raises ChatError."""
        await self._check_maker(wanted, caller)
        self._rates.make_room(caller)
        own = {} if caller.passing else {caller.id: Member(caller.user.name, "owner")}
        policy = Policy(access=wanted.access, members=own, read_only=wanted.read_only)
        return await self._registry.make(wanted.name, wanted.title, _lasting(policy, wanted.lifetime))

    async def _check_maker(self, wanted: NewRoom, caller: Caller) -> None:
        if caller.scope is not None:
            raise Forbidden("A bot makes no rooms.")
        if not self._access.may_make(caller):
            raise Forbidden("Guests make no rooms here: register, or sign in with a password.")
        if caller.passing:
            if NewRoom(wanted.name, wanted.title) != wanted:
                raise Unauthenticated("Sign in first: a room with rules of its own needs somebody to own it.")
            return  # a guest without a session owns nothing
        _check_access(wanted.access, caller)
        rooms = await self._registry.rooms_of(caller.id, self._limits.memberships_limit)
        if len(rooms) >= self._limits.memberships_limit:
            raise Forbidden(f"You belong to {len(rooms)} rooms already: leave one first.")
        owned = sum(record.policy.role(caller) == "owner" for record in rooms)
        if owned >= self._limits.rooms_per_person:
            raise Forbidden(f"You own {owned} rooms already: delete one first.")

    async def change(self, name: str, wanted: NewSettings, caller: Caller) -> Room:
        """The room with other settings; who may not be in it any more is out. Raises ChatError."""
        room = await (self._access.to_moderate if wanted.is_moderation else self._access.to_own)(name, caller)
        if wanted.slow is not UNSET and wanted.slow > self._limits.slow_limit:
            raise BadRequest(f"Slow mode lets people write every {self._limits.slow_limit} seconds at least.")
        if wanted.access is not UNSET:
            _check_access(wanted.access, caller)
        if not wanted.given:
            return room
        title = None if wanted.title is UNSET else wanted.title
        async with self._audit.noted(caller, "settings", room=room, **wanted.given):
            await self._registry.govern(room, lambda policy: _changed(policy, wanted, caller), title=title)
        return room

    async def delete(self, name: str, caller: Caller) -> None:
        """Nobody is in the room any more, and nothing is left of it; raises ChatError."""
        room = await self._access.to_own(name, caller)
        async with self._audit.noted(caller, "delete_room", room=room):
            await self._lifetimes.delete(room)


def _muted(policy: Policy, caller: Caller | None) -> int | None:
    mute = policy.mute_of(caller, now()) if caller is not None else None
    return mute.until if mute is not None else None


def lifetime_of(policy: Policy) -> Lifetime:
    return "ephemeral" if policy.ephemeral else policy.days or "kept"


def _lasting(policy: Policy, lifetime: Lifetime) -> Policy:
    days = lifetime if isinstance(lifetime, int) else 0
    return msgspec.structs.replace(policy, days=days, ephemeral=lifetime == "ephemeral")


def _check_access(access: Choice, caller: Caller) -> None:
    if access == "private" and not caller.account:
        raise Forbidden("Who owns a private room has an account: register, or make one that is joined by a link.")


def _changed(policy: Policy, wanted: NewSettings, caller: Caller) -> Policy:
    given = {name: value for name, value in wanted.given.items() if name not in ("title", "lifetime")}
    changed = msgspec.structs.replace(policy, **given)
    if wanted.lifetime is not UNSET:
        changed = _lasting(changed, wanted.lifetime)
    if policy.access == "open" != changed.access and not policy.owners:
        # An administrator closes a room that nobody owned; nobody could ever enter it.
        owner = Member(caller.user.name, "owner")
        changed = msgspec.structs.replace(changed, members={**policy.members, caller.id: owner})
    return changed


def _tell(room: Room, before: RoomRecord) -> None:
    """Tells those in a room of its new settings."""
    if _shown(room.record) != _shown(before):
        room.tell_settings()


def _shown(record: RoomRecord) -> tuple[object, ...]:
    policy = record.policy
    return record.title, policy.access, policy.read_only, policy.locked, policy.slow
