"""The entrance for those whom a provider of sign-ins vouches for."""

from collections.abc import Iterator
from typing import Literal

from chat.accounts import Account, Accounts, new_account
from chat.bans import Bans
from chat.callers import Caller
from chat.entrance import Entrance, SignedIn
from chat.errors import BadRequest, Forbidden, NameTaken
from chat.names import email_address
from chat.sessions import Origin
from chat.vouchers import Voucher


class VouchedEntrance:
    """Lets in by a voucher. With `makes_accounts` the first one makes an account, else it must be linked before.

    Whose account it is follows from the issuer and its subject alone, never from a name or an e-mail address.
    """

    def __init__(
        self, accounts: Accounts, bans: Bans, entrance: Entrance, *, makes_accounts: Literal["yes", "no"]
    ) -> None:
        self._accounts = accounts
        self._bans = bans
        self._entrance = entrance
        self._makes_accounts = makes_accounts == "yes"

    async def come_in(self, voucher: Voucher, origin: Origin, caller: Caller | None = None) -> SignedIn:
        """A new session of the account that the voucher is for; raises Forbidden, NameTaken, Unavailable."""
        account = await self._accounts.by_voucher(voucher.key)
        if account is None:
            account = await self._make(voucher, caller)
        self._bans.check_account(account.id)
        return await self._entrance.let_in(account, origin, caller)

    async def link(self, voucher: Voucher, account: Account) -> None:
        """From now on the voucher lets into that account as well; raises Forbidden if it does into another."""
        if voucher.key in account.vouchers:
            return
        try:
            await self._accounts.change(account, vouchers=(*account.vouchers, voucher.key))
        except NameTaken:
            raise Forbidden("That sign-in belongs to another account already.") from None

    async def unlink(self, account: Account) -> None:
        """No voucher lets into the account any more; raises Forbidden if nothing else does."""
        if not account.password:
            raise Forbidden("Set a password first: nothing else would let you in any more.")
        await self._accounts.change(account, vouchers=())

    async def _make(self, voucher: Voucher, caller: Caller | None) -> Account:
        if not self._makes_accounts:
            raise Forbidden("No account here belongs to this sign-in. Sign in with your password and link it first.")
        for name in self._free_names(voucher, caller):
            account = new_account(name, "", email=_email(voucher), vouchers=(voucher.key,))
            try:
                return await self._entrance.store(account, caller)
            except NameTaken:  # just now; or the same person comes in twice at once
                found = await self._accounts.by_voucher(voucher.key)
                if found is not None:
                    return found
        raise NameTaken("No free name was found for you. Register one, then link this sign-in to it.")

    def _free_names(self, voucher: Voucher, caller: Caller | None) -> Iterator[str]:
        for name in voucher.names():
            try:
                self._entrance.check_free(name, caller)
            except NameTaken:
                continue
            yield name


def _email(voucher: Voucher) -> str:
    try:
        return email_address(voucher.email)
    except BadRequest:
        return ""
