"""A change of the wall clock, forwards and backwards, under the server.

Not under MongoDB: the shim shifts what a process reads, but not the clock by which the kernel ends its timed waits, and
mongod's waits go by that one. A shifted mongod would wait for an hour where a real jump would not let it.
"""

import asyncio
import shutil
import struct
import subprocess
import time
from pathlib import Path

from tests.faults.checker import Violation
from tests.faults.load import read_history
from tests.faults.plain_http import sign_in
from tests.faults.report import Outcome
from tests.faults.stage import Options, Stage, folder, staged

HOUR = 3600
DAY = 24 * HOUR
JUMPS = (HOUR, -HOUR, 2 * DAY, -2 * DAY, 0)


class Clock:
    """The wall clock of the processes that are given its environment."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK_FILE": str(file)}
        self.set(0)

    def set(self, seconds: int) -> None:
        """Lets it differ from the machine's by so much from now on. The file keeps its place: it is mapped."""
        if not self._file.exists():
            self._file.write_bytes(bytes(8))
        with self._file.open("r+b", buffering=0) as file:
            file.write(struct.pack("=q", seconds))


async def clock(options: Options) -> Outcome:
    """The clock jumps by an hour and by two days: `at` never runs backwards, no connection is lost, no session ends."""
    compiler = shutil.which("cc")
    if compiler is None:
        return Outcome("clock", skipped="there is no C compiler for the shim that shifts the clock")
    async with folder("clock") as base:
        library = base / "wall_clock.so"
        source = Path(__file__).with_name("wall_clock.c")
        command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
        done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, text=True)
        if done.returncode:
            return Outcome("clock", skipped=f"the shim that shifts the clock cannot be compiled: {done.stderr[:100]}")
        shifted = Clock(library, base / "offset")
        async with staged("clock", options, own_mongod=(), environment=shifted.environment) as stage:
            return await _jump(stage, shifted)


async def _jump(stage: Stage, shifted: Clock) -> Outcome:
    begin = time.monotonic()
    for seconds in JUMPS:
        began = stage.blow()
        shifted.set(seconds)
        await stage.recovered(began)
        await stage.pause(1.5, 2.5)
    await _check_shim(stage)
    end = time.monotonic()
    outcome = await stage.verdict()
    lost = [
        event
        for event in stage.journal.events
        if event.kind == "closed" and begin <= event.at <= end and event.note != "moved on"
    ]
    if lost:
        stage.found.append(Violation(0, f"{len(lost)} sessions were lost, as {lost[0].client}: {lost[0].note}"))
    return outcome


async def _check_shim(stage: Stage) -> None:
    """The jumps did happen: the history has times that are two days ahead."""
    headers = await sign_in(stage.server.address, "reader of clocks")
    newest = [
        message.at for room in stage.load.rooms for message in await read_history(stage.server.address, room, headers)
    ]
    if max(newest) / 1000 < time.time() + DAY:
        stage.found.append(Violation(0, "the shim did not shift the server's clock: the run shows nothing"))
