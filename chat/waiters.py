"""Waiters: how one client receives what its rooms publish, with its backlog and its limit."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tornado.iostream import IOStream, StreamClosedError

from chat.broadcast import Broadcast, Notice
from chat.callers import Caller
from chat.errors import ChatError
from chat.framing import Sendable, chunk, direct_send, event, frame, send_now
from chat.presence import CallLater
from chat.protocol import CloseCode, Unsubscribed, encode, error_reply

if TYPE_CHECKING:
    from chat.room import Room

log = logging.getLogger("parley.waiters")

# A slow client is given this many bytes at a time, so that a close frame soon gets its turn.
WRITE_SIZE = 64 * 1024


class Tick:
    """Collects the waiters that were given something in this turn of the event loop and flushes each once.

    So all that one turn brings a client leaves in one write, and a poll for several rooms is answered once.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._touched: list[Waiter] = []

    def touch(self, waiter: "Waiter") -> None:
        """The waiter's `flush` is called at the end of this turn. A waiter touches once until it is flushed."""
        if not self._touched:
            self._call_soon(self.flush)
        self._touched.append(waiter)

    def flush(self) -> None:
        touched, self._touched = self._touched, []
        for waiter in touched:
            try:
                waiter.flush()
            except Exception:
                log.exception("waiter of %s failed", waiter.user.id)


class Waiter(ABC):
    """One client, as the rooms see it. It is in `rooms` by their keys; the rooms own it."""

    __slots__ = ("caller", "rooms", "user")

    transport: str
    """`websocket`, `stream` or `poll`."""
    linger: float = 0
    """Seconds for which its person stays present in a room after it has left."""
    notices = True
    """Whether it wants to be told what passes."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.user = caller.user
        self.rooms: dict[str, Room] = {}

    @abstractmethod
    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        """Takes new entries; `own`: its person sent one of them. Never blocks, never raises for its client's sake,
        leaves no room."""

    @abstractmethod
    def notify(self, notice: Notice) -> None:
        """Takes something passing; may drop it."""

    @abstractmethod
    def flush(self) -> None:
        """Sends what was taken in this turn of the loop."""

    @abstractmethod
    def dismiss(self) -> None:
        """The server stops: answers or closes."""

    @abstractmethod
    def refuse(self, error: ChatError, code: CloseCode) -> None:
        """Ends with an error: the client is told, and then answered or closed with that code."""

    def lose(self, room: "Room", error: ChatError) -> None:
        """Is put out of a room."""
        room.leave(self)
        self.refuse(error, CloseCode.NOT_ALLOWED)

    def leave_all(self) -> None:
        """Leaves every room; harmless when repeated."""
        for room in list(self.rooms.values()):
            room.leave(self)


class Transport(Protocol):
    """The connection under a waiter, as its handler offers it."""

    def left(self) -> None:
        """The waiter has left its rooms for good."""

    def close_transport(self, code: int, reason: str) -> None: ...


class StreamingWaiter(Waiter):
    """A client with an open connection, to which bytes are written as they come.

    While its stream still writes it is blocked: what comes is kept here and counted. Past half the limit what passes is
    dropped; past the limit the client is too slow: it leaves its rooms and is closed with 4008. Shared bytes are kept
    by
    reference, so a hundred slow clients of a room cost one copy.
    """

    __slots__ = (
        "_backlog",
        "_blocked",
        "_closing",
        "_grace",
        "_limit",
        "_next",
        "_pending",
        "_send",
        "_stream",
        "_tick",
        "_transport",
    )

    def __init__(
        self,
        caller: Caller,
        stream: IOStream,
        transport: Transport,
        tick: Tick,
        *,
        limit: int,
        grace: float,
    ) -> None:
        super().__init__(caller)
        self._stream = stream
        self._transport = transport
        self._tick = tick
        self._limit = limit
        self._grace = grace
        # What a delivery to thousands touches of each is kept here, not a step further: each step is a cache miss.
        self._send = direct_send(stream)
        self._next: bytes | None = None
        self._pending: list[bytes] | None = None
        self._backlog = 0
        self._blocked = False
        self._closing: tuple[int, str] | None = None

    @property
    def backlog(self) -> int:
        """Bytes taken and not yet handed to the kernel."""
        return self._backlog

    def put(self, data: bytes) -> None:
        """Takes bytes to be sent at the end of this turn of the loop, or when the connection has room."""
        if self._blocked:
            self._keep(data)
        elif self._next is None:
            self._next = data
            self._tick.touch(self)
        else:
            self._append(data)

    def _append(self, data: bytes) -> None:
        if self._pending is None:
            self._pending = []
        self._pending.append(data)

    def _keep(self, data: bytes) -> None:
        """Counts what a slow client has to wait for; a closed one gets nothing more."""
        if self._closing is not None:
            return
        self._append(data)
        self._backlog += len(data)
        if self._backlog > self._limit:
            self._tick.touch(self)

    def put_passing(self, data: bytes) -> None:
        """Takes bytes that a slow client can do without."""
        if self._backlog * 2 <= self._limit:
            self.put(data)

    def flush(self) -> None:
        if self._blocked:
            if self._backlog > self._limit:
                self.close(CloseCode.SLOW_CONSUMER, "Too slow: more was waiting than the server keeps.")
        elif self._pending:
            self._write()
        elif self._next is not None:  # one alone, as it nearly always is
            data, self._next = self._next, None
            rest = send_now(self._send, data)
            if rest != b"":
                self._go_on(rest)

    @property
    def closed(self) -> bool:
        """Whether it has left, and gets and does nothing any more."""
        return self._closing is not None

    def close(self, code: int, reason: str, *, grace: bool = True) -> None:
        """Leaves the rooms, then closes the connection; harmless when repeated.

        What waits is dropped: the client comes back with its cursor. One whose connection is full is given some time
        to read why, unless there is no `grace`.
        """
        if self._closing is not None:
            return
        if not self._blocked:
            self._write()
        full = self._blocked
        self._leave(code, reason)
        if full and grace:
            asyncio.get_running_loop().call_later(self._grace, self._transport.close_transport, code, reason)
        else:
            self._transport.close_transport(code, reason)

    def dismiss(self) -> None:
        self.close(CloseCode.RESTARTING, "The server restarts.", grace=False)

    def gone(self) -> None:
        """The connection is closed already: leaves the rooms; harmless when repeated."""
        if self._closing is None:
            self._leave(0, "")

    def _leave(self, code: int, reason: str) -> None:
        self._closing = (code, reason)
        self._blocked = True
        self.leave_all()
        self._forget()
        self._transport.left()

    def _forget(self) -> None:
        self._next = None
        self._pending = None

    def _write(self) -> None:
        """Sends what waits, until the connection takes no more."""
        pending = self._pending or []
        if self._next is not None:
            pending.insert(0, self._next)
            self._next = None
        while pending:
            data = _taken(pending)
            self._pending = pending or None
            rest = send_now(self._send, data)
            if rest != b"":
                self._go_on(rest)
                return

    def _go_on(self, rest: Sendable | None) -> None:
        """After a send that did not take all: lets the stream write the rest, or closes it."""
        if rest is None:
            self._forget()
            self._stream.close()
        else:
            self._block(rest)

    def _block(self, rest: Sendable) -> None:
        """Lets the stream write `rest`, and goes on when it has."""
        try:
            written = self._stream.write(rest)
        except StreamClosedError:
            self._forget()
            return
        self._blocked = True
        self._backlog = len(rest) + sum(map(len, self._pending or ()))
        written.add_done_callback(self._unblock)

    def _unblock(self, written: "asyncio.Future[None]") -> None:
        self._backlog = 0
        if self._closing is not None:
            self._transport.close_transport(*self._closing)
            return
        self._blocked = False
        if written.cancelled() or written.exception() is not None:
            self._forget()
        else:
            self.written_beside()
            if not self._blocked:
                self._write()

    def written_beside(self) -> None:
        """The stream may have been given something by others (Tornado, a pong): waits until it has written that."""
        if not self._blocked and self._stream.writing():
            self._block(b"")


def _taken(pending: list[bytes]) -> bytes:
    """Removes about WRITE_SIZE bytes from the front of what is pending."""
    if len(pending) == 1:
        return pending.pop()
    size = count = 0
    while count < len(pending) and size < WRITE_SIZE:
        size += len(pending[count])
        count += 1
    data = b"".join(pending[:count])
    del pending[:count]
    return data


class SocketWaiter(StreamingWaiter):
    """A WebSocket client."""

    __slots__ = ()

    transport = "websocket"

    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        data = broadcast.frames_for(self.user.id) if own else broadcast.frames
        if self._blocked or self._next is not None:
            self.put(data)
        else:  # as it nearly always is: what `put` would do
            self._next = data
            self._tick.touch(self)

    def notify(self, notice: Notice) -> None:
        self.put_passing(notice.frame)

    def reply(self, payload: bytes) -> None:
        """Sends this client alone a JSON text."""
        self.put(frame(payload))

    def refuse(self, error: ChatError, code: CloseCode) -> None:
        self.reply(encode(error_reply(error)))
        self.close(code, error.reason)

    def lose(self, room: "Room", error: ChatError) -> None:
        """Who is in other rooms as well stays there, and is told which one is lost."""
        if len(self.rooms) == 1:
            super().lose(room, error)
        elif room.leave(self):
            self.reply(encode(error_reply(error, room=room.name)))
            self.reply(encode(Unsubscribed(room=room.name, changed=True)))


class StreamWaiter(StreamingWaiter):
    """A client of server-sent events.

    `cursors` are its rooms, by key in the order it asked for them, with the last `seq` sent.
    """

    __slots__ = ("_chunked", "cursors")

    transport = "stream"

    def __init__(
        self,
        caller: Caller,
        stream: IOStream,
        transport: Transport,
        tick: Tick,
        *,
        chunked: bool,
        limit: int,
        grace: float,
    ) -> None:
        super().__init__(caller, stream, transport, tick, limit=limit, grace=grace)
        self._chunked = chunked
        self.cursors: dict[str, int] = {}

    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        if len(self.cursors) == 1 and not own:
            self.put(broadcast.chunk if self._chunked else broadcast.events)
            return
        payloads = broadcast.payloads_for(self.user.id)
        for entry, payload in zip(broadcast.entries, payloads, strict=True):
            self.say(payload, broadcast.key, entry.seq)

    def notify(self, notice: Notice) -> None:
        self.put_passing(self.framed(notice.event))

    def say(self, payload: bytes, room: str, seq: int) -> None:
        """Sends this client alone a JSON text; the cursor of `room` becomes `seq`."""
        self.cursors[room] = seq
        self.put(self.framed(event(payload, ",".join(map(str, self.cursors.values())))))

    def refuse(self, error: ChatError, code: CloseCode) -> None:
        self.put(self.framed(event(encode(error_reply(error)))))
        self.close(code, error.reason)

    def framed(self, events: bytes) -> bytes:
        """The bytes in which events go over this connection: chunks for HTTP/1.1, as they are for 1.0."""
        return chunk(events) if self._chunked else events


class PollWaiter(Waiter):
    """A long-poll request. It is answered once, with all that has come by the end of the turn of the loop."""

    transport = "poll"

    __slots__ = ("_answer", "_call_later", "_came", "_refused", "_tick", "linger", "notices")

    def __init__(
        self,
        caller: Caller,
        tick: Tick,
        *,
        linger: float,
        notices: bool = False,
        call_later: CallLater | None = None,
    ) -> None:
        super().__init__(caller)
        self._call_later = call_later or asyncio.get_running_loop().call_later
        self.linger = linger
        self.notices = notices
        self._tick = tick
        self._came: list[Broadcast] = []
        self._refused: ChatError | None = None
        self._answer: asyncio.Future[list[Broadcast]] = asyncio.get_running_loop().create_future()

    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        if not self._came:
            self._tick.touch(self)
        self._came.append(broadcast)

    def notify(self, notice: Notice) -> None:
        """Who asked for the members is answered when they change; other notices do not concern a poll."""
        if notice.kind in ("joined", "left"):
            self._tick.touch(self)

    def flush(self) -> None:
        self.finish()

    def finish(self) -> None:
        """Answers with what has come, which may be nothing; harmless when repeated."""
        if not self._answer.done():
            self._answer.set_result(self._came)

    def dismiss(self) -> None:
        self.finish()

    def refuse(self, error: ChatError, code: CloseCode) -> None:
        """`wait` raises the error."""
        self._refused = self._refused or error
        self.finish()

    async def wait(self, seconds: float) -> list[Broadcast]:
        """What came within that time, by room in the order of the log; then it has left its rooms.

        Raises the ChatError with which it was refused.
        """
        timer = self._call_later(seconds, self.finish)
        try:
            came = await self._answer
        finally:
            timer.cancel()
            self.leave_all()
        if self._refused is not None:
            raise self._refused
        return came
