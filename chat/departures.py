"""Departures: sessions end in the store, in memory, and for whoever is connected with them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from chat.accounts import Account
from chat.bots import Bots
from chat.bus import Bus
from chat.callers import Caller, Whom
from chat.clients import Clients
from chat.entries import Author
from chat.errors import NotFound, Unauthenticated, Unavailable
from chat.guests import Guests
from chat.notes import AccountChanged, PutOut
from chat.people import People
from chat.sessions import Sessions
from chat.tokens import Tokens

SIGNED_OUT = "You have been signed out."


class Departures:
    """Ends sessions. Sockets close with 4401 and polls are answered 401 in the same turn of the loop, and at other
    processes as soon as these hear of it."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        bots: Bots,
        guests: Guests,
        tokens: Tokens,
        people: People,
        clients: Clients,
        bus: Bus,
    ) -> None:
        self._bus = bus
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
        whom = Whom(sessions=list(sessions))
        self._put_out(PutOut(account, whom, whom, SIGNED_OUT))
        with suppress(Unavailable):  # it is tried again
            await self._sessions.remove_ended()

    async def end_all(self, account: str, *, but: str = "") -> None:
        """Ends all sessions of an account, or all but one; its bots go on. Raises Unavailable."""
        await self._sessions.end_all(account, but=but)
        whom = Whom(account=account, but=but, bots=False)
        self._put_out(PutOut(account, whom, whom, SIGNED_OUT))

    async def put_out(self, account: str) -> None:
        """Ends all sessions of an account, and puts out its bots, as it is banned or gone; raises Unavailable."""
        await self._sessions.end_all(account)
        self._put_out(PutOut(account, Whom(bots=False), Whom(account=account), SIGNED_OUT))

    async def remove_bot(self, maker: str, id: str) -> None:
        """The bot is no more; raises NotFound."""
        if not await self._bots.remove(maker, id):
            raise NotFound("There is no such token.")
        whom = Whom(sessions=[id])
        self._put_out(PutOut(maker, whom, whom, "The token has been removed."))

    def _put_out(self, note: PutOut) -> None:
        """Sessions are over, at whatever process."""
        self.heard(note)
        self._bus.tell(note)

    def heard(self, note: PutOut) -> None:
        """Sessions are over, as another process says."""
        if note.guest is not None:
            self._guests.remember(note.guest)
        self._tokens.end(note.owner, note.tokens.fits)
        self._clients.end(note.whom.fits, Unauthenticated(note.reason))
        if note.guest is not None:
            self._people.sign_out(note.guest)

    # Going on as somebody else

    def update(self, account: Account, recalled: Whom | None = None) -> None:
        """The account has another name or other rights, which its sessions have at once, at whatever process; those
        `recalled` come back with them."""
        self.changed(account, recalled)
        self._bus.tell(AccountChanged(account.id, recalled))

    def changed(self, account: Account, recalled: Whom | None) -> None:
        """As `update`, as another process says."""
        self._tokens.update(account)
        if recalled is not None:
            self._clients.recall(recalled.fits)

    async def _end_guest(self, guest: Caller, heir: Author | None) -> None:
        self._guests.end(guest.user)
        id = guest.user.id
        self._put_out(PutOut(id, Whom(), Whom(user=id), SIGNED_OUT, guest=guest.user))
        with suppress(Unavailable):  # it is tried again
            await self._guests.store_ended()
        for hand_over in self._also:
            with suppress(Unavailable):  # what is left is worth nothing to anybody: the id is nobody's any more
                await hand_over(guest.user.id, heir)
