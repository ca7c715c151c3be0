"""The MongoDB of a test run."""

import asyncio
import itertools
import os
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import pymongo

from chat.database import Connection
from chat.history import History
from chat.mongod import PrivateMongod

# Long enough for a machine that is busy with other things.
TIMEOUT = 10.0
# Of servers that are to wait for MongoDB in vain: what they store before and after takes less, on whatever machine.
SHORT_TIMEOUT = 2.0
IN_VAIN = 0.2
# A database is used again after so many others: whatever a test left under way has ended by then.
RESTED = 20


class SessionMongod:
    """One private mongod for all tests.

    Its databases are used again, emptied: to make all their collections and indexes takes half a second each.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mongod = PrivateMongod(folder, cache=0.25)
        self._numbers = itertools.count(1)
        self._used: deque[str] = deque()

    def __enter__(self) -> Self:
        asyncio.run(self._mongod.start())
        self.uri = self._mongod.uri
        self.client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.uri)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        asyncio.run(self._mongod.stop())

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stalled, and what is asked meanwhile, in this context, is not waited for long."""
        with self.stalled(), pymongo.timeout(IN_VAIN):
            yield

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

    def new_name(self) -> str:
        """Of a database that nobody has used."""
        return f"test-{os.getpid()}-{next(self._numbers)}"

    def empty_name(self) -> str:
        """Of a database that holds nothing, but has perhaps its collections and indexes already.

        Who changes more than documents takes a new one.
        """
        if len(self._used) <= RESTED:
            return self.new_name()
        name = self._used.popleft()
        for collection in self.client[name].list_collection_names():
            self.client[name][collection].delete_many({})
        return name

    def give_back(self, name: str) -> None:
        """Nobody uses it any more."""
        self._used.append(name)

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
