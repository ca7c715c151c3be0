"""The server seen from outside: how long a ping takes, how much memory and how many files it holds."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.faults.checker import Violation
from tests.faults.plain_http import Address
from tests.faults.processes import ROOT

SAMPLE_PAUSE = 0.5
PAUSE = 0.05

# What the bounds are for: a hundred and forty clients in ten rooms. The event loop's lag is a ping's round trip,
# less the 99th percentile by which a plain sleep of the pinging process overshoots meanwhile (the machine's own share).
LAG_P99 = 0.5
LAG_MAX = 3.0
MEMORY_GROWTH = 96 * 1024 * 1024
FILES_PER_CLIENT = 3
FILES_SPARE = 60


class Window(NamedTuple):
    """A time (monotonic seconds) in which the server is down or stopped on purpose."""

    begin: float
    end: float


class Probe:
    """Pings the server over a WebSocket from a process of its own, and looks at the server's process, until closed."""

    def __init__(self, address: Address, pid: Callable[[], int], headers: Mapping[str, str]) -> None:
        self.pings: list[tuple[float, float]] = []
        """When each was sent, and how long it took (seconds)."""
        self.overshoots: list[float] = []
        self.memory: list[int] = []
        self.files: list[int] = []
        self._address = address
        self._pid = pid
        self._headers = dict(headers)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        uri = f"ws://{self._address.host}:{self._address.port}/ws"
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.pinger", uri, json.dumps(self._headers)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            start_new_session=True,
        )
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._sample())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._child.returncode is None:
            self._child.kill()
            await self._child.wait()

    async def _read(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            began, took, overshoot = map(float, line.split())
            self.pings.append((began, took))
            self.overshoots.append(overshoot)

    async def _sample(self) -> None:
        while True:
            memory, files = process_size(self._pid())
            if memory:
                self.memory.append(memory)
                self.files.append(files)
            await asyncio.sleep(SAMPLE_PAUSE)

    def lags(self, down: Sequence[Window]) -> list[float]:
        """The round trips outside the times in which the server was down."""
        return [
            took
            for began, took in self.pings
            if not any(began <= window.end and began + took >= window.begin for window in down)
        ]

    def check(self, down: Sequence[Window], returning: Sequence[Window], clients: int) -> list[Violation]:
        """Rule 5. While all clients return at once after the server was `down`, the longest lag alone is bounded."""
        found = []
        lags = self.lags([*down, *returning])
        machine = percentile(self.overshoots, 99)
        if percentile(lags, 99) - machine > LAG_P99:
            found.append(Violation(5, f"a ping took {percentile(lags, 99):.3f} s (p99), the machine {machine:.3f} s"))
        longest = max(self.lags(down), default=0)
        if longest > LAG_MAX:
            found.append(Violation(5, f"a ping took {longest:.2f} s"))
        if self.memory and max(self.memory) - min(self.memory) > MEMORY_GROWTH:
            grown = (max(self.memory) - min(self.memory)) / 1024 / 1024
            found.append(Violation(5, f"memory varied by {grown:.0f} MiB"))
        if max(self.files, default=0) > clients * FILES_PER_CLIENT + FILES_SPARE:
            found.append(Violation(5, f"{max(self.files)} files open for {clients} clients"))
        return found


class Drift:
    """How late this harness's own event loop is: by so much, what it measures may be too long."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Runs until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(PAUSE)
            self.longest = max(self.longest, time.monotonic() - began - PAUSE)


def process_size(pid: int) -> tuple[int, int]:
    """Resident bytes and open files of a process; zeros when it is gone."""
    with suppress(OSError, StopIteration, ProcessLookupError):
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        resident = next(line for line in status if line.startswith("VmRSS:"))
        return int(resident.split()[1]) * 1024, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return 0, 0


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used (proc(5): fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; 0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] if ranked else 0.0
