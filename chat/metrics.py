"""Figures of the running server, in Prometheus's form."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from chat.clients import Clients
from chat.protocol import CloseCode

# How often the event loop is asked whether it comes when it is called (seconds).
LAG_INTERVAL = 0.25


class Totals(NamedTuple):
    """What has been counted since the start: entries, refusals, and commits and delays with their times (seconds)."""

    entries: float = 0
    refused: float = 0
    commits: float = 0
    commit_seconds: float = 0
    delays: float = 0
    delay_seconds: float = 0


class Metrics:
    """What is counted as it happens. `watch` adds what is looked up when somebody asks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._totals = dict.fromkeys(Totals._fields, 0.0)
        self.stored = self._counter("entries_stored", "Entries stored in MongoDB.")
        self.delivered = self._counter(
            "entries_delivered",
            "Entries handed to clients as they came, each counted for each client; not what these caught up on.",
        )
        self.slow_closes = self._counter("slow_closes", "Clients closed because they did not keep up.")
        self._acts = Counter("parley_acts", "Acts of moderators and administrators.", ["act"], registry=self._registry)
        self._refusals = Counter(
            "parley_rate_limited", "What was refused because it was too much.", ["limit"], registry=self._registry
        )
        self.commit_entries = self._histogram(
            "commit_entries", "Entries in one insert.", (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
        )
        self.commit_seconds = self._histogram(
            "commit_seconds", "Time of one insert.", (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 2)
        )
        self.poll_wait_seconds = self._histogram(
            "poll_wait_seconds", "Time a poll waited for its answer.", (0.001, 0.01, 0.1, 0.5, 1, 5, 10, 25, 60)
        )
        self.loop_lag_seconds = self._histogram(
            "loop_lag_seconds",
            "How late the event loop came to what was due.",
            (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
        )

    def watch(self, clients: Clients, rooms: Callable[[], int], queue: Callable[[], int]) -> None:
        """Shows clients by transport, what waits for them, rooms awake, and changes waiting to be stored."""
        by_transport = Gauge("parley_clients", "Connected clients.", ["transport"], registry=self._registry)
        for transport in ("websocket", "stream", "poll"):
            by_transport.labels(transport).set_function(partial(clients.count, transport))
        self._gauge("backlog_bytes", "Bytes that wait for slow clients.", clients.backlog)
        self._gauge("rooms_awake", "Rooms in memory.", rooms)
        self._gauge("commit_queue", "Changes waiting to be stored.", queue)

    def observe_commit(self, entries: int, seconds: float) -> None:
        """Counts one insert."""
        self.stored.inc(entries)
        self.commit_entries.observe(entries)
        self.commit_seconds.observe(seconds)
        self._add(entries=entries, commits=1, commit_seconds=seconds)

    def count_leaving(self, code: int) -> None:
        """Counts a client that left, by the code it is closed with, if it was too slow."""
        if code == CloseCode.SLOW_CONSUMER:
            self.slow_closes.inc()

    def count_act(self, act: str) -> None:
        self._acts.labels(act).inc()

    def count_refusal(self, limit: str) -> None:
        self._refusals.labels(limit).inc()
        self._add(refused=1)

    def totals(self) -> Totals:
        """What `chat/figures.py` makes its plots of."""
        return Totals(**self._totals)

    def _add(self, **counts: float) -> None:
        for name, count in counts.items():
            self._totals[name] += count

    async def measure_lag(self) -> None:
        """Runs for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            delay = max(0.0, loop.time() - due)
            self.loop_lag_seconds.observe(delay)
            self._add(delays=1, delay_seconds=delay)

    def text(self) -> bytes:
        """All figures, in the text format of Prometheus."""
        return generate_latest(self._registry)

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(f"parley_{name}", meaning, registry=self._registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"parley_{name}", meaning, buckets=buckets, registry=self._registry)

    def _gauge(self, name: str, meaning: str, value: Callable[[], int]) -> None:
        Gauge(f"parley_{name}", meaning, registry=self._registry).set_function(value)
