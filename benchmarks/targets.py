"""What Parley is to reach at the least, and whether a run shows it."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from history import LARGE, SMALL
from plan import MANY
from results import Results
from servers import C_JOIN, C_SEND, NODE_WS, PARLEY, PARLEY_POLL, TORNADO_LOOP, TORNADO_POLL

AT = 1_000  # receivers
# What is to be no more than something else is allowed the noise that two measurements of the same show.
NOISE = 1.15


@dataclass(frozen=True)
class Target:
    """`reached` is None where the run did not measure it."""

    what: str
    asked: str
    found: str = ""
    reached: bool | None = None


def check(results: Results) -> list[Target]:
    return [*_fan_out(results), *_latency(results), *_memory(results), *_growth(results), *_history(results)]


def _at_least(what: str, least: float, found: float | None) -> Target:
    asked = f"{least:g} ×"
    return Target(what, asked) if found is None else Target(what, asked, f"{found:.2f} ×", found >= least)


def _at_most(what: str, most: float, found: float | None, unit: str) -> Target:
    asked = f"at most {most:.3g} {unit}"
    return Target(what, asked) if found is None else Target(what, asked, f"{found:.3g} {unit}", found <= most)


def _fan_out(results: Results) -> Iterator[Target]:
    for what, series, ours, theirs, least in (
        ("burst, to Node.js ws", "burst", PARLEY, NODE_WS, 5),
        ("burst, to the C loop that joins", "burst", PARLEY, C_JOIN, 0.6),
        ("paced, to the C loop", "paced", PARLEY, C_SEND, 0.6),
        ("paced, to Tornado's loop", "paced", PARLEY, TORNADO_LOOP, 2.5),
        ("paced, to Node.js ws", "paced", PARLEY, NODE_WS, 1),
        ("long-poll, to Tornado with a list of futures", "poll", PARLEY_POLL, TORNADO_POLL, 1),
    ):
        yield _at_least(what, least, results.ratio(series, ours.name, theirs.name, AT, "per_cpu_second"))


def _latency(results: Results) -> Iterator[Target]:
    """Against the quicker of the C loops: where one that sends each message by itself is at its limit, the other is
    not. A commit takes what Parley's message to its sender alone takes longer than theirs."""
    what = "p99 at 100 messages a second; twice that of the quicker C loop, and a commit"
    ours, with_commit = (results.median("steady", PARLEY.name, *at) for at in ((AT, "p99"), (1, "p50")))
    loops = [results.median("steady", loop.name, AT, "p99") for loop in (C_SEND, C_JOIN)]
    without = results.median("steady", C_SEND.name, 1, "p50")
    theirs = [p99 for p99 in loops if p99 is not None]
    if ours is None or not theirs or with_commit is None or without is None:
        yield Target(what, "")
    else:
        yield _at_most(what, 2 * min(theirs) + with_commit - without, ours, "ms")


def _memory(results: Results) -> Iterator[Target]:
    for what, server, most in (("an idle client", PARLEY, 20), ("a waiting poll", PARLEY_POLL, 25)):
        yield _at_most(what, most, results.median("idle", server.name, MANY, "kb_per_client"), "KB")


def _growth(results: Results) -> Iterator[Target]:
    """What the system's part of a delivery grows by as ever more sockets do not fit the caches, the C loop shows."""
    what = "one more receiver beyond 1,000, to one before; no more than for the C loop"
    ours, theirs = (_rise(results, server.name) for server in (PARLEY, C_SEND))
    if ours is None or theirs is None:
        yield Target(what, "")
    else:
        yield _at_most(what, NOISE * theirs, ours, "×")
    one, rooms = (results.median("rooms", PARLEY.name, count, "cpu_per_message") for count in (1, MANY))
    yield _at_most("a message in 10,000 rooms, to one in one room", NOISE, rooms / one if one and rooms else None, "×")


def _rise(results: Results, server: str) -> float | None:
    """The cost of one more receiver between 1,000 and 10,000, to that of one between 10 and 1,000."""
    few, some, many = (results.median("cost", server, count, "cpu_per_message") for count in (10, AT, MANY))
    if few is None or some is None or many is None:
        return None
    return (many - some) / (MANY - AT) / ((some - few) / (AT - 10))


def _history(results: Results) -> Iterator[Target]:
    for what, name, least, most in (
        ("a page of 1,000,000 entries, to one of 1,000", "page", SMALL, 1.5),
        ("starting on 1,000,000 entries, to none", "start", 0, NOISE),
    ):
        found = results.history(name)
        few, many = (statistics.median(found[entries]) if entries in found else None for entries in (least, LARGE))
        yield _at_most(what, most, many / few if many and few else None, "×")
    caught_up = LARGE in results.history("catch_up")
    yield Target("catching up on 1,000 entries", "one answer", "one answer" if caught_up else "", caught_up or None)
