"""Administration: what administrators do about accounts, addresses and rooms of the whole server."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chat.accounts import Account, Accounts
from chat.addresses import address_range, place_of
from chat.audit import Audit, Detail
from chat.bans import Bans
from chat.callers import Caller, Whom
from chat.departures import Departures
from chat.entries import Author
from chat.errors import BadRequest, Forbidden, NotFound
from chat.history import History
from chat.moderation import Seconds
from chat.names import reason_text, room_key
from chat.policy import FOREVER, Kind
from chat.profiles import Profiles
from chat.registry import RoomRegistry
from chat.whereabouts import Whereabouts


class Decree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done to an account; a ban is for so many `seconds`, 0 for ever."""

    act: Literal["ban", "unban", "sign_out", "make_admin", "unmake_admin", "delete"]
    seconds: Seconds = FOREVER
    reason: str = ""
    messages: Literal["keep", "delete"] = "keep"


class NewRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A range of addresses that is to be banned."""

    range: Annotated[str, Meta(max_length=64)]
    seconds: Seconds = FOREVER
    reason: str = ""


class BanFacts(msgspec.Struct, frozen=True):
    """The ban of an account: until when (0: for ever), and why."""

    until: int
    reason: str


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An account as administrators see it."""

    id: str
    name: str
    display: str
    email: str
    admin: bool
    made: int
    seen: int
    banned: BanFacts | None


class RangeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A banned range of addresses as administrators see it."""

    range: str
    until: int
    reason: str
    at: int
    by: Author


class RoomSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A room as administrators see it: what it is, and how much there is in it, but nothing of what is said."""

    name: str
    title: str
    access: Kind
    read_only: bool
    locked: bool
    members: int
    people: int
    entries: int
    made: int
    active: int | None


class Administration:
    """Carries out what administrators decide. Each act is in the audit log before it is done."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        audit: Audit,
        bans: Bans,
        departures: Departures,
        history: History,
        profiles: Profiles,
        registry: RoomRegistry,
        whereabouts: Whereabouts,
    ) -> None:
        self._accounts = accounts
        self._audit = audit
        self._bans = bans
        self._departures = departures
        self._history = history
        self._profiles = profiles
        self._registry = registry
        self._whereabouts = whereabouts

    # Accounts

    async def people(self, find: str, *, after: str, limit: int) -> list[AccountFacts]:
        """The accounts by their names; raises Unavailable."""
        return [self._facts(account) for account in await self._accounts.page(find, after=after, limit=limit)]

    def _facts(self, account: Account) -> AccountFacts:
        ban = self._bans.of_account(account.id)
        return AccountFacts(
            id=account.id,
            name=account.name,
            display=account.display,
            email=account.email,
            admin=account.admin,
            made=account.made,
            seen=account.seen,
            banned=BanFacts(ban.until, ban.reason) if ban else None,
        )

    async def decree(self, id: str, decree: Decree, caller: Caller) -> None:
        """Does something to an account; raises ChatError, and then nothing is done.

        Nobody bans or deletes an administrator, themselves included: that has to be taken from them first. To ban a
        guest is to ban their address, as they are nothing but that and a name.
        """
        async with self._accounts.administrating:
            account = await self._accounts.by_id(id)
            if account is None:
                await self._decree_guest(id, decree, caller)
                return
            await self._check(account, decree)
            details: dict[str, Detail] = {"reason": reason_text(decree.reason)} if decree.reason else {}
            if decree.act == "ban":
                details["seconds"] = decree.seconds
            elif decree.act == "delete":
                details["messages"] = decree.messages
            target = Author(account.id, account.name)
            async with self._audit.noted(caller, f"account_{decree.act}", room=None, target=target, **details):
                await self._do(account, decree, caller)

    async def _decree_guest(self, id: str, decree: Decree, caller: Caller) -> None:
        heard = self._whereabouts.of(id)
        if heard is None:
            raise NotFound("There is no such account.")
        if decree.act != "ban":
            raise BadRequest(f"{heard.name} is a guest: they can be banned, and nothing else.")
        wanted = NewRange(place_of(heard.address), decree.seconds, decree.reason)
        await self.ban_range(wanted, caller, target=Author(id, heard.name))

    async def _check(self, account: Account, decree: Decree) -> None:
        if decree.act in ("ban", "delete") and account.admin:
            raise Forbidden(f"{account.name} is an administrator: take that from them first.")
        if decree.act == "unban" and self._bans.of_account(account.id) is None:
            raise NotFound("They are not banned.")
        if decree.act == "make_admin" and self._bans.of_account(account.id) is not None:
            raise Forbidden(f"{account.name} is banned: lift that first.")
        if decree.act == "unmake_admin":
            await self._accounts.check_not_last(account)

    async def _do(self, account: Account, decree: Decree, caller: Caller) -> None:
        match decree.act:
            case "ban":
                target, reason = Author(account.id, account.name), reason_text(decree.reason)
                await self._bans.ban_account(target, caller.user.author, seconds=decree.seconds, reason=reason)
                await self._departures.put_out(account.id)
            case "unban":
                await self._bans.lift(account.id)
            case "sign_out":
                await self._departures.end_all(account.id)
            case "make_admin" | "unmake_admin":
                changed = await self._accounts.change(account, admin=decree.act == "make_admin")
                self._departures.update(changed, Whom(account=account.id))
            case "delete":
                await self._profiles.remove(account, messages=decree.messages == "delete")

    # Addresses

    def ranges(self) -> list[RangeFacts]:
        """The banned ranges of addresses, the latest first."""
        return [
            RangeFacts(range=ban.id, until=ban.until, reason=ban.reason, at=ban.at, by=ban.by)
            for ban in self._bans.ranges()
        ]

    async def ban_range(self, wanted: NewRange, caller: Caller, *, target: Author | None = None) -> None:
        """Nobody from there is answered any more; raises BadRequest, Unavailable, Forbidden for one's own address."""
        where, reason = address_range(wanted.range), reason_text(wanted.reason)
        if caller.address in where:
            raise Forbidden("Your own address is in that range: you would lock yourself out.")
        details: dict[str, Detail] = {"range": where.text, "seconds": wanted.seconds}
        details |= {"reason": reason} if reason else {}
        async with self._audit.noted(caller, "address_ban", room=None, target=target, **details):
            await self._bans.ban_range(where.text, caller.user.author, seconds=wanted.seconds, reason=reason)

    async def lift_range(self, text: str, caller: Caller) -> None:
        """Ends the ban of exactly that range; raises NotFound, BadRequest, Unavailable."""
        where = address_range(text).text
        if all(ban.id != where for ban in self._bans.ranges()):
            raise NotFound("That range is not banned.")
        async with self._audit.noted(caller, "address_unban", range=where):
            await self._bans.lift_range(where)

    # Rooms

    async def rooms(self, find: str, *, after: str, limit: int) -> list[RoomSummary]:
        """The rooms by their names, direct conversations left out; raises Unavailable."""
        records = await self._history.rooms.page(room_key(find), after=room_key(after), limit=limit)
        ends = await self._history.ends_of([record.key for record in records])
        return [
            RoomSummary(
                name=record.name,
                title=record.title,
                access=record.policy.access,
                read_only=record.policy.read_only,
                locked=record.policy.locked,
                members=len(record.policy.members),
                people=self._registry.people_in(record.key),
                entries=ends.get(record.key, 0),
                made=record.made,
                active=record.active or None,
            )
            for record in records
        ]
