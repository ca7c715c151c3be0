"""The processes under test: the server, and a mongod of the harness's own. What was started is ended, in any case."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from chat.mongod import find_binary
from tests.faults.plain_http import Address, ask

ROOT = Path(__file__).parents[2]
START_TIMEOUT = 60.0
STOP_TIMEOUT = 15.0
# It may be said that mongod has ended, or does not start on a full disk.
EXPECTED_IN_LOG = (
    "mongod has stopped, starting it again",
    "mongod did not start: ",
)
# Below the ports that the kernel gives to clients: one that tries again and again to reach a server that is down would
# some day be given the server's own port and reach itself.
PORTS = range(15_000, 30_000)


def free_port() -> int:
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port")


class Process:
    """A child process, with its output in a file."""

    def __init__(self, command: Sequence[str], folder: Path, output: Path, environment: Mapping[str, str]) -> None:
        self.output = output
        with output.open("ab") as file:
            self._child = subprocess.Popen(
                command,
                cwd=folder,
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._child.poll()

    def signal(self, number: int) -> None:
        if self.status is None:
            self._child.send_signal(number)

    async def ended(self, timeout: float = STOP_TIMEOUT) -> int:
        """Its exit status; raises TimeoutError."""
        end = time.monotonic() + timeout
        while (status := self.status) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"process {self.pid} did not end within {timeout:.0f} s")
            await asyncio.sleep(0.005)
        return status

    def end(self) -> None:
        """Ends it at once, stopped or not."""
        self.signal(signal.SIGKILL)
        self._child.wait()


class Mortal:
    """What runs as a process that can be stopped, killed, and begun again."""

    process: Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.signal(number)

    async def kill(self) -> None:
        assert self.process is not None
        self.process.signal(signal.SIGKILL)
        await self.process.ended()


class Server(Mortal):
    """A Parley in a folder. It keeps its port when it is started again."""

    def __init__(
        self,
        folder: Path,
        *flags: str,
        mongo: str = "",
        data: Path | None = None,
        entry: Sequence[str] = ("server.py",),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data = data or folder / "data"
        self.address = Address("127.0.0.1", free_port())
        self.process: Process | None = None
        self.log = folder / "server.log"
        self._entry = entry
        self._environment = dict(environment or {})
        logs = ("--log-level=warning", "--log-format=plain")
        self._flags = [*flags, f"--port={self.address.port}", f"--data={self.data}", *logs]
        if mongo:
            self._flags.append(f"--mongo={mongo}")

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    def spawn(self) -> None:
        self.process = Process([sys.executable, *self._entry, *self._flags], ROOT, self.log, self._environment)

    async def start(self) -> None:
        """Returns when it is healthy; raises RuntimeError with the end of its log."""
        self.spawn()
        end = time.monotonic() + START_TIMEOUT
        while await self.health() != 200:
            assert self.process is not None
            if self.process.status is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start: {self.log.read_text()[-500:]}")
            await asyncio.sleep(0.02)

    async def health(self) -> int:
        """The status of /healthz; 0 if nobody answers within 3 s."""
        try:
            async with asyncio.timeout(3):
                return (await ask(self.address, "GET", "/healthz")).status
        except (OSError, TimeoutError):
            return 0

    async def terminate(self) -> int:
        """Asks it to stop; its exit status."""
        assert self.process is not None
        self.process.signal(signal.SIGTERM)
        return await self.process.ended()

    def mongod_pid(self) -> int | None:
        """The private mongod, which outlives a server that was killed."""
        with suppress(OSError, ValueError):
            pid = int((self.data / "mongod.lock").read_text())
            if Path(f"/proc/{pid}/cwd").resolve() == self.data.resolve():
                return pid
        return None

    def errors(self) -> list[str]:
        """The lines of its log that say something unexpected happened."""
        with suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()
            loud = [line for line in lines if " ERROR " in line or " CRITICAL " in line]
            return [line for line in loud if not any(expected in line for expected in EXPECTED_IN_LOG)]
        return []

    async def close(self) -> None:
        """Stops it, and by force what is left of it."""
        try:
            if self.process is not None and self.process.status is None:
                self.process.signal(signal.SIGCONT)
                with suppress(TimeoutError):
                    await self.terminate()
        finally:
            if self.process is not None:
                self.process.end()
            pid = self.mongod_pid()
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class Mongod(Mortal):
    """A one-member replica set on a loopback port, of the harness's own: it can be killed and comes back on demand."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._port = free_port()
        self._options = options
        self.process: Process | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}/?directConnection=true"

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            await self.start()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    async def start(self) -> None:
        """Returns when it takes writes; raises RuntimeError if it ended instead."""
        command = [
            find_binary(),
            *("--dbpath", str(self.folder), "--bind_ip", "127.0.0.1", "--port", str(self._port)),
            *("--nounixsocket", "--replSet", "faults", "--oplogSize", "64", "--wiredTigerCacheSizeGB", "0.25"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false", *self._options),
        ]
        self.process = Process(command, self.folder, self.folder.with_suffix(".log"), {})
        end = time.monotonic() + START_TIMEOUT
        client: AsyncMongoClient[dict[str, object]]
        async with AsyncMongoClient(self.uri, timeoutMS=1000) as client:
            while not await self._is_primary(client):
                if self.process.status is not None or time.monotonic() > end:
                    raise RuntimeError(f"mongod did not start (exit status {self.process.status})")
                await asyncio.sleep(0.02)

    async def _is_primary(self, client: "AsyncMongoClient[dict[str, object]]") -> bool:
        with suppress(PyMongoError):
            hello = await client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return True
            if "valid replica set config" in str(hello.get("info")):
                members = [{"_id": 0, "host": f"127.0.0.1:{self._port}"}]
                await client.admin.command("replSetInitiate", {"_id": "faults", "members": members})
        return False

    def close(self) -> None:
        if self.process is not None:
            self.process.end()
