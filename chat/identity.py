"""Identity: who people are. Its parts, joined."""

from contextlib import suppress
from dataclasses import dataclass

from chat.accounts import Accounts
from chat.attempts import Attempts
from chat.bans import Bans
from chat.bots import Bots
from chat.bus import Bus
from chat.changes import Changes
from chat.claims import Claims
from chat.clients import Clients
from chat.conversations import Conversations
from chat.database import Database, DatabaseError
from chat.departures import Departures
from chat.entrance import Entrance
from chat.erasure import Erasure
from chat.errors import Unauthenticated, Unavailable
from chat.guests import Guests
from chat.history import History
from chat.limits import IdentityLimits
from chat.passwords import Passwords
from chat.people import People
from chat.pictures import Pictures
from chat.profiles import Profiles
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.sessions import Sessions
from chat.times import now
from chat.tokens import Tokens
from chat.vouched_entrance import VouchedEntrance
from chat.workshop import Workshop


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One of each."""

    accounts: Accounts
    attempts: Attempts
    bots: Bots
    claims: Claims
    clients: Clients
    departures: Departures
    entrance: Entrance
    erasure: Erasure
    guests: Guests
    passwords: Passwords
    people: People
    pictures: Pictures
    profiles: Profiles
    sessions: Sessions
    tokens: Tokens
    vouched_entrance: VouchedEntrance
    workshop: Workshop

    async def prepare(self) -> None:
        """Makes the indexes and reads which names belong to whom; raises DatabaseError."""
        for part in (self.accounts, self.sessions, self.bots, self.guests):
            await part.prepare()
        try:
            await self._read_names()
        except Unavailable as error:
            raise DatabaseError(f"the accounts cannot be read: {error.__cause__}") from None

    async def _read_names(self) -> None:
        async for id, names in self.accounts.names():
            self.claims.know(id, names)
        async for id, name in self.bots.names():
            self.claims.know(id, name)

    async def read_anew(self) -> None:
        """What other processes may have changed: whom tokens stand for, who is over, and who has which names; raises
        Unavailable."""
        self.tokens.forget_all()
        await self.guests.read_ended()
        await self._read_names()

    def start(self) -> None:
        self.erasure.start()

    async def upkeep(self) -> None:
        """Ends sessions whose time is over, and stores what was noted in memory; while MongoDB is away, another
        time."""
        at = now()
        self.clients.end(lambda caller: 0 < caller.until <= at, Unauthenticated("The session is over."))
        self.tokens.note(waiter.caller for waiter in self.clients)
        with suppress(Unavailable):
            await self.sessions.remove_ended()
            await self.guests.store_ended()
            for part in (self.accounts, self.sessions, self.bots):
                await part.seen.store()

    def close(self) -> None:
        self.erasure.stop()
        self.passwords.close()


def make_identity(
    database: Database,
    secret: str,
    limits: IdentityLimits,
    *,
    bans: Bans,
    bus: Bus,
    changes: Changes,
    claims: Claims,
    clients: Clients,
    conversations: Conversations,
    history: History,
    people: People,
    rates: Rates,
    registry: RoomRegistry,
) -> Identity:
    """The parts, which all work on the same database; `secret` signs what guests are given."""
    accounts, bots, pictures = Accounts(database), Bots(database), Pictures(database)
    sessions = Sessions(database, days=limits.session_days, limit=limits.sessions_limit)
    guests = Guests(database, secret, days=limits.session_days, kept=limits.ended_guests)
    passwords = Passwords(
        least=limits.password_least,
        most=limits.password_most,
        threads=limits.password_threads,
        queue=limits.password_queue,
    )
    attempts = Attempts(
        limit=limits.attempts,
        window=limits.attempts_window,
        delay=limits.attempts_delay,
        kept=limits.attempts_kept,
    )
    tokens = Tokens(
        guests,
        sessions,
        bots,
        accounts,
        conversations,
        kept=limits.sessions_at_hand,
        seen_interval=limits.seen_interval,
    )
    departures = Departures(
        sessions=sessions, bots=bots, guests=guests, tokens=tokens, people=people, clients=clients, bus=bus
    )
    entrance = Entrance(
        accounts=accounts,
        attempts=attempts,
        bans=bans,
        claims=claims,
        departures=departures,
        guests=guests,
        passwords=passwords,
        people=people,
        rates=rates,
        sessions=sessions,
        let_guests=limits.guests,
        registration=limits.registration,
    )
    erasure = Erasure(accounts, history, registry, changes, pause=limits.send_timeout, bus=bus)
    profiles = Profiles(
        accounts=accounts,
        bots=bots,
        claims=claims,
        departures=departures,
        entrance=entrance,
        erasure=erasure,
        passwords=passwords,
        pictures=pictures,
        rates=rates,
        picture_limit=limits.picture_limit,
    )
    return Identity(
        accounts=accounts,
        attempts=attempts,
        bots=bots,
        claims=claims,
        clients=clients,
        departures=departures,
        entrance=entrance,
        erasure=erasure,
        guests=guests,
        passwords=passwords,
        people=people,
        pictures=pictures,
        profiles=profiles,
        sessions=sessions,
        tokens=tokens,
        vouched_entrance=VouchedEntrance(accounts, bans, entrance, makes_accounts=limits.openid_accounts),
        workshop=Workshop(bots, claims, departures, entrance, limit=limits.bots_limit, longest=limits.bot_days),
    )
