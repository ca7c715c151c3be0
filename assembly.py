"""The parts of the domain by the settings, joined."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from chat.access import Access
from chat.alarms import Alarms
from chat.audit import Audit
from chat.bans import Bans
from chat.board import KINDS
from chat.bus import Bus, LocalBus
from chat.changes import Changes
from chat.chat import Chat
from chat.claims import Claims
from chat.clients import Clients
from chat.commit import GroupCommit
from chat.conversations import Conversations
from chat.database import Connection
from chat.desks import Desks
from chat.directory import Directory
from chat.events import Binding, Events
from chat.hearsay import Hearsay
from chat.history import History
from chat.hooks import Hooks
from chat.house import make_house
from chat.identity import make_identity
from chat.integrations import Integrations
from chat.keepalive import Keepalive
from chat.kinds import Kind, Kinds
from chat.lifetimes import LifetimeTable
from chat.limits import BoardLimits, DeskLimits, IdentityLimits, Limits, ModerationLimits, RoomLimits
from chat.matching import Matching
from chat.metrics import Metrics
from chat.oversight import make_oversight
from chat.pairing import Pairing
from chat.people import People
from chat.rates import Rates, RateTable
from chat.reception import make_reception
from chat.redaction import Redaction
from chat.registry import RoomRegistry
from chat.relay import Relay
from chat.waiter import Tick
from chat.webhooks import WebhookTable
from chat.whereabouts import Whereabouts
from chat.writing import Writing
from handlers.webhook_sender import WebhookSender
from settings import Settings

T = TypeVar("T", bound=msgspec.Struct)


def make_chat(
    config: Settings,
    connection: Connection,
    secret: str,
    bindings: Sequence[Binding] = (),
    kinds: Sequence[Kind] = (),
    *,
    bus: Bus | None = None,
) -> Chat:
    """The parts of the domain, joined.

    `secret` signs what guests are given; `bindings` and `kinds` are those of the plug-ins; `bus` joins other processes,
    of which there are none without one.
    """
    bus = bus or LocalBus()
    loop = asyncio.get_running_loop()
    alarms = Alarms(loop)
    stopping = asyncio.Event()
    metrics = Metrics()
    clients = Clients(
        limit=config.clients_limit,
        address_limit=config.clients_per_address,
        backlog_limit=config.backlog_total,
    )
    history = History(connection.database)
    redaction = Redaction(history, pause=config.heal_interval)
    commit = GroupCommit(
        history,
        batch=config.commit_limit,
        queue=config.queue_limit,
        timeout=config.send_timeout,
        heal_interval=config.heal_interval,
        observe=metrics.observe_commit,
        published=redaction.published,
        reaction_limit=config.reaction_limit,
        bus=bus,
    )
    registry = RoomRegistry(
        history,
        alarms.call_later,
        keep=config.recent,
        presence_limit=config.presence_limit,
        idle=config.room_idle,
        delivered=metrics.delivered.inc,
        clients=clients,
        bus=bus,
    )
    known_kinds = Kinds([*KINDS, *kinds])
    relay = Relay(bus, registry, commit, known_kinds)
    claims = Claims(bus)
    people = People(alarms.call_later, hold=config.name_hold, check_claim=claims.check, company=registry.company)
    bans = Bans(connection.database, clients, limit=config.banned_ranges, bus=bus)
    limits = settings_of(config, IdentityLimits)
    changes = Changes(history, commit, redaction, reaction_limit=config.reaction_limit)
    rates = Rates(settings_of(config, RateTable), observe=metrics.count_refusal)
    conversations = Conversations(connection.database, days=config.session_days)
    identity = make_identity(
        connection.database,
        secret,
        limits,
        bans=bans,
        bus=bus,
        changes=changes,
        claims=claims,
        clients=clients,
        conversations=conversations,
        history=history,
        people=people,
        rates=rates,
        registry=registry,
    )
    whereabouts = Whereabouts(bus)
    metrics.watch(clients, registry.__len__, commit.__len__)
    desks = Desks(connection.database, linger=config.desk_linger)
    access = Access(registry, rates, whereabouts, desks.agents, guests=config.guests, kinds=known_kinds)
    told = settings_of(config, Limits)
    events = Events(bindings, registry.audience, told, limit=config.event_limit, kinds=known_kinds)
    if bindings:
        clients.watch(events.came, events.went)
        registry.visitors = events
    audit = Audit(connection.database, observe=metrics.count_act)
    house = make_house(
        connection.database,
        access=access,
        audit=audit,
        board=settings_of(config, BoardLimits),
        bus=bus,
        commit=commit,
        history=history,
        identity=identity,
        limits=settings_of(config, RoomLimits),
        lifetimes=settings_of(config, LifetimeTable),
        rates=rates,
        registry=registry,
    )
    oversight = make_oversight(
        connection.database,
        access=access,
        audit=audit,
        bans=bans,
        changes=changes,
        clients=clients,
        history=history,
        identity=identity,
        limits=settings_of(config, ModerationLimits),
        message_limits=settings_of(config, Limits),
        metrics=metrics,
        people=people,
        rates=rates,
        registry=registry,
        whereabouts=whereabouts,
    )
    house.lifetimes.also_erase(oversight.reports.erase)
    hooks = Hooks(
        connection.database,
        access=access,
        alarms=alarms,
        audit=audit,
        bans=bans,
        history=history,
        registry=registry,
        sender=WebhookSender(
            timeout=config.webhook_timeout,
            concurrency=config.webhook_concurrency,
            private=config.webhook_private == "yes",
        ),
        table=settings_of(config, WebhookTable),
    )
    house.lifetimes.also_erase(hooks.store.erase)
    writing = Writing(
        access=access,
        changes=changes,
        commit=commit,
        events=events,
        history=history,
        moderation=oversight.moderation,
        registry=registry,
    )
    integrations = Integrations(
        access=access,
        audit=audit,
        bans=bans,
        identity=identity,
        rates=rates,
        writing=writing,
        limit=config.integrations_limit,
    )
    house.lifetimes.also_erase(integrations.erase)
    reception = make_reception(
        desks,
        conversations,
        access=access,
        audit=audit,
        bus=bus,
        changes=changes,
        desk_limits=settings_of(config, DeskLimits),
        history=history,
        house=house,
        identity=identity,
        limits=settings_of(config, Limits),
        rates=rates,
        registry=registry,
    )
    hearsay = Hearsay(bus, registry=registry, identity=identity, house=house, bans=bans, keeping=reception.keeping)
    relay.also(hearsay.recover)
    return Chat(
        access=access,
        alarms=alarms,
        audit=audit,
        bans=bans,
        bus=bus,
        connection=connection,
        events=events,
        history=history,
        hooks=hooks,
        hearsay=hearsay,
        house=house,
        commit=commit,
        changes=changes,
        registry=registry,
        directory=Directory(registry, stopping, limit=config.rooms_limit, memberships=config.memberships_limit),
        pairing=Pairing(
            Matching(loop.time, patience=config.pair_patience), registry, alarms.call_later, grace=config.pair_grace
        ),
        people=people,
        identity=identity,
        integrations=integrations,
        clients=clients,
        metrics=metrics,
        oversight=oversight,
        rates=rates,
        reception=reception,
        redaction=redaction,
        writing=writing,
        keepalive=Keepalive(interval=config.ping_interval, timeout=config.ping_timeout),
        tick=Tick(loop.call_soon),
        limits=settings_of(config, Limits),
        stopping=stopping,
    )


def settings_of(config: Settings, kind: type[T]) -> T:
    """The settings that a part of the domain asks for by the names of its fields."""
    return kind(**{name: getattr(config, name) for name in kind.__struct_fields__})


async def prepare(chat: Chat) -> None:
    """Makes the indexes, and reads what is kept in memory; raises DatabaseError."""
    await chat.history.prepare()
    await chat.redaction.prepare()
    await chat.oversight.prepare()
    await chat.identity.prepare()
    await chat.house.prepare()
    await chat.hooks.prepare()
    await chat.reception.prepare()
