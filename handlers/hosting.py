"""Parley within another site: those whom the site around knows are known here."""

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tornado.httputil import HTTPServerRequest

from chat.accounts import Account
from chat.chat import Chat
from chat.vouchers import Voucher

if TYPE_CHECKING:
    from handlers.base import Handler

Known = tuple[str, str] | None
Identify = Callable[[HTTPServerRequest], Known | Awaitable[Known]]
"""Who a request is from, as the site around has it: an id that stays theirs, and a name; None for nobody."""

# What the site around vouches for; no provider of sign-ins can have it as its address.
ISSUER = "host"


class Host:
    """The site around. Whom it names has an account here that belongs to that id alone, whatever the name is."""

    def __init__(self, identify: Identify, chat: Chat) -> None:
        self._identify = identify
        self._chat = chat

    @staticmethod
    def voucher(id: str, name: str = "") -> Voucher:
        return Voucher(issuer=ISSUER, subject=id, username=name)

    async def bring_in(self, handler: "Handler") -> None:
        """Signs in here whom the site around knows, and out who came by it and is known there no more.

        Who signed in here by themselves, while the site knows nobody, is left alone. Raises ChatError.
        """
        found = self._identify(handler.request)
        known = await found if inspect.isawaitable(found) else found
        caller = handler.known()
        account = await self._account(caller.account if caller else "")
        identity = self._chat.identity
        if known is None:
            if caller is not None and account is not None and _is_hosted(account):
                await identity.departures.sign_out(caller)
                handler.sessions.drop(handler)
            return
        voucher = self.voucher(*known)
        if account is not None and voucher.key in account.vouchers:
            return
        signed_in = await identity.vouched_entrance.come_in(voucher, handler.origin(), caller)
        await handler.sessions.adopt(handler, signed_in.token)

    async def _account(self, id: str) -> Account | None:
        return await self._chat.identity.accounts.by_id(id) if id else None


def _is_hosted(account: Account) -> bool:
    return any(voucher.startswith(f"{ISSUER} ") for voucher in account.vouchers)
