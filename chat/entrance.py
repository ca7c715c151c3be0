"""The entrance: how people come in, as guests, with a password, or as the first administrator."""

from typing import Literal

import msgspec

from chat.accounts import Account, Accounts, new_account
from chat.addresses import address_key
from chat.attempts import Attempts
from chat.bans import Bans
from chat.callers import Caller
from chat.claims import Claims
from chat.departures import Departures
from chat.errors import Forbidden, NameTaken, Unauthenticated
from chat.guests import Guests
from chat.names import email_address, person_key, person_name
from chat.passwords import Passwords
from chat.people import People, User
from chat.rates import Rates
from chat.secret_tokens import new_secret, secret_hash
from chat.sessions import Origin, Sessions

WRONG = "The name or the password is wrong."


class SignedIn(msgspec.Struct, frozen=True):
    """Who has come in, and the token of their session."""

    user: User
    token: str


class Entrance:
    """Lets people in. `guests` are let in unless it says no; `registration` says whether anybody may register."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        bans: Bans,
        claims: Claims,
        passwords: Passwords,
        attempts: Attempts,
        sessions: Sessions,
        guests: Guests,
        people: People,
        rates: Rates,
        departures: Departures,
        let_guests: Literal["yes", "no", "read"],
        registration: Literal["yes", "no"],
    ) -> None:
        self._accounts = accounts
        self._bans = bans
        self._claims = claims
        self._passwords = passwords
        self._attempts = attempts
        self._sessions = sessions
        self._guests = guests
        self._people = people
        self._rates = rates
        self._departures = departures
        self.lets_guests = let_guests != "no"
        self.registers = registration == "yes"

    # Guests

    def passing(self, name: str) -> User:
        """A guest who comes by a name alone; raises Forbidden, BadRequest, NameTaken."""
        self._check_guests()
        return self._people.guest(name)

    def guest(self, name: str, origin: Origin, caller: Caller | None) -> SignedIn:
        """A new guest, or the caller if that is who they are already; raises Forbidden, BadRequest, NameTaken,
        RateLimited."""
        self._check_guests()
        self._rates.sign_in(origin.address)
        user = caller.user if caller and not caller.passing and caller.user.guest else None
        if user is None or user.name != person_name(name):
            user = self._people.guest(name)
        self._people.enter(user)
        self._people.leave(user, hold=True)
        return SignedIn(user, self._guests.token(user))

    def _check_guests(self) -> None:
        if not self.lets_guests:
            raise Forbidden("Guests are not let in here: sign in with a password.")

    # Accounts

    async def sign_in(self, name: str, password: str, origin: Origin, caller: Caller | None = None) -> SignedIn:
        """A new session of an account. A caller who was a guest so far is one no longer.

        Raises Unauthenticated, with the same words and after the same time whatever was wrong; RateLimited,
        Forbidden for one who is banned, BadRequest, Unavailable.
        """
        self._rates.sign_in(origin.address)
        name = person_name(name)
        async with self._attempts.trying(*_keys(name, origin)):
            account = await self._accounts.by_name(name)
            right = await self._passwords.is_right(password, account.password if account else "")
            if account is None or not right:
                raise Unauthenticated(WRONG)
        self._bans.check_account(account.id)
        if self._passwords.is_outdated(account.password):
            account = await self._accounts.change(account, password=await self._passwords.hash(password))
        return await self.let_in(account, origin, caller)

    async def confirm(self, account: Account, password: str, origin: Origin) -> None:
        """Raises Unauthenticated if that is not the account's password; one without any needs none."""
        if not account.password:
            return
        async with self._attempts.trying(*_keys(account.name, origin)):
            if not await self._passwords.is_right(password, account.password):
                raise Unauthenticated("The password is wrong.")

    async def let_in(self, account: Account, origin: Origin, caller: Caller | None = None) -> SignedIn:
        """A new session for one who has proved to be the owner of the account."""
        session, token = await self._sessions.make(account.id, origin)
        present = await self._accounts.by_id(account.id)
        if present is None or present.password != account.password or self._bans.of_account(account.id):
            await self._departures.end(account.id, [session.id])  # all that changed while this was under way
            raise Unauthenticated(WRONG)
        surplus = await self._sessions.surplus(account.id)
        if surplus:
            await self._departures.end(account.id, surplus)
        if caller is not None and caller.user.guest and not caller.passing:
            await self._departures.sign_out(caller, heir=present.user.author)
        return SignedIn(present.user, token)

    async def register(
        self, name: str, password: str, origin: Origin, *, email: str = "", caller: Caller | None = None
    ) -> SignedIn:
        """A new account, signed in; raises Forbidden, BadRequest, NameTaken, RateLimited, Unavailable."""
        if not self.registers:
            raise Forbidden("Registration is closed here; an administrator can tell you more.")
        self._passwords.check(password)
        email = email_address(email)
        self.check_free(person_name(name), caller)
        self._rates.register(origin.address)
        account = await self._make(name, password, email=email, caller=caller)
        return await self.let_in(account, origin, caller)

    async def _make(
        self, name: str, password: str, *, email: str = "", caller: Caller | None = None, admin: bool = False
    ) -> Account:
        name = person_name(name)
        self.check_free(name, caller)
        account = new_account(name, await self._passwords.hash(password), email=email, admin=admin)
        return await self.store(account, caller)

    async def store(self, account: Account, caller: Caller | None = None) -> Account:
        """Stores a new account, whose name nobody else can take from the first moment on; raises NameTaken."""
        self.check_free(account.name, caller)
        self._claims.take(account.id, account.names)
        try:
            await self._accounts.insert(account)
        except BaseException:
            self._claims.release(account.id)
            raise
        return account

    def check_free(self, name: str, caller: Caller | None, owner: str = "") -> None:
        """Raises NameTaken for a name that somebody other than `owner` (an account's id) has for good, or a guest who
        is here and is not the caller."""
        holder = self._people.holder(name)
        if holder is not None and holder.guest and (caller is None or holder.id != caller.user.id):
            raise NameTaken(f"Somebody here is called {holder.name} already.")
        self._claims.check(name, owner)

    # The first administrator

    async def needs_setup(self) -> bool:
        """Whether there is no administrator yet; raises Unavailable."""
        return not await self._accounts.has_administrator()

    async def open_setup(self) -> str:
        """The token with which the first administrator comes in, once, at whatever process; an earlier one is worth
        nothing any more. Raises Unavailable."""
        token = new_secret()
        await self._accounts.keep_setup(secret_hash(token))
        return token

    async def set_up(self, token: str, name: str, password: str, origin: Origin) -> SignedIn:
        """The first administrator's account, signed in.

        Raises Unauthenticated for a wrong token, or one that was used; RateLimited, BadRequest, NameTaken, Unavailable.
        """
        hash = secret_hash(token)
        async with self._attempts.trying(address_key(origin.address)):
            if not await self._accounts.use_setup(hash):
                raise Unauthenticated("The link is wrong, or has been used.")
        try:
            account = await self._make(name, password, admin=True)
        except BaseException:
            await self._accounts.keep_setup(hash)  # it may be tried again
            raise
        return await self.let_in(account, origin)


def _keys(name: str, origin: Origin) -> tuple[str, str]:
    return address_key(origin.address), f"name {person_key(name)}"
