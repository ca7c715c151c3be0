"""Integrations: secret addresses by which other programs say something in one room, each under a name of its own.

An integration is a bot of whoever made it, that can do nothing but write in its room, and by its address alone.
"""

import uuid
from typing import Annotated

import msgspec
from msgspec import Meta

from chat.access import Access
from chat.addresses import address_key
from chat.audit import Audit
from chat.bans import Bans
from chat.bots import Bot
from chat.callers import Caller
from chat.database import mongo_errors
from chat.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from chat.identity import Identity
from chat.pending import Stored
from chat.protocol import Send
from chat.rates import Rates
from chat.room import Room
from chat.writing import Writing

# Names for keys that are no UUIDs: the same key of the same integration makes the same one (RFC 9562, section 5.5).
_KEYS = uuid.UUID("5f0c2b8e-6d0e-4b57-9d0c-3a1f7e4b2c60")


class NewIntegration(msgspec.Struct, forbid_unknown_fields=True):
    """The name under which it writes."""

    name: Annotated[str, Meta(min_length=1)]


class Integrations:
    """Makes, shows and revokes integrations, for those who moderate a room, and posts what comes by one.

    Every call raises ChatError, and Unavailable while MongoDB is away.
    """

    def __init__(
        self,
        *,
        access: Access,
        audit: Audit,
        bans: Bans,
        identity: Identity,
        rates: Rates,
        writing: Writing,
        limit: int,
    ) -> None:
        self._access = access
        self._audit = audit
        self._bans = bans
        self._identity = identity
        self._rates = rates
        self._writing = writing
        self._limit = limit

    async def make(self, name: str, wanted: NewIntegration, caller: Caller) -> tuple[Bot, str]:
        """It, and the token that its address ends with, which nobody is told again."""
        room = await self._room(name, caller)
        maker = await self._identity.accounts.by_id(caller.account) if caller.account else None
        if maker is None:
            raise Unauthenticated("An account is needed: register, or sign in with a password.")
        if len(await self._identity.bots.into(room.key, room.epoch)) >= self._limit:
            raise BadRequest(f"A room has at most {self._limit} integrations; revoke one first.")
        async with self._audit.noted(caller, "make_integration", room=room, name=wanted.name):
            return await self._identity.workshop.make_for_room(maker, wanted.name, room)

    async def of(self, name: str, caller: Caller) -> list[Bot]:
        """Those of a room, whoever made them."""
        room = await self._room(name, caller)
        return await self._identity.bots.into(room.key, room.epoch)

    async def revoke(self, name: str, id: str, caller: Caller) -> None:
        """Its address leads nowhere from now on."""
        room = await self._room(name, caller)
        for bot in await self._identity.bots.into(room.key, room.epoch):
            if bot.id == id:
                async with self._audit.noted(caller, "revoke_integration", room=room, name=bot.name):
                    await self._identity.workshop.remove(bot.maker, id)
                return
        raise NotFound("There is no such integration.")

    async def erase(self, room: str) -> None:
        """Revokes all of the room of that key."""
        async with mongo_errors():
            for bot in await self._identity.bots.into(room):
                await self._identity.workshop.remove(bot.maker, bot.id)

    async def _room(self, name: str, caller: Caller) -> Room:
        if caller.scope is not None:
            raise Forbidden("A bot's token is not for integrations.")
        return await self._access.to_moderate(name, caller)

    # What comes by them

    async def find(self, token: str, address: str) -> Bot:
        """Whose address ends with the token; raises NotFound, and RateLimited for one who tries too many.

        One wrong token counts once, however often it is used, and nothing keeps the right ones out: many programs of
        one machine write here, and one that goes on after it was revoked is no reason to turn away the others.
        """
        bot = await self._identity.bots.find(token)
        if bot is not None and bot.into and await self._identity.accounts.by_id(bot.maker) is not None:
            return bot
        if self._identity.tokens.is_new(token):
            self._identity.attempts.wrong(f"integration {address_key(address)}")
        raise NotFound("There is no such integration.")

    async def post(self, bot: Bot, message: Send, address: str) -> Stored:
        """Says something in its room, with the rights that its maker has there now."""
        self._bans.check_account(bot.maker)
        self._rates.integration(bot.id)
        caller = msgspec.structs.replace(bot.caller, address=address)
        _, stored = await self._writing.make(message, caller, epoch=bot.epoch)
        self._identity.bots.seen.note(bot.id, address)
        return stored


def key_of(bot: Bot, given: str) -> str:
    """The key of a message: a UUID as it is given, one made of another text, a new one for none."""
    if not given:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return str(uuid.uuid5(_KEYS, f"{bot.id} {given}"))
