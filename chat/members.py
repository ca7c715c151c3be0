"""Members: who belongs to a room, and who decides about that."""

import contextlib
from collections.abc import Callable

import msgspec

from chat.access import Access
from chat.accounts import Accounts
from chat.audit import Audit
from chat.callers import Caller
from chat.entries import Author
from chat.errors import Forbidden, NotFound
from chat.lifetimes import Lifetimes
from chat.limits import RoomLimits
from chat.policy import Member, Policy, Role
from chat.registry import RoomRegistry
from chat.room import Room
from chat.times import now

RANKS: dict[Role, int] = {"owner": 0, "moderator": 1, "member": 2}


class MemberFacts(msgspec.Struct, frozen=True):
    """A member as others see them."""

    id: str
    name: str
    role: Role


class Members:
    """Lets people into rooms, gives them roles, and lets them go."""

    def __init__(
        self,
        *,
        registry: RoomRegistry,
        access: Access,
        accounts: Accounts,
        lifetimes: Lifetimes,
        audit: Audit,
        limits: RoomLimits,
    ) -> None:
        self._registry = registry
        self._access = access
        self._accounts = accounts
        self._lifetimes = lifetimes
        self._audit = audit
        self._limits = limits

    async def of(self, name: str, caller: Caller | None) -> list[MemberFacts]:
        """The members of a room that the caller may see, by their roles; raises ChatError."""
        members = (await self._access.to_see(name, caller)).policy.members
        names = await self._accounts.shown(list(members))  # as they are called now; guests keep theirs
        found = [MemberFacts(id, names.get(id, member.name), member.role) for id, member in members.items()]
        return sorted(found, key=lambda member: (RANKS[member.role], member.name.casefold()))

    async def account(self, who: str) -> Author:
        """The account of that id or that name; raises NotFound."""
        account = await self._accounts.by_id(who) or await self._accounts.by_name(who)
        if account is None:
            raise NotFound(f"There is no account called {who}.")
        return Author(account.id, account.shown)

    # Coming

    async def put(self, name: str, who: str, role: Role, caller: Caller) -> None:
        """Somebody has that role in a room from now on, whether or not they belonged to it before; raises ChatError.

        `who` is the id of a member or an account, or an account's name.
        """
        room = await self._access.to_moderate(name, caller)
        known = room.policy.members.get(who)
        person = Author(who, known.name) if known else await self.account(who)
        owns = self._access.rights(room, caller).own

        def amend(policy: Policy) -> Policy:
            before = policy.members.get(person.id)
            is_of_members = role == "member" and (before is None or before.role == "member")
            if not (owns or is_of_members or (role == "member" and person.id == caller.id)):
                raise Forbidden("Only an owner gives and takes roles in this room.")
            return self._with(policy, person, role)

        if person.id not in room.policy.members:
            await self.check_memberships(person)
        async with self._audit.noted(caller, "role", room=room, target=person, role=role):
            await self._registry.govern(room, amend)

    async def enter(self, room: Room, person: Author) -> None:
        """Somebody belongs to the room from now on; who did so before keeps their role. Raises Forbidden, NotFound,
        Unavailable."""
        await self.check_memberships(person)

        def amend(policy: Policy) -> Policy:
            return policy if person.id in policy.members else self._with(policy, person, "member")

        await self._registry.govern(room, amend)

    def _with(self, policy: Policy, person: Author, role: Role) -> Policy:
        before = policy.members.get(person.id)
        if before is None:
            if len(policy.members) >= self._limits.members_limit:
                raise Forbidden(f"This room has {len(policy.members)} members, as many as it can hold.")
            if policy.banned(person.id, now()) is not None:
                raise Forbidden(f"{person.name} is banned from this room; the ban has to be lifted first.")
        elif before.role == "owner" != role:
            _check_owners(policy, person.id)
        return msgspec.structs.replace(policy, members={**policy.members, person.id: Member(person.name, role)})

    async def check_memberships(self, person: Author) -> None:
        """Raises Forbidden for one who belongs to as many rooms as one can."""
        limit = self._limits.memberships_limit
        if len(await self._registry.rooms_of(person.id, limit)) >= limit:
            raise Forbidden(f"{person.name} belongs to {limit} rooms already, as many as one can.")

    # Going

    async def remove(self, name: str, who: str, caller: Caller) -> None:
        """Somebody belongs to a room no more; raises ChatError. `who` is as for `put`; one's own id means leaving."""
        room = await self._access.to_see(name, caller)
        known = room.policy.members.get(who)
        person = Author(who, known.name) if known else await self.account(who)
        if person.id == caller.id and caller.scope is None:
            await self._registry.govern(room, lambda policy: _left(policy, person.id))
            if room.policy.access == "direct":
                await self._delete_shut(room)
            return
        room = await self._access.to_moderate(name, caller)
        owns = self._access.rights(room, caller).own
        async with self._audit.noted(caller, "remove_member", room=room, target=person):
            await self._registry.govern(room, _removing(person.id, owns))

    async def forget(self, person: str) -> None:
        """Somebody is gone for good, and belongs to no room any more; raises Unavailable.

        A room that they alone owned has another owner, the first of its moderators or members; one that nobody can
        enter any more is deleted.
        """
        await self.hand_over(person, None)

    async def hand_over(self, guest: str, heir: Author | None) -> None:
        """As `forget`, of a guest; where an `heir` may come in their place, they do."""
        while rooms := await self._registry.rooms_of(guest, self._limits.memberships_limit):
            for record in rooms:
                with contextlib.suppress(NotFound):  # it has just been deleted
                    room = await self._registry.find(record.name)
                    await self._registry.govern(room, lambda policy: _orphaned(policy, guest, heir))
                    await self._delete_shut(room)

    async def _delete_shut(self, room: Room) -> None:
        """Deletes the room if nobody can enter it any more."""
        with contextlib.suppress(NotFound):  # somebody can, or it has just been deleted
            await self._lifetimes.delete(room, lambda room: room.policy.access != "open" and not room.policy.members)


def _without(policy: Policy, person: str) -> Policy:
    members = {id: member for id, member in policy.members.items() if id != person}
    return msgspec.structs.replace(policy, members=members, circle="")


def _check_owners(policy: Policy, person: str) -> None:
    if policy.owners == [person]:
        raise Forbidden("A room keeps an owner: make somebody else one first, or delete the room.")


def _check_member(policy: Policy, person: str) -> None:
    if person not in policy.members:
        raise NotFound("They do not belong to this room.")


def _left(policy: Policy, person: str) -> Policy:
    _check_member(policy, person)
    _check_owners(policy, person)
    if policy.circle and len(policy.members) <= 2:
        raise Forbidden("One cannot leave a conversation of two.")
    return _without(policy, person)


def _removing(person: str, owns: bool) -> Callable[[Policy], Policy]:
    def amend(policy: Policy) -> Policy:
        _check_member(policy, person)
        _check_owners(policy, person)
        if policy.members[person].role != "member" and not owns:
            raise Forbidden("Only an owner puts moderators and owners out of this room.")
        return _without(policy, person)

    return amend


def _orphaned(policy: Policy, person: str, heir: Author | None) -> Policy:
    rest = _without(policy, person)
    if heir is not None and policy.banned(heir.id, now()) is None:
        role = min(policy.members[person].role, _role(policy, heir.id), key=RANKS.__getitem__)
        return msgspec.structs.replace(rest, members=rest.members | {heir.id: Member(heir.name, role)})
    if policy.owners == [person] and rest.members:
        first = min(rest.members, key=lambda id: RANKS[rest.members[id].role])
        owner = msgspec.structs.replace(rest.members[first], role="owner")
        rest = msgspec.structs.replace(rest, members=rest.members | {first: owner})
    return rest


def _role(policy: Policy, who: str) -> Role:
    member = policy.members.get(who)
    return member.role if member else "member"
