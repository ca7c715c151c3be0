"""The MongoDB of a test run."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import pymongo

from chat.database import Connection
from chat.history import History
from chat.mongod import PrivateMongod

# Long enough for a machine that is busy with other things; tests of timeouts set their own.
TIMEOUT = 10.0


class SessionMongod:
    """One private mongod for all tests. A name for a database costs nothing, dropping one 100 ms of another thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mongod = PrivateMongod(folder, cache=0.25)
        self._numbers = itertools.count(1)
        self._dropping = ThreadPoolExecutor(1)
        self._drops: list[Future[Any]] = []

    def __enter__(self) -> Self:
        asyncio.run(self._mongod.start())
        self.uri = self._mongod.uri
        self.client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.uri)
        return self

    def __exit__(self, *_: object) -> None:
        self._dropping.shutdown()
        self.client.close()
        asyncio.run(self._mongod.stop())
        for drop in self._drops:
            drop.result()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """It does nothing meanwhile, and afterwards all that it was asked.

        Its threads go on for some milliseconds after the signal, enough for an answer: it is waited for the last one.
        """
        pid = self._mongod._running_pid()
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            while not _is_stopped(pid):
                time.sleep(0.001)
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def fresh_name(self) -> str:
        return f"test-{os.getpid()}-{next(self._numbers)}"

    def drop_later(self, name: str) -> None:
        self._drops.append(self._dropping.submit(self.client.drop_database, name))

    def connection(self, name: str, *, timeout: float = TIMEOUT) -> Connection:
        return Connection(self.uri, name, timeout=timeout)

    @asynccontextmanager
    async def history(self, name: str) -> AsyncIterator[History]:
        """A History on a database, with its indexes."""
        connection = self.connection(name)
        try:
            history = History(connection.database)
            await history.prepare()
            yield history
        finally:
            connection.close()


def _is_stopped(pid: int) -> bool:
    """Whether none of its threads runs (proc(5): the state follows the name in brackets)."""
    stats = [(thread / "stat").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)
