"""/api/account: registering, and one's own account."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from chat.accounts import Account
from chat.profiles import ProfileChange
from handlers.base import ApiHandler
from handlers.identity import origin_of

# What a picture's bytes grow by as base64 in JSON, and the other fields beside it.
GROWTH, BESIDE = 4 / 3, 4096

# Makes a path of ours an address; see Handler.link.
Link = Callable[[str], str]


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    """The body that makes an account."""

    name: str
    password: str
    email: str = ""


class Deletion(msgspec.Struct, forbid_unknown_fields=True):
    """The body that deletes an account."""

    messages: Literal["keep", "delete"]
    password: str = ""


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """The body that changes a password."""

    new: str
    old: str = ""


class AccountHandler(ApiHandler):
    def body_limit(self) -> int:
        return max(super().body_limit(), int(self.chat.identity.profiles.picture_limit * GROWTH) + BESIDE)

    async def post(self) -> None:
        wanted = self.read(Registration)
        signed_in = await self.chat.identity.entrance.register(
            wanted.name, wanted.password, origin_of(self.request), email=wanted.email, caller=self.known()
        )
        self.sessions.set_cookie(self, signed_in.token)
        self.answer(signed_in, status=201)

    async def get(self) -> None:
        self.answer(account_answer(await self.account(), self.link))

    async def patch(self) -> None:
        account, wanted = await self.account(), self.read(ProfileChange)
        profiles, origin = self.chat.identity.profiles, origin_of(self.request)
        self.answer(account_answer(await profiles.change(account, wanted, self.caller(), origin), self.link))

    async def delete(self) -> None:
        account, wanted = await self.account(), self.read(Deletion)
        await self.chat.identity.profiles.delete(
            account, wanted.password, messages=wanted.messages == "delete", origin=origin_of(self.request)
        )
        self.sessions.clear_cookie(self)
        self.no_content()


class PasswordHandler(ApiHandler):
    async def post(self) -> None:
        account, wanted = await self.account(), self.read(NewPassword)
        await self.chat.identity.profiles.change_password(
            account, wanted.old, wanted.new, self.caller(), origin_of(self.request)
        )
        self.no_content()


def account_answer(account: Account, link: Link) -> dict[str, Any]:
    """An account as its owner sees it."""
    return {
        "id": account.id,
        "name": account.name,
        "display": account.display,
        "colour": account.colour,
        "status": account.status,
        "picture": picture_address(account, link),
        "email": account.email,
        "admin": account.admin,
        "password": bool(account.password),
        "made": account.made,
        "linked": [key.partition(" ")[0] for key in account.vouchers],
    }


def picture_address(account: Account, link: Link) -> str:
    """Where the account's picture is, or nothing if it has none; another picture has another address."""
    return link(f"/api/people/{account.id}/picture?v={account.picture}") if account.picture else ""
