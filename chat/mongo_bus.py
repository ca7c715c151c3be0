"""The bus over MongoDB: one change stream for each process, over the logs and over what the processes tell each other.

A replica set is needed. The stream is read by plain commands, a whole batch at a time: a third of the cost of the
driver's own iteration.
"""

import asyncio
import contextlib
import datetime
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from pymongo.errors import ExecutionTimeout, OperationFailure, PyMongoError

from chat import notes
from chat.bus import Bus
from chat.database import DURABLE, Database, Document, summary, unusable
from chat.entries import Entry
from chat.errors import Unavailable
from chat.history import entry_of_document
from chat.notes import Note
from chat.processes import BEAT, Processes

log = logging.getLogger("parley.bus")

# Events of one reading at most: handing them on takes some milliseconds, and others get their turn.
BATCH = 200
# How long one reading waits when nothing comes (seconds), and so how long a stop may wait for it.
AWAIT = 0.5
# Between two tries to read, or to tell, while MongoDB is away (seconds).
RETRY = 0.25
# Notes are removed after this time (seconds): far longer than anybody is behind, or else they read everything anew.
NOTES_KEPT = 300
# Notes that wait to be told: beyond the first, passing ones are dropped; beyond the second, the oldest.
PASSING_LIMIT = 1_000
NOTES_LIMIT = 20_000
TOLD_AT_ONCE = 500
# For the last notes when the server stops (seconds).
LAST_NOTES = 0.5


class MongoBus(Bus):
    """`streaming` is the same database by a client whose operations may wait longer than others."""

    def __init__(self, database: Database, streaming: Database, process: str) -> None:
        super().__init__(process)
        clock = asyncio.get_running_loop().time
        self.processes = Processes(database, process, clock)
        self._notes = database.get_collection("notes", write_concern=DURABLE)
        self._streaming = streaming
        self._token: Document | None = None
        self._cursor: tuple[Any, int] | None = None
        self._is_behind = False
        self._unread: list[Document] = []
        self._queue: deque[bytes] = deque()
        self._something = asyncio.Event()
        self._all_said = asyncio.Event()
        self._all_said.set()
        self._hearing: list[asyncio.Task[None]] = []
        self._telling: list[asyncio.Task[None]] = []
        self._living: list[asyncio.Task[None]] = []

    @property
    def is_shared(self) -> bool:
        return True

    @property
    def leads(self) -> bool:
        return self.processes.leads

    def others(self) -> set[str]:
        return self.processes.others()

    def stored(self, log: str, entries: Sequence[Entry]) -> None:
        """The stream tells."""

    async def start(self) -> None:
        try:
            await self._notes.create_index("at", expireAfterSeconds=NOTES_KEPT, name="at")
            await self._open()
        except PyMongoError as error:
            raise unusable(error) from None
        await self.processes.join()
        for tasks, work in ((self._hearing, self._read), (self._telling, self._write), (self._living, self._live)):
            tasks.append(asyncio.get_running_loop().create_task(self._again_and_again(work)))

    def deafen(self) -> None:
        for task in (*self._hearing, *self._living):
            task.cancel()

    async def stop(self) -> None:
        self.deafen()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_said.wait(), LAST_NOTES)
        tasks = [*self._hearing, *self._living, *self._telling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._all_said.is_set():  # else MongoDB is away, and the others will find out
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.processes.leave(), LAST_NOTES)
        await self._close()

    async def _again_and_again(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except (PyMongoError, Unavailable) as error:
                log.warning("the bus is cut: %s", summary(error if isinstance(error, PyMongoError) else None))
            except Exception:
                log.exception("something of the bus failed")
            await asyncio.sleep(RETRY)

    # Hearing

    async def _open(self) -> None:
        """Begins, or goes on after the last token; raises PyMongoError."""
        await self._close()
        stages: list[Document] = [
            {"$changeStream": {"resumeAfter": self._token} if self._token else {}},
            {"$match": {"operationType": "insert", "ns.coll": {"$in": ["entries", "notes"]}}},
            {"$project": {"ns.coll": 1, "fullDocument": 1}},
        ]
        session = await self._streaming.client.start_session()
        try:
            reply = await self._streaming.command(
                {
                    "aggregate": 1,
                    "pipeline": stages,
                    "cursor": {"batchSize": BATCH},
                    "readConcern": {"level": "majority"},
                },
                session=session,
            )
        except BaseException:
            await session.end_session()
            raise
        self._cursor = session, reply["cursor"]["id"]
        self._token = reply["cursor"].get("postBatchResumeToken", self._token)
        self._unread = reply["cursor"]["firstBatch"]

    async def _close(self) -> None:
        """Whatever MongoDB keeps for it ends with its session."""
        if self._cursor is not None:
            (session, _), self._cursor = self._cursor, None
            await session.end_session()

    async def _read(self) -> None:
        try:
            if self._cursor is None:
                await self._resume()
            if self._is_behind and self._follower is not None:
                await self._follower.recover()
            self._is_behind = False
            while True:
                self._hand_on(self._unread)
                self._unread = []
                await self._more()
        finally:
            await self._close()

    async def _resume(self) -> None:
        """Goes on after the last token; where MongoDB refuses that, as its history does not reach back so far, what was
        told meanwhile is lost and everything is to be read anew."""
        try:
            await self._open()
        except ExecutionTimeout:
            raise
        except OperationFailure:
            if self._token is None:
                raise
            self._begin_anew()
            await self._open()

    async def _more(self) -> None:
        assert self._cursor is not None
        session, number = self._cursor
        reply = await self._streaming.command(
            {"getMore": number, "collection": "$cmd.aggregate", "batchSize": BATCH, "maxTimeMS": int(AWAIT * 1000)},
            session=session,
        )
        self._unread = reply["cursor"]["nextBatch"]
        self._token = reply["cursor"].get("postBatchResumeToken", self._token)
        if not reply["cursor"]["id"]:  # the database was dropped
            self._begin_anew()
            raise OperationFailure("the change stream has ended")

    def _begin_anew(self) -> None:
        log.warning("the change stream cannot be resumed; everything is read anew")
        self._token = None
        self._is_behind = True

    def _hand_on(self, events: list[Document]) -> None:
        entries: dict[str, list[Entry]] = {}
        follower = self._follower
        for event in events:
            document = event["fullDocument"]
            if event["ns"]["coll"] == "entries":
                if follower is not None and follower.wants(document["log"], document["seq"]):
                    entries.setdefault(document["log"], []).append(entry_of_document(document))
            elif document["by"] != self.process:
                self._hand_over(entries)
                for data in document["notes"]:
                    self._decode(data, document["by"])
        self._hand_over(entries)

    def _hand_over(self, entries: dict[str, list[Entry]]) -> None:
        for key, added in entries.items():
            self._take(key, added)
        entries.clear()

    def _decode(self, data: bytes, by: str) -> None:
        try:
            note = notes.decode(data)
        except msgspec.MsgspecError as error:
            log.debug("a note of %s is not understood: %s", by, error)  # of a newer version
        else:
            self._told(note, by)

    # Telling

    def tell(self, note: Note) -> None:
        if note.passing and len(self._queue) >= PASSING_LIMIT:
            return
        self._queue.append(notes.encode(note))
        self._drop_oldest()
        self._all_said.clear()
        self._something.set()

    async def _write(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            while self._queue:
                some = [self._queue.popleft() for _ in range(min(len(self._queue), TOLD_AT_ONCE))]
                at = datetime.datetime.now(datetime.UTC)
                try:
                    await self._notes.insert_one({"by": self.process, "at": at, "notes": some})
                except PyMongoError:
                    self._put_back(some)
                    raise
            self._all_said.set()

    def _put_back(self, some: list[bytes]) -> None:
        """They are the oldest, and the next ones to be told."""
        self._queue.extendleft(reversed(some))
        self._drop_oldest()
        self._something.set()

    def _drop_oldest(self) -> None:
        while len(self._queue) > NOTES_LIMIT:
            self._queue.popleft()

    # Living

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            for process in await self.processes.beat():
                log.info("the process %s is no more", process)
                self._lost(process)
            if self.processes.was_missed:
                log.warning("this process was silent for so long that it was taken for dead")
                self._returned()
