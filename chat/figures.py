"""Figures of the last minutes, for those who look after the server."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from chat.clients import Clients
from chat.metrics import Metrics, Totals
from chat.people import People

TRANSPORTS = ("websocket", "poll", "stream")
# A sample each 5 seconds, for 5 minutes: as much as a small plot shows.
INTERVAL = 5.0
KEPT = 60
# What is counted a second takes some time to be counted.
SHORTEST = 1.0


class ClientFigures(msgspec.Struct, frozen=True):
    """Connected clients by transport."""

    websocket: int
    poll: int
    stream: int


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One look. `entries` and `refused` are so many a second, `backlog` is bytes, and times are means since the look
    before, in milliseconds."""

    clients: ClientFigures
    rooms: int
    people: int
    entries: float
    refused: float
    commit_ms: float
    lag_ms: float
    backlog: int

    def flat(self) -> dict[str, float]:
        """The figures by the names of their series."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {**fields.pop("clients"), **fields}


class Figures:
    """Looks at the running server every INTERVAL seconds, and remembers KEPT looks."""

    def __init__(
        self,
        *,
        clients: Clients,
        people: People,
        metrics: Metrics,
        rooms: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clients = clients
        self._people = people
        self._metrics = metrics
        self._rooms = rooms
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._before = metrics.totals()
        self._looked = clock()

    async def run(self) -> None:
        """Looks, for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            self.look()

    def look(self) -> None:
        """Takes a sample."""
        self._samples.append(self._sample())
        self._before, self._looked = self._metrics.totals(), self._clock()

    def now(self) -> Sample:
        """The figures of now; what is counted or a mean is since the last look, or of it if that was just now."""
        sample = self._sample()
        if not self._samples or self._clock() - self._looked >= SHORTEST:
            return sample
        last = self._samples[-1]
        counted = {name: getattr(last, name) for name in ("entries", "refused", "commit_ms", "lag_ms")}
        return msgspec.structs.replace(sample, **counted)

    def _sample(self) -> Sample:
        since = max(self._clock() - self._looked, SHORTEST)
        done = Totals(*(later - earlier for later, earlier in zip(self._metrics.totals(), self._before, strict=True)))
        counts = self._clients.by_transport()
        return Sample(
            clients=ClientFigures(*(counts[transport] for transport in TRANSPORTS)),
            rooms=self._rooms(),
            people=len(self._people),
            entries=round(done.entries / since, 2),
            refused=round(done.refused / since, 2),
            commit_ms=_mean_ms(done.commit_seconds, done.commits),
            lag_ms=_mean_ms(done.delay_seconds, done.delays),
            backlog=self._clients.backlog(),
        )

    def series(self) -> dict[str, list[float]]:
        """The remembered looks, the oldest first, by what was looked at."""
        flat = [sample.flat() for sample in self._samples]
        return {name: [figures[name] for figures in flat] for name in self._sample().flat()}


def _mean_ms(seconds: float, count: float) -> float:
    return round(seconds / count * 1000, 3) if count else 0.0
