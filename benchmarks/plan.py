"""What is measured: for each series its servers and what their clients do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from measuring import Load
from servers import BROADCASTING, C_JOIN, C_SEND, PARLEY, PARLEY_POLL, TORNADO_POLL, Server

RECEIVERS = (10, 200, 1_000, 10_000)
MANY = 10_000  # idle clients, rooms: where the cost of one is no longer lost in the cost of starting
PACE = 20  # messages a second: a lively room
STEADY_PACE = 100  # messages a second of the target for latency
# For the cost of one more receiver nothing may join up, so the processor has to be idle for most of the time.
COST_PACE = {10: 100, 200: 100, 1_000: 20, 10_000: 4}
# Bytes that Parley's messages have beside their text: the C loop's are as long where the cost of each is compared.
PARLEYS_MORE = 140
ROOMS_PACE = 200  # messages a second over all rooms; one room of one person takes as much


@dataclass(frozen=True)
class Step:
    """One measurement, on a server that was started for it."""

    series: str
    server: Server
    load: Load


@dataclass(frozen=True)
class Choice:
    """What the command line leaves of the whole."""

    receivers: Sequence[int] = RECEIVERS
    servers: Sequence[str] = ()  # all
    seconds: float = 3
    warmup: float = 1


def steps(series: str, choice: Choice) -> list[Step]:
    """The measurements of one round, those that are compared next to each other."""
    return [
        Step(series, server, replace(load, seconds=choice.seconds, warmup=choice.warmup))
        for server, load in SERIES[series](choice)
        if not choice.servers or server.name in choice.servers
    ]


Pairs = Iterator[tuple[Server, Load]]


def _burst(choice: Choice) -> Pairs:
    for receivers in choice.receivers:
        for server in BROADCASTING:
            yield server, Load("burst", receivers)


def _paced(choice: Choice) -> Pairs:
    for receivers in choice.receivers:
        for server in BROADCASTING:
            yield server, Load("paced", receivers, rate=PACE)


def _idle(choice: Choice) -> Pairs:
    for server in (*BROADCASTING, PARLEY_POLL, TORNADO_POLL):
        yield server, Load("idle", min(MANY, max(choice.receivers)))


def _poll(choice: Choice) -> Pairs:
    for receivers in choice.receivers:
        if receivers < MANY:  # 10,000 requests take both longer than the measured time
            for server in (PARLEY_POLL, TORNADO_POLL):
                yield server, Load("burst", receivers)


def _steady(choice: Choice) -> Pairs:
    """At one receiver the time of one commit shows, at 1,000 what fan-out adds to it."""
    for receivers in (1, 1_000):
        for server in (PARLEY, C_SEND, C_JOIN):
            yield server, Load("paced", receivers, rate=STEADY_PACE)


def _cost(choice: Choice) -> Pairs:
    as_long = replace(C_SEND, message="{text}" + " " * PARLEYS_MORE)
    for receivers in choice.receivers:
        for server in (PARLEY, as_long):
            if receivers in COST_PACE:
                yield server, Load("paced", receivers, rate=COST_PACE[receivers])


def _rooms(choice: Choice) -> Pairs:
    for rooms in (1, min(MANY, max(choice.receivers))):
        yield PARLEY, Load("paced", receivers=rooms, rooms=rooms, rate=ROOMS_PACE)


SERIES: dict[str, Callable[[Choice], Pairs]] = {
    "burst": _burst,
    "paced": _paced,
    "idle": _idle,
    "poll": _poll,
    "steady": _steady,
    "cost": _cost,
    "rooms": _rooms,
}
