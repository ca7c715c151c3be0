"""The processes that work on one database, each with a document that it renews while it lives."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from pymongo.errors import PyMongoError

from chat.database import DURABLE, Database, Document, unusable

# A process says so often that it lives (seconds), and counts as dead when it has not for so long: three beats may be
# late before anybody is believed to have left.
BEAT = 1.0
LEASE = 4.0
# This run of the program, as numbers of processes come again.
RUN = secrets.token_hex(8)
# What a look counts for at most: while MongoDB is away nobody can say that they live.
LOOK = 2 * BEAT


def process_name() -> str:
    """Names this process among all that there ever are on one database."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"


class _Seen:
    """A process, as its document says: how often it has beaten, and for how long that has stayed the same."""

    __slots__ = ("beats", "born", "silent")

    def __init__(self, born: int, beats: int) -> None:
        self.born = born
        self.beats = beats
        self.silent = 0.0


class Processes:
    """Whether a process lives is judged by whether its document changes, so that no two clocks are compared."""

    def __init__(self, database: Database, process: str, clock: Callable[[], float]) -> None:
        self._processes = database.get_collection("processes", write_concern=DURABLE)
        self._meta = database.get_collection("meta", write_concern=DURABLE)
        self.process = process
        self._clock = clock
        self._born = 0
        self._seen: dict[str, _Seen] = {}
        self._looked = clock()
        self._beaten = -LEASE
        self.was_missed = False
        """Whether it was taken for dead before its last beat."""

    def others(self) -> set[str]:
        """The other processes that live."""
        return {name for name, seen in self._seen.items() if name != self.process and seen.silent < LEASE}

    @property
    def leads(self) -> bool:
        """Whether this is the oldest that lives; one that could not say for a while that it lives is not sure."""
        if self._clock() - self._beaten >= LEASE:
            return False
        ages = {name: seen.born for name, seen in self._seen.items() if name in self.others()}
        return all((self._born, self.process) <= (born, name) for name, born in ages.items())

    async def join(self) -> None:
        """Says that it is there, and looks who else is; raises DatabaseError."""
        try:
            await self._bury()
            await self.beat()
        except PyMongoError as error:
            raise unusable(error) from None

    async def beat(self) -> set[str]:
        """Says that it lives; returns those who are dead since the last time. Raises PyMongoError."""
        if not self._born:
            counted = await self._meta.find_one_and_update(
                {"_id": "processes"}, {"$inc": {"born": 1}}, upsert=True, return_document=True
            )
            assert counted is not None
            self._born = counted["born"]
        facts = {"born": self._born, "place": _place(), "pid": os.getpid(), "run": RUN}
        update = {"$inc": {"beats": 1}, "$set": facts}
        is_first = self.process not in self._seen
        renewed = await self._processes.update_one({"_id": self.process}, update, upsert=True)
        self.was_missed = not is_first and renewed.matched_count == 0
        self._beaten = self._clock()
        return await self._look()

    async def _look(self) -> set[str]:
        found = await self._processes.find({}).to_list(None)
        now, before = self._clock(), self._looked
        self._looked = now
        there = {document["_id"]: document for document in found}
        dead = set(self._seen) - set(there)
        for name, document in there.items():
            seen = self._seen.get(name)
            if seen is None or seen.beats != document["beats"]:
                self._seen[name] = _Seen(document["born"], document["beats"])
            else:
                seen.silent += min(now - before, LOOK)
                if seen.silent >= LEASE:
                    dead.add(name)
        dead.discard(self.process)
        if dead:
            await self._processes.delete_many(
                {"$or": [{"_id": name, "beats": self._seen[name].beats} for name in sorted(dead)]}
            )
        for name in dead:
            del self._seen[name]
        return dead

    async def live(self) -> None:
        """Beats until it is cancelled, for one who asks nobody what is told."""
        while True:
            await asyncio.sleep(BEAT)
            with contextlib.suppress(PyMongoError):  # the next one may arrive
                await self.beat()

    async def leave(self) -> None:
        """It is no more; while MongoDB is away, the others find that out."""
        with contextlib.suppress(PyMongoError):
            await self._processes.delete_one({"_id": self.process})

    async def _bury(self) -> None:
        """Removes those of this machine that are not running any more, so that a restart waits for nobody."""
        async for document in self._processes.find({"_id": {"$ne": self.process}}):
            if _is_dead(document):
                await self._processes.delete_one({"_id": document["_id"]})

    async def find_rival(self) -> str | None:
        """A process that has joined before this one and lives; raises DatabaseError.

        Takes as long as it takes to see whether somebody lives who has left a document: until they beat, or LEASE.
        """
        try:
            counts: dict[str, int] = {}
            async for document in self._processes.find({"born": {"$lt": self._born}}):
                counts[document["_id"]] = document["beats"]
            end = self._clock() + LEASE
            while counts and self._clock() < end:
                await asyncio.sleep(BEAT / 4)
                there = {document["_id"]: document["beats"] async for document in self._processes.find({})}
                for name in list(counts):
                    if name not in there:
                        del counts[name]
                    elif there[name] != counts[name]:
                        return name
            await self._processes.delete_many({"_id": {"$in": list(counts)}})
        except PyMongoError as error:
            raise unusable(error) from None
        return None


def _place() -> str:
    """Where the numbers of processes mean the same: this machine, and within it this container."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()


def _is_dead(document: Document) -> bool:
    """Whether it ran here and does so no more."""
    if document.get("place") != _place():
        return False
    try:
        os.kill(document["pid"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return bool(document["pid"] == os.getpid() and document["run"] != RUN)  # an earlier one of the same number
