"""Departures: sessions end in the store, in memory, and for whoever is connected with them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from chat.bots import Bots
from chat.callers import Caller
from chat.clients import Clients
from chat.entries import Author
from chat.errors import NotFound, Unauthenticated, Unavailable
from chat.guests import Guests
from chat.people import People
from chat.sessions import Sessions
from chat.tokens import Tokens


class Departures:
    """Ends sessions. Sockets close with 4401 and polls are answered 401 in the same turn of the loop."""

    def __init__(
        self, *, sessions: Sessions, bots: Bots, guests: Guests, tokens: Tokens, people: People, clients: Clients
    ) -> None:
        self._sessions = sessions
        self._bots = bots
        self._guests = guests
        self._tokens = tokens
        self._people = people
        self._clients = clients
        self._also: list[Callable[[str, Author | None], Awaitable[None]]] = []

    def also(self, hand_over: Callable[[str, Author | None], Awaitable[None]]) -> None:
        """`hand_over` does what else is to be done when a guest is gone, by their id: what was theirs goes to the
        account that they have from now on, if they have one."""
        self._also.append(hand_over)

    async def sign_out(self, caller: Caller, *, heir: Author | None = None) -> None:
        """Ends the caller's session; a bot's token goes on until its maker removes it.

        `heir` is the account as which a guest goes on.
        """
        if caller.passing:
            return  # gone with the connection
        if caller.user.guest:
            await self._end_guest(caller, heir)
        elif caller.scope is None:
            await self.end(caller.account, [caller.session])

    async def end(self, account: str, sessions: Sequence[str]) -> None:
        """Ends some sessions of an account."""
        self._sessions.end(sessions)
        self._tokens.end(account, lambda caller: caller.session in sessions)
        self._clients.end(lambda caller: caller.session in sessions, _signed_out())
        with suppress(Unavailable):  # it is tried again
            await self._sessions.remove_ended()

    async def end_all(self, account: str, *, but: str = "") -> None:
        """Ends all sessions of an account, or all but one; its bots go on. Raises Unavailable."""
        await self._sessions.end_all(account, but=but)

        def is_over(caller: Caller) -> bool:
            return caller.account == account and caller.scope is None and caller.session != but

        self._tokens.end(account, is_over)
        self._clients.end(is_over, _signed_out())

    async def put_out(self, account: str) -> None:
        """Ends all sessions of an account, and puts out its bots, as it is banned or gone; raises Unavailable."""
        await self._sessions.end_all(account)
        self._tokens.end(account, lambda caller: caller.scope is None)
        self._clients.end(lambda caller: caller.account == account, _signed_out())

    async def remove_bot(self, maker: str, id: str) -> None:
        """The bot is no more; raises NotFound."""
        if not await self._bots.remove(maker, id):
            raise NotFound("There is no such token.")
        self._tokens.end(maker, lambda caller: caller.session == id)
        self._clients.end(lambda caller: caller.session == id, Unauthenticated("The token has been removed."))

    async def _end_guest(self, guest: Caller, heir: Author | None) -> None:
        self._guests.end(guest.user)
        self._tokens.end(guest.user.id)
        self._clients.end(lambda caller: caller.user.id == guest.user.id, _signed_out())
        self._people.sign_out(guest.user)
        with suppress(Unavailable):  # it is tried again
            await self._guests.store_ended()
        for hand_over in self._also:
            with suppress(Unavailable):  # what is left is worth nothing to anybody: the id is nobody's any more
                await hand_over(guest.user.id, heir)


def _signed_out() -> Unauthenticated:
    return Unauthenticated("You have been signed out.")
