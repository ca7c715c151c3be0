"""Profiles: what people change about their accounts, up to deleting them."""

import asyncio
import re
from contextlib import suppress
from typing import Any

import msgspec

from chat.accounts import Account, Accounts
from chat.bots import Bots
from chat.callers import Caller, Whom
from chat.claims import Claims
from chat.departures import Departures
from chat.entrance import Entrance
from chat.erasure import Erasure
from chat.errors import BadRequest, NameTaken, NotFound
from chat.names import email_address, person_name, status_line
from chat.passwords import Passwords
from chat.pictures import Picture, Pictures, picture
from chat.rates import Rates
from chat.sessions import Origin

_COLOUR = re.compile(r"#[0-9a-f]{6}")


class ProfileChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed; what is not given stays. `name` and `email` need the password."""

    name: str | None = None
    display: str | None = None
    colour: str | None = None
    status: str | None = None
    picture: str | None = None
    email: str | None = None
    password: str = ""


class Profiles:
    """Changes accounts in the store and lets sessions and connections know. `picture_limit` is in bytes."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        bots: Bots,
        claims: Claims,
        departures: Departures,
        entrance: Entrance,
        erasure: Erasure,
        passwords: Passwords,
        pictures: Pictures,
        rates: Rates,
        picture_limit: int,
    ) -> None:
        self._accounts = accounts
        self._bots = bots
        self._claims = claims
        self._departures = departures
        self._entrance = entrance
        self._erasure = erasure
        self._passwords = passwords
        self._pictures = pictures
        self._rates = rates
        self.picture_limit = picture_limit
        self._naming = asyncio.Lock()

    async def change(self, account: Account, wanted: ProfileChange, caller: Caller, origin: Origin) -> Account:
        """The account as it is then; raises Unauthenticated for a wrong password, BadRequest, NameTaken, TooLarge,
        RateLimited, Unavailable, and then changes nothing."""
        fields, portrait = self._checked(wanted)
        if wanted.name is not None or wanted.email is not None:
            await self._entrance.confirm(account, wanted.password, origin)
        if portrait is not None:
            self._rates.picture(caller)
            await self._pictures.keep(account.id, portrait)
        if not fields:
            return account
        if "name" in fields or "display" in fields:
            changed = await self._rename(account, fields, caller)
        else:
            changed = await self._accounts.change(account, **fields)
        if not changed.picture and account.picture:
            await self._pictures.remove(account.id)
        self._tell(account, changed)
        return changed

    def _checked(self, wanted: ProfileChange) -> tuple[dict[str, Any], Picture | None]:
        """The fields to be stored, and the picture if there is a new one; raises BadRequest, TooLarge."""
        fields: dict[str, Any] = {}
        portrait = None
        if wanted.name is not None:
            fields["name"] = person_name(wanted.name)
        if wanted.display is not None:
            fields["display"] = person_name(wanted.display) if wanted.display.strip() else ""
        if wanted.colour is not None:
            fields["colour"] = _colour(wanted.colour)
        if wanted.status is not None:
            fields["status"] = status_line(wanted.status)
        if wanted.email is not None:
            fields["email"] = email_address(wanted.email)
        if wanted.picture is not None:
            portrait = picture(wanted.picture, self.picture_limit) if wanted.picture else None
            fields["picture"] = portrait.hash if portrait else ""
        return fields, portrait

    async def _rename(self, account: Account, fields: dict[str, Any], caller: Caller) -> Account:
        """The old names stay the account's until the new ones are stored; from the first moment on both are."""
        async with self._naming:
            account = await self._accounts.by_id(account.id) or account
            renamed = msgspec.structs.replace(account, **fields)
            for name in renamed.names:
                if name:
                    self._entrance.check_free(name, caller, account.id)
            self._claims.take(account.id, {*account.names, *renamed.names})
            try:
                changed = await self._accounts.change(account, **fields)
            except NameTaken:
                self._claims.take(account.id, account.names)
                raise
            self._claims.take(account.id, changed.names)
            return changed

    def _tell(self, before: Account, after: Account) -> None:
        """Sessions have the new name at once; connections come back with it."""
        recalled = Whom(account=after.id, bots=False) if before.shown != after.shown else None
        self._departures.update(after, recalled)

    async def change_password(self, account: Account, old: str, new: str, caller: Caller, origin: Origin) -> None:
        """All sessions but the caller's end; raises Unauthenticated for a wrong old password, BadRequest,
        RateLimited, Unavailable."""
        self._passwords.check(new)
        await self._entrance.confirm(account, old, origin)
        await self._accounts.change(account, password=await self._passwords.hash(new))
        await self._departures.end_all(account.id, but=caller.session)

    async def delete(self, account: Account, password: str, *, messages: bool, origin: Origin) -> None:
        """The account is gone, with its sessions, its bots and its picture; with `messages` these go too, soon.

        Raises Unauthenticated for a wrong password, Forbidden for the only administrator, RateLimited, Unavailable.
        """
        await self._entrance.confirm(account, password, origin)
        async with self._accounts.administrating:
            await self._accounts.check_not_last(account)
            await self.remove(account, messages=messages)

    async def remove(self, account: Account, *, messages: bool) -> None:
        """As `delete`, decided by somebody who may."""
        for bot in await self._bots.of(account.id):
            with suppress(NotFound):
                await self._departures.remove_bot(account.id, bot.id)
            self._claims.release(bot.id)
        await self._accounts.delete(account.id, messages=messages)
        await self._departures.put_out(account.id)
        await self._pictures.remove(account.id)
        self._claims.release(account.id)
        self._erasure.begin(account.id)


def _colour(text: str) -> str:
    colour = text.strip().lower()
    if colour and not _COLOUR.fullmatch(colour):
        raise BadRequest("A colour is written like #1a2b3c.")
    return colour
