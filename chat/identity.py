"""Identity: who people are. Its parts, joined."""

from contextlib import suppress
from dataclasses import dataclass

from chat.accounts import Accounts
from chat.attempts import Attempts
from chat.bans import Bans
from chat.bots import Bots
from chat.claims import Claims
from chat.clients import Clients
from chat.database import Database, DatabaseError
from chat.departures import Departures
from chat.entrance import Entrance
from chat.errors import Unavailable
from chat.guests import Guests
from chat.limits import IdentityLimits
from chat.passwords import Passwords
from chat.people import People
from chat.sessions import Sessions
from chat.tokens import Tokens


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One of each."""

    accounts: Accounts
    attempts: Attempts
    bots: Bots
    claims: Claims
    departures: Departures
    entrance: Entrance
    guests: Guests
    passwords: Passwords
    sessions: Sessions
    tokens: Tokens

    async def prepare(self) -> None:
        """Makes the indexes and reads which names belong to whom; raises DatabaseError."""
        for part in (self.accounts, self.sessions, self.bots, self.guests):
            await part.prepare()
        try:
            async for id, names in self.accounts.names():
                self.claims.know(id, names)
            async for id, name in self.bots.names():
                self.claims.know(id, name)
        except Unavailable as error:
            raise DatabaseError(f"the accounts cannot be read: {error.__cause__}") from None

    async def upkeep(self) -> None:
        """Stores what was noted in memory; while MongoDB is away, another time."""
        with suppress(Unavailable):
            await self.sessions.remove_ended()
            await self.guests.store_ended()
            for part in (self.accounts, self.sessions, self.bots):
                await part.seen.store()

    def close(self) -> None:
        self.passwords.close()


def make_identity(
    database: Database,
    secret: str,
    limits: IdentityLimits,
    *,
    bans: Bans,
    people: People,
    claims: Claims,
    clients: Clients,
) -> Identity:
    """The parts, which all work on the same database; `secret` signs what guests are given."""
    accounts, bots = Accounts(database), Bots(database)
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
    tokens = Tokens(guests, sessions, bots, accounts, kept=limits.sessions_at_hand, seen_interval=limits.seen_interval)
    departures = Departures(sessions=sessions, bots=bots, guests=guests, tokens=tokens, people=people, clients=clients)
    entrance = Entrance(
        accounts=accounts,
        bans=bans,
        claims=claims,
        passwords=passwords,
        attempts=attempts,
        sessions=sessions,
        guests=guests,
        people=people,
        departures=departures,
        let_guests=limits.guests,
        registration=limits.registration,
    )
    return Identity(
        accounts=accounts,
        attempts=attempts,
        bots=bots,
        claims=claims,
        departures=departures,
        entrance=entrance,
        guests=guests,
        passwords=passwords,
        sessions=sessions,
        tokens=tokens,
    )
