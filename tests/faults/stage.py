"""The stage of a fault: a server, a load, a probe; and the verdict when the fault is over."""

import asyncio
import os
import random
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.bounds import Probe, Window, percentile, process_size
from tests.faults.changes import Change
from tests.faults.checker import Histories, Violation, check, count_checked
from tests.faults.journal import Journal, recoveries
from tests.faults.load import FULL, SHORT, Crowd, Load
from tests.faults.plain_http import sign_in
from tests.faults.processes import Mongod, Server
from tests.faults.report import Outcome

# What the server keeps open without clients: its own, and its connections to MongoDB, as many as it has threads (64).
FILES_LEFT = 110


@dataclass(frozen=True)
class Options:
    """How a fault is run. `keep` is a folder for the journals of runs with violations, if they are wanted."""

    seed: int
    short: bool = False
    keep: Path | None = None

    @property
    def crowd(self) -> Crowd:
        return SHORT if self.short else FULL

    def random(self, fault: str) -> random.Random:
        return random.Random(f"{self.seed}/{fault}")


@asynccontextmanager
async def folder(prefix: str, place: Path | None = None) -> AsyncIterator[Path]:
    """A folder for the time of a fault, in `place` if that can be written."""
    where = place if place is not None and os.access(place, os.W_OK) else None
    with TemporaryDirectory(prefix=f"parley-{prefix}-", dir=where, ignore_cleanup_errors=True) as name:
        yield Path(name)


class Stage:
    """What a fault acts upon."""

    def __init__(self, name: str, options: Options, server: Server, load: Load, mongod: Mongod | None) -> None:
        self.name = name
        self.options = options
        self.random = options.random(name)
        self.server = server
        self.load = load
        self.mongod = mongod
        self.journal = load.journal
        self.blows: list[float] = []
        self.down: list[Window] = []
        self.returning: list[Window] = []
        self.found: list[Violation] = []
        self.remarks: list[str] = []
        self.probe: Probe | None = None

    async def pause(self, least: float, most: float) -> None:
        """The load goes on for a while."""
        await asyncio.sleep(self.random.uniform(least, most))

    def blow(self) -> float:
        """Notes that the fault strikes now; recovery is counted from here."""
        self.blows.append(self.journal.clock())
        return self.blows[-1]

    async def recovered(self, since: float) -> None:
        """Waits until all clients hear something new; a violation if they do not."""
        try:
            await self.load.recovered(since)
        except TimeoutError as error:
            self.found.append(Violation(3, str(error)))

    async def back(self, since: float) -> None:
        """The server is up again: waits until all its clients have returned."""
        up = time.monotonic()
        self.down.append(Window(since, up))
        await self.recovered(since)
        self.returning.append(Window(up, time.monotonic()))

    async def verdict(self) -> Outcome:
        """Lets everything heal, and compares the journal with the history."""
        left = await self.load.settle(60)
        await self.load.stop()
        await self._check_files_left()
        if self.probe is not None:
            await self.probe.close()
        histories = await self.stored()
        events = self.journal.events
        self.found += [Violation(3, f"not healed: {what}") for what in left]
        self.found += check(events, histories)
        self.found += [Violation(0, f"the server's log: {line}") for line in self.server.errors()[:5]]
        if self.probe is not None:
            self.found += self.probe.check(self.down, self.returning, len(self.load.clients))
            lags = self.probe.lags([*self.down, *self.returning])
            self.remarks.append(f"ping p99 {percentile(lags, 99) * 1000:.0f} ms")
        changes = sum(event.kind == "ack" and Change.of(event.text) is not None for event in events)
        self.remarks.append(f"{changes:,} edits, deletions and reactions")
        if self.found and self.options.keep is not None:
            self._keep(self.options.keep / f"{self.name}-{self.options.seed}")
        return Outcome(
            self.name,
            checked=count_checked(events),
            violations=self.found,
            recoveries=recoveries(events, self.blows),
            remarks=self.remarks,
        )

    async def stored(self) -> Histories:
        """The histories as MongoDB has them: read by a new server, as the present one has much in memory."""
        await self.server.kill()
        await self.server.start()
        return await self.load.histories()

    async def _check_files_left(self) -> None:
        """Rule 5: when the clients have gone, their connections have too."""
        end = time.monotonic() + 10
        while (left := process_size(self.server.pid)[1]) > FILES_LEFT:
            if time.monotonic() > end:
                self.found.append(Violation(5, f"{left} files open after all clients have gone"))
                return
            await asyncio.sleep(0.1)

    def _keep(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.journal.write(path.with_suffix(".jsonl"))
        shutil.copy(self.server.log, path.with_suffix(".log"))


@asynccontextmanager
async def staged(
    name: str,
    options: Options,
    *flags: str,
    own_mongod: Sequence[str] | None = None,
    crowd: Crowd | None = None,
    entry: Sequence[str] = ("server.py",),
    environment: Mapping[str, str] | None = None,
    place: Path | None = None,
) -> AsyncIterator[Stage]:
    """A server under load.

    With `own_mongod`, its options, MongoDB is a process of the harness, else the server's private one. Its data is in
    `place`.
    """
    async with AsyncExitStack() as closing:
        base = await closing.enter_async_context(folder(name))
        mongod = None
        if own_mongod is not None:
            mongod = await closing.enter_async_context(Mongod(place or base / "mongod", *own_mongod))
        server = Server(
            base,
            *flags,
            data=place if mongod is None else None,
            mongo=mongod.uri if mongod is not None else "",
            entry=entry,
            environment=environment,
        )
        await closing.enter_async_context(server)
        load = Load(crowd or options.crowd, server.address, Journal(), options.seed)
        closing.push_async_callback(load.stop)
        await load.start()
        stage = Stage(name, options, server, load, mongod)
        headers = await sign_in(server.address, f"probe-{time.monotonic_ns()}")
        stage.probe = await closing.enter_async_context(Probe(server.address, lambda: server.pid, headers))
        await stage.pause(0.5, 1.0)
        yield stage
