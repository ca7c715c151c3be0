"""What has been said but not yet acknowledged."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from parley_client.errors import OutboxFull, ParleyError, Refused
from parley_client.events import Ack
from parley_client.outbox_file import OutboxFile
from parley_client.subscription import room_key
from parley_client.wire import Command, Error

ANSWER_WITHIN = 10.0
"""An answer that has not come after so long is asked for again, in seconds."""

PASSING = frozenset({"unavailable", "rate_limited"})
"""The errors after which waiting helps."""

PAUSE = 2.0
"""How long to wait where the server does not say it, in seconds."""

log = logging.getLogger("parley_client")


@dataclass(slots=True, eq=False)
class _Item:
    command: Command
    lane: str
    answer: asyncio.Future[Ack]
    patient: bool = True


@dataclass(slots=True)
class _Lane:
    """What waits for one room, in order; the first is under way while there is a `timer`."""

    items: deque[_Item] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None

    def release(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Outbox:
    """Sends each command again under its key until it is acknowledged or refused.

    In each room one is under way at a time, which keeps their order. `send` says false while there is no connection.
    With a `file` what is not acknowledged outlives the process.
    """

    def __init__(self, send: Callable[[Command], bool], *, limit: int, file: OutboxFile | None = None) -> None:
        self._send = send
        self._limit = limit
        self._file = file
        self._lanes: dict[str, _Lane] = {}
        self._waiting: dict[str, _Item] = {}
        self._closed: ParleyError | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        for command in file.open() if file else ():
            self._put(command)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, command: Command, *, patient: bool = True) -> asyncio.Future[Ack]:
        """Takes a command, which is sent whatever becomes of the future; raises OutboxFull, or why it is closed.

        Where it is too much for now it waits, unless it is not to be `patient`: then it is refused.
        """
        if self._closed is not None:
            raise self._closed
        if len(self._waiting) >= self._limit:
            raise OutboxFull(f"{self._limit} messages wait to be acknowledged.")
        if self._file:
            self._file.add(command)
        item = self._put(command, patient=patient)
        self._pump(item.lane)
        return item.answer

    async def emptied(self) -> None:
        """Waits until nothing waits any more."""
        await self._empty.wait()

    def start_afresh(self) -> None:
        """There is another connection, which knows nothing of what was under way."""
        for key, lane in list(self._lanes.items()):
            lane.release()
            self._pump(key)

    def acknowledge(self, key: str, ack: Ack) -> None:
        """A command is stored, as an acknowledgement or its own entry says."""
        item = self._waiting.get(key)
        if item is None:
            return
        self._remove(item)
        if not item.answer.done():
            item.answer.set_result(ack)

    def refuse(self, error: Error) -> None:
        """A command is refused, for now or for good."""
        item = self._waiting.get(error.key or "")
        if item is None:
            return
        if error.code in PASSING and (item.patient or error.code != "rate_limited"):
            self._postpone(item, PAUSE if error.retry_after is None else error.retry_after)
        elif error.code != "unauthenticated":  # that one ends the connection
            log.info("a message was refused: %s", error.reason)
            self._remove(item)
            _fail(item, Refused(error.code, error.reason, retry_after=error.retry_after))

    def close(self, error: ParleyError) -> None:
        """Sends nothing any more; what waits in the file stays there."""
        self._closed = error
        for lane in self._lanes.values():
            lane.release()
        self._lanes.clear()
        for item in self._waiting.values():
            _fail(item, error)
        self._waiting.clear()
        self._empty.set()
        if self._file:
            self._file.close()

    def _put(self, command: Command, *, patient: bool = True) -> _Item:
        item = _Item(command, room_key(command.room), asyncio.get_running_loop().create_future(), patient)
        self._lanes.setdefault(item.lane, _Lane()).items.append(item)
        self._waiting[command.key] = item
        self._empty.clear()
        return item

    def _pump(self, key: str) -> None:
        lane = self._lanes.get(key)
        if lane is None or lane.timer is not None or not self._send(lane.items[0].command):
            return
        self._hold(key, lane, ANSWER_WITHIN)

    def _hold(self, key: str, lane: _Lane, seconds: float) -> None:
        """The lane is taken until an answer comes or the time is up; then its first command goes again."""
        lane.release()
        lane.timer = asyncio.get_running_loop().call_later(seconds, self._again, key, lane)

    def _again(self, key: str, lane: _Lane) -> None:
        lane.release()
        self._pump(key)

    def _postpone(self, item: _Item, seconds: float) -> None:
        lane = self._lanes[item.lane]
        if lane.items[0] is item:
            self._hold(item.lane, lane, seconds)

    def _remove(self, item: _Item) -> None:
        del self._waiting[item.command.key]
        lane = self._lanes[item.lane]
        if lane.items[0] is item:
            lane.items.popleft()
            lane.release()
        else:  # one of an earlier connection, answered late
            lane.items.remove(item)
        if not lane.items:
            del self._lanes[item.lane]
        if self._file:
            self._file.remove(item.command.key, is_empty=not self._waiting)
        if not self._waiting:
            self._empty.set()
        self._pump(item.lane)


def _fail(item: _Item, error: ParleyError) -> None:
    if not item.answer.done():
        item.answer.set_exception(error)
        item.answer.exception()  # nobody may be waiting for it any more
