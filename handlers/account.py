"""/api/account: registering, and one's own account."""

from typing import Any

import msgspec

from chat.accounts import Account
from handlers.base import ApiHandler
from handlers.identity import origin_of


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes an account."""

    name: str
    password: str
    email: str = ""


class AccountHandler(ApiHandler):
    async def post(self) -> None:
        wanted = self.read(Registration)
        signed_in = await self.chat.identity.entrance.register(
            wanted.name, wanted.password, origin_of(self.request), email=wanted.email, caller=self.known()
        )
        self.sessions.set_cookie(self, signed_in.token)
        self.answer(signed_in, status=201)

    async def get(self) -> None:
        self.answer(account_answer(await self.account()))


def account_answer(account: Account) -> dict[str, Any]:
    """An account as its owner sees it."""
    return {
        "id": account.id,
        "name": account.name,
        "display": account.display,
        "colour": account.colour,
        "status": account.status,
        "picture": picture_address(account),
        "email": account.email,
        "admin": account.admin,
        "made": account.made,
    }


def picture_address(account: Account) -> str:
    """Where the account's picture is, or nothing if it has none; another picture has another address."""
    return f"/api/people/{account.id}/picture?v={account.picture}" if account.picture else ""
