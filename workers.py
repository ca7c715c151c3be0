"""Several processes of one server: a parent that holds the sockets and MongoDB, and workers that serve."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Self

import msgspec

log = logging.getLogger("parley.workers")

# Where a worker is told what it is; no setting, as nobody but the parent has anything to say there.
VARIABLE = "_PARLEY_WORKER"
READY = b"r"
# A worker that has died is begun again after this time, twice as long each time it does not even come to serve
# (seconds).
RESTART = 0.1
RESTART_LIMIT = 10.0
# Beyond its own time to stop, before it is killed (seconds).
STOP_SLACK = 3.0


class WorkerError(Exception):
    """A worker cannot start, and has said why; `status` is what it ended with."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a worker ended with status {status}")
        self.status = status


class Worker(msgspec.Struct, frozen=True):
    """What a worker is told: its number, MongoDB, and by their file numbers the sockets to listen on and the `line` to
    its parent, which breaks when that is gone."""

    number: int
    mongo: str
    sockets: list[int]
    line: int

    @classmethod
    def of(cls, environment: "os._Environ[str]") -> Self | None:
        """This process as a worker, if it is one."""
        told = environment.pop(VARIABLE, "")
        return msgspec.json.decode(told, type=cls) if told else None

    def listening(self) -> list[socket.socket]:
        return [socket.socket(fileno=number) for number in self.sockets]

    def ready(self, orphaned: Callable[[], object]) -> None:
        """Tells the parent that it serves; `orphaned` is called if that goes away without a word."""
        line = socket.socket(fileno=self.line)
        line.setblocking(False)
        with contextlib.suppress(OSError):
            line.send(READY)

        def broken() -> None:
            loop.remove_reader(line)
            orphaned()

        loop = asyncio.get_running_loop()
        loop.add_reader(line, broken)


class Workers:
    """Begins `count` workers, as this very program with the same arguments, and begins each again that dies.

    `patience`: seconds in which one stops.
    """

    def __init__(self, count: int, sockets: Sequence[socket.socket], mongo: str, *, patience: float) -> None:
        self._count = count
        self._sockets = sockets
        self._mongo = mongo
        self._patience = patience
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._lines: dict[int, socket.socket] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Returns when all serve; raises WorkerError. The first goes first, and finds what is wrong."""
        await self._begin(0)
        await asyncio.gather(*map(self._begin, range(1, self._count)))
        for number in range(self._count):
            self._tasks.append(asyncio.get_running_loop().create_task(self._keep(number)))

    def signal(self, number: int) -> None:
        """Passes a signal on."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    async def stop(self) -> None:
        """Stops all, after a time by force."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.signal(signal.SIGTERM)
        ended = [asyncio.create_task(process.wait()) for process in self._running.values()]
        if ended:
            _, late = await asyncio.wait(ended, timeout=self._patience + STOP_SLACK)
            if late:
                log.error("%d workers did not stop in time", len(late))
                self.signal(signal.SIGKILL)
                await asyncio.wait(late)
        for line in self._lines.values():
            line.close()
        self._running.clear()

    async def _begin(self, number: int) -> None:
        """Returns when the worker serves; raises WorkerError."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._lines[number] = ours
        with theirs:
            files = [each.fileno() for each in self._sockets]
            told = Worker(number, self._mongo, files, theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *sys.orig_argv[1:],
                env=os.environ | {VARIABLE: msgspec.json.encode(told).decode()},
                pass_fds=[*files, theirs.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is for the parent, which stops them in order
            )
        self._running[number] = process
        if await asyncio.get_running_loop().sock_recv(ours, 1) != READY:
            ours.close()
            raise WorkerError(await process.wait())

    async def _keep(self, number: int) -> None:
        wait = RESTART
        while True:
            status = await self._running[number].wait()
            log.error("worker %d has ended with status %d, beginning it again", number, status)
            self._lines[number].close()
            await asyncio.sleep(wait)
            begun = time.monotonic()
            try:
                await self._begin(number)
                wait = RESTART
            except (WorkerError, OSError) as error:
                log.error("worker %d did not start within %.1f s: %s", number, time.monotonic() - begun, error)
                wait = min(wait * 2, RESTART_LIMIT)
