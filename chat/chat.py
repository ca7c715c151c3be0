"""The parts of the domain that the handlers talk to, as they are made and joined in server.py."""

import asyncio
from dataclasses import dataclass

from chat.access import Access
from chat.alarms import Alarms
from chat.audit import Audit
from chat.bans import Bans
from chat.bus import Bus
from chat.changes import Changes
from chat.clients import Clients
from chat.commit import GroupCommit
from chat.database import Connection
from chat.directory import Directory
from chat.events import Events
from chat.hearsay import Hearsay
from chat.history import History
from chat.hooks import Hooks
from chat.house import House
from chat.identity import Identity
from chat.integrations import Integrations
from chat.keepalive import Keepalive
from chat.limits import Limits
from chat.metrics import Metrics
from chat.oversight import Oversight
from chat.pairing import Pairing
from chat.people import People
from chat.rates import Rates
from chat.reception import Reception
from chat.redaction import Redaction
from chat.registry import RoomRegistry
from chat.waiter import Tick
from chat.writing import Writing


@dataclass(frozen=True, kw_only=True)
class Chat:
    """One of each."""

    access: Access
    alarms: Alarms
    audit: Audit
    bans: Bans
    connection: Connection
    bus: Bus
    events: Events
    history: History
    hooks: Hooks
    hearsay: Hearsay
    house: House
    identity: Identity
    integrations: Integrations
    commit: GroupCommit
    changes: Changes
    registry: RoomRegistry
    directory: Directory
    pairing: Pairing
    people: People
    clients: Clients
    keepalive: Keepalive
    metrics: Metrics
    oversight: Oversight
    rates: Rates
    reception: Reception
    redaction: Redaction
    tick: Tick
    limits: Limits
    stopping: asyncio.Event
    writing: Writing
