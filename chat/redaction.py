"""Redaction: the texts of deleted messages leave the store, whoever waits for it and whatever comes between."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from pymongo.errors import PyMongoError

from chat.database import summary, unusable
from chat.entries import Entry
from chat.errors import Unavailable
from chat.history import History
from chat.room import Room

log = logging.getLogger("parley.redaction")

# Seconds for what is under way when the server stops: it takes some milliseconds while MongoDB is there.
LAST = 0.5


class Redaction:
    """Follows the deletions that are published, and does for each what is left to do in the store: at once, or as soon
    as MongoDB answers again. What a crash has left undone is done by the next start.

    A deletion counts from when it is stored; nobody is shown the text from then on. `pause`: seconds between tries.
    """

    def __init__(self, history: History, *, pause: float) -> None:
        self._history = history
        self._pause = pause
        self._under_way: dict[tuple[str, int], asyncio.Task[None]] = {}

    async def prepare(self) -> None:
        """Begins with what is left from before; raises DatabaseError."""
        try:
            for key, deletion in await self._history.unredacted():
                self._begin(key, deletion)
        except PyMongoError as error:
            raise unusable(error) from None

    def published(self, room: Room, entries: Sequence[Entry]) -> None:
        """These are in the log of a room."""
        for entry in entries:
            if entry.type == "delete" and not room.over:  # of one that is over all goes
                self._begin(room.key, entry)

    async def done(self, room: Room, deletion: Entry) -> None:
        """Returns when the text is gone, or could not be removed yet."""
        task = self._under_way.get((room.key, deletion.target))
        if task is not None:
            await asyncio.shield(task)

    async def stop(self) -> None:
        """Finishes what takes no longer than usual; the rest is left to the next start."""
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=LAST)
        for task in list(self._under_way.values()):
            task.cancel()

    def _begin(self, key: str, deletion: Entry, *, again: bool = False) -> None:
        mark = (key, deletion.target)
        if mark not in self._under_way:
            task = self._under_way[mark] = asyncio.get_running_loop().create_task(self._redact(key, deletion, again))
            task.add_done_callback(lambda done: self._under_way.pop(mark, None))

    async def _redact(self, key: str, deletion: Entry, again: bool) -> None:
        try:
            await self._history.redact(key, deletion.target, deletion.at)
        except Unavailable as error:
            if not again:
                why = summary(error.__cause__)
                log.warning("the text of %s/%d could not be removed yet: %s", key, deletion.target, why)
            asyncio.get_running_loop().call_later(self._pause, partial(self._begin, key, deletion, again=True))
        except Exception:
            log.exception("the text of %s/%d could not be removed", key, deletion.target)
