"""Moderation: what moderators do about the people and the messages of a room."""

import asyncio
import re
import uuid
from contextlib import suppress
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from chat import tasks
from chat.access import Access
from chat.admission import there
from chat.audit import Act, Audit, Detail
from chat.callers import Caller
from chat.changes import Changes
from chat.entries import Author
from chat.errors import BadRequest, Forbidden, NotFound
from chat.gently import gently
from chat.limits import ModerationLimits
from chat.names import reason_text
from chat.pending import Stored
from chat.people import People
from chat.policy import FOREVER, Member, Policy, Role, Sanction, Sanctions
from chat.protocol import SEQ_LIMIT, Change, Delete
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.room import Room
from chat.sanctions import Kind, imposed, lifted, without_expired, without_member
from chat.times import now
from chat.whereabouts import Whereabouts

RANKS: dict[Role, int] = {"member": 1, "moderator": 2, "owner": 3}
ADMINISTRATOR = 4
LONGEST = 100 * 365 * 86_400  # seconds; what is meant for ever says 0
SHOWN_ACTS = 100
SPARED = 1_000  # guests of one address that its ban is not for, the last heard of; they stand in the room's rules

_GUEST = re.compile(r"[gb]-[0-9a-z]{1,40}")

Seconds = Annotated[int, Meta(ge=0, le=LONGEST)]


class Named(Protocol):
    """An account, by the name that others see."""

    @property
    def id(self) -> str: ...
    @property
    def shown(self) -> str: ...
    @property
    def admin(self) -> bool: ...


class Accounts(Protocol):
    """Where accounts are found."""

    async def by_id(self, id: str) -> Named | None: ...


class Ruling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a moderator does: `remove` the message `seq`, or something about `who`, for so many `seconds` (0: for ever).

    With `address` a guest is muted or banned by their address as well, for a bounded time.
    """

    act: Literal["mute", "unmute", "kick", "ban", "unban", "remove"]
    who: str = ""
    seconds: Seconds = FOREVER
    reason: str = ""
    seq: Annotated[int, Meta(ge=0, le=SEQ_LIMIT)] = 0
    address: bool = True


class SanctionFacts(msgspec.Struct, frozen=True):
    """A mute or a ban as moderators see it."""

    id: str
    name: str
    until: int
    reason: str


class ModerationFacts(msgspec.Struct, frozen=True):
    """What holds in a room now, and the acts of the last time."""

    mutes: list[SanctionFacts]
    bans: list[SanctionFacts]
    acts: list[Act]


class Moderation:
    """Carries out what moderators decide. Each act is in the audit log before it is done."""

    def __init__(
        self,
        *,
        registry: RoomRegistry,
        access: Access,
        accounts: Accounts,
        changes: Changes,
        audit: Audit,
        people: People,
        rates: Rates,
        whereabouts: Whereabouts,
        limits: ModerationLimits,
    ) -> None:
        self._registry = registry
        self._access = access
        self._accounts = accounts
        self._changes = changes
        self._audit = audit
        self._people = people
        self._rates = rates
        self._whereabouts = whereabouts
        self._limits = limits
        self._removing: dict[tuple[str, str], asyncio.Future[Stored]] = {}
        """What is being removed of others, by the keys of the room and of the deletion."""

    async def facts(self, name: str, caller: Caller) -> ModerationFacts:
        """Raises ChatError for those who do not moderate the room."""
        room = await self._access.to_moderate(name, caller)
        acts = await self._audit.acts_in(room, SHOWN_ACTS)
        return ModerationFacts(_facts(room.policy.mutes), _facts(room.policy.bans), acts)

    async def rule(self, name: str, ruling: Ruling, caller: Caller) -> None:
        """Does what a moderator decides; raises ChatError, and then nothing is done."""
        self._rates.change(caller)
        room = await self._access.to_moderate(name, caller)
        ruling = msgspec.structs.replace(ruling, reason=reason_text(ruling.reason))
        if ruling.act == "remove":
            deletion = Delete(room=room.name, key=str(uuid.uuid4()), target=ruling.seq)
            await self._changes.look_up(room, deletion)
            await self._changes.finished(room, self.begin(room, caller, deletion, ruling.reason))
            return
        target = await self._person(room, ruling.who)
        kind: Kind = "mutes" if ruling.act in ("mute", "unmute") else "bans"
        if ruling.act in ("unmute", "unban"):
            await self._lift(room, caller, ruling, target, kind)
        else:
            await self._impose(room, caller, ruling, target, kind)

    # Messages

    def begin(self, room: Room, caller: Caller, change: Change, reason: str = "") -> "asyncio.Future[Stored]":
        """As `Changes.begin`; a moderator may delete what others wrote, and that is an act of moderation."""
        removing = self._removing.get((room.key, change.key))
        if removing is not None:
            return removing
        if isinstance(change, Delete) and not room.knows(change.key) and self._access.rights(room, caller).moderate:
            message = room.tail.entry_at(change.target)
            if message is not None and message.user.id != caller.user.id:
                return self._begin_removing(room, caller, change, there(message, change.target).user, reason)
        return self._changes.begin(room, caller.user, change)

    def _begin_removing(
        self, room: Room, caller: Caller, change: Delete, author: Author, reason: str
    ) -> "asyncio.Future[Stored]":
        details: dict[str, Detail] = {"seq": change.target, "reason": reason} if reason else {"seq": change.target}

        async def remove() -> Stored:
            async with self._audit.noted(caller, "remove", room=room, target=author, **details):
                return await self._changes.make(room, caller.user, change, over_others=True)

        mark = (room.key, change.key)
        task = self._removing[mark] = tasks.begin(remove())
        task.add_done_callback(lambda done: self._removing.pop(mark))
        return task

    # People

    async def _impose(self, room: Room, caller: Caller, ruling: Ruling, target: Author, kind: Kind) -> None:
        sanctions = self._sanctions(ruling, target)
        is_admin = await self._is_administrator(target.id)

        def amend(policy: Policy) -> Policy:
            self._check_rank(policy, caller, target, is_admin, ruling.act)
            ban = policy.bans.get(target.id)
            if ruling.act == "kick" and ban is not None and ban.holds(now()) and not ban.kick:
                raise BadRequest(f"{target.name} is banned from this room, and stays so.")
            if kind == "bans" and (ruling.act == "ban" or policy.access != "open"):
                policy = without_member(policy, target.id)
            return imposed(policy, kind, sanctions, now(), self._limits.sanctions_limit)

        amend(room.policy)  # what is not allowed is not noted either
        details: dict[str, Detail] = {"reason": ruling.reason} if ruling.reason else {}
        if ruling.act != "kick":
            details["until"] = sanctions[target.id].until
        async with self._audit.noted(caller, ruling.act, room=room, target=target, **details):
            await self._registry.govern(room, amend)

    async def _lift(self, room: Room, caller: Caller, ruling: Ruling, target: Author, kind: Kind) -> None:
        def amend(policy: Policy) -> Policy:
            return lifted(policy, kind, target.id, now())

        amend(room.policy)
        async with self._audit.noted(caller, ruling.act, room=room, target=target):
            await self._registry.govern(room, amend)

    def _sanctions(self, ruling: Ruling, target: Author) -> Sanctions:
        """For somebody; and for a guest's address for a bounded time, so that a new name helps nothing, but not for
        the guests from there who were heard of before."""
        at, kick = now(), ruling.act == "kick"
        seconds = self._limits.kick_time if kick else ruling.seconds
        until = at + int(seconds * 1000) if seconds or kick else FOREVER
        own = Sanction(target.name, until, ruling.reason, kick)
        heard = self._whereabouts.of(target.id) if ruling.address and not kick else None
        if heard is None:
            return {target.id: own}
        place = heard.place
        longest = at + int(self._limits.address_sanction * 1000)
        bounded = longest if until == FOREVER else min(until, longest)
        spares = tuple(guest for guest in self._whereabouts.at(place) if guest != target.id)[-SPARED:]
        shared = Sanction(target.name, bounded, ruling.reason, of=target.id, spares=spares)
        return {target.id: own, place: shared}

    def _check_rank(self, policy: Policy, caller: Caller, target: Author, is_admin: bool, act: str) -> None:
        """Nobody rules over themselves, nor over those who have as much to say."""
        if target.id in (caller.id, caller.user.id):
            raise Forbidden(f"One cannot {act} oneself.")
        if is_admin:
            raise Forbidden(f"{target.name} is an administrator of this server.")
        role = policy.role(caller)
        own = ADMINISTRATOR if caller.admin else RANKS[role] if role else 0
        member: Member | None = policy.members.get(target.id)
        if member is None:
            return
        if RANKS[member.role] >= own:
            raise Forbidden(f"{target.name} is {_a(member.role)} of this room.")
        if act == "mute" and member.role != "member":
            raise Forbidden(f"{target.name} is {_a(member.role)} of this room: make them a member first.")

    async def _is_administrator(self, who: str) -> bool:
        account = await self._accounts.by_id(who) if who.startswith("a-") else None
        return account is not None and account.admin

    async def _person(self, room: Room, who: str) -> Author:
        """Whom an id means; raises NotFound, BadRequest."""
        if not who:
            raise BadRequest("who is missing.")
        known = room.policy.members.get(who) or room.policy.mutes.get(who) or room.policy.bans.get(who)
        if known is not None and not who.startswith("ip-"):
            return Author(who, known.name)
        author = room.author(who)
        if author is not None:
            return author
        account = await self._accounts.by_id(who) if who.startswith("a-") else None
        if account is not None:
            return Author(account.id, account.shown)
        user = self._people.find(who) or self._whereabouts.of(who)
        if user is not None or _GUEST.fullmatch(who):  # one who has been here, and whose name nobody may remember
            return Author(who, user.name if user else who)
        raise NotFound("There is no such person.")

    # Time

    async def drop_expired(self) -> None:
        """Forgets the mutes and bans that are over, of the rooms that are awake; raises Unavailable."""
        at = now()
        async for room in gently(self._registry):
            if without_expired(room.policy, at) is not room.policy:
                with suppress(NotFound):  # it has just been deleted
                    await self._registry.govern(room, lambda policy: without_expired(policy, at))


def _a(role: Role) -> str:
    return "an owner" if role == "owner" else f"a {role}"


def _facts(sanctions: Sanctions) -> list[SanctionFacts]:
    at = now()
    return [
        SanctionFacts(id, sanction.name, sanction.until, sanction.reason)
        for id, sanction in sanctions.items()
        if sanction.holds(at) and not sanction.of and not sanction.kick
    ]
