"""Oversight: those who look after the rooms and the server, and what they need for it. Its parts, joined."""

from dataclasses import dataclass

from chat.access import Access
from chat.administration import Administration
from chat.audit import Audit
from chat.bans import Bans
from chat.changes import Changes
from chat.clients import Clients
from chat.database import Database
from chat.figures import Figures
from chat.history import History
from chat.identity import Identity
from chat.limits import Limits, ModerationLimits
from chat.metrics import Metrics
from chat.moderation import Moderation
from chat.people import People
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.reports import Reports
from chat.staff import Staff
from chat.whereabouts import Whereabouts


@dataclass(frozen=True, kw_only=True)
class Oversight:
    """One of each."""

    administration: Administration
    audit: Audit
    bans: Bans
    figures: Figures
    moderation: Moderation
    reports: Reports
    staff: Staff

    async def prepare(self) -> None:
        """Makes the indexes, and reads who is banned; raises DatabaseError."""
        for part in (self.audit, self.bans, self.reports):
            await part.prepare()

    async def upkeep(self) -> None:
        """Forgets what is over; raises Unavailable."""
        await self.bans.drop_expired()
        await self.moderation.drop_expired()


def make_oversight(
    database: Database,
    *,
    access: Access,
    audit: Audit,
    bans: Bans,
    changes: Changes,
    clients: Clients,
    history: History,
    identity: Identity,
    limits: ModerationLimits,
    message_limits: Limits,
    metrics: Metrics,
    people: People,
    rates: Rates,
    registry: RoomRegistry,
    whereabouts: Whereabouts,
) -> Oversight:
    """The parts, which all work on the same rooms and accounts."""
    return Oversight(
        administration=Administration(
            accounts=identity.accounts,
            audit=audit,
            bans=bans,
            departures=identity.departures,
            history=history,
            profiles=identity.profiles,
            registry=registry,
            whereabouts=whereabouts,
        ),
        audit=audit,
        bans=bans,
        figures=Figures(clients=clients, people=people, metrics=metrics, rooms=registry.__len__),
        moderation=Moderation(
            registry=registry,
            access=access,
            accounts=identity.accounts,
            changes=changes,
            audit=audit,
            people=people,
            rates=rates,
            whereabouts=whereabouts,
            limits=limits,
        ),
        staff=Staff(registry=registry, access=access, changes=changes, audit=audit, rates=rates, limits=message_limits),
        reports=Reports(database, access=access, audit=audit, changes=changes, rates=rates, limit=limits.open_reports),
    )
