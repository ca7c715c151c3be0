"""/api/session: signing in, asking who one is, signing out."""

from collections.abc import Awaitable
from typing import Any

import msgspec

from handlers.account import account_answer
from handlers.base import ApiHandler
from handlers.identity import origin_of


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a sign-in; without a password that of a guest."""

    name: str
    password: str | None = None


class SessionHandler(ApiHandler):
    def prepare(self) -> Awaitable[None] | None:
        loading = super().prepare()
        return loading if self.sessions.host is None else self.after_host(loading)

    async def get(self) -> None:
        caller = self.caller()
        self.chat.people.check(caller.user)
        account: dict[str, Any] | None = None
        if caller.account and caller.scope is None:
            account = account_answer(await self.account(), self.link)
        self.answer({"user": caller.user, "account": account})

    async def post(self) -> None:
        wanted = self.read(SignIn)
        entrance = self.chat.identity.entrance
        caller, origin = self.known(), origin_of(self.request)
        if wanted.password is None:
            signed_in = entrance.guest(wanted.name, origin, caller)
        else:
            signed_in = await entrance.sign_in(wanted.name, wanted.password, origin, caller)
        self.sessions.set_cookie(self, signed_in.token)
        self.answer(signed_in)

    async def delete(self) -> None:
        caller = self.known()
        if caller is not None:
            await self.chat.identity.departures.sign_out(caller)
        self.sessions.clear_cookie(self)
        self.no_content()
