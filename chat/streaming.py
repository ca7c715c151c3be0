"""Waiters with an open connection: what waits for a client, how much of it may, and how it is closed."""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from chat.callers import Caller
from chat.framing import Sendable, direct_send, send_now
from chat.protocol import CloseCode
from chat.waiter import Tick, Transport, Waiter

if TYPE_CHECKING:
    from chat.room import Room

# A slow client is given this many bytes at a time, so that a close frame soon gets its turn.
WRITE_SIZE = 64 * 1024


class StreamingWaiter(Waiter):
    """A client with an open connection, to which bytes are written as they come.

    While its stream still writes it is blocked: what comes is kept here and counted. Past half the limit what passes is
    dropped; past the limit the client is too slow: it leaves its rooms and is closed with 4008. Shared bytes are kept
    by reference, so a hundred slow clients of a room cost one copy.

    While it is in one room and nothing waits for it, it stands in the crowd of that room, if it takes broadcasts as
    they are (`in_crowds`): those are sent past it.
    """

    in_crowds = False

    __slots__ = (
        "_backlog",
        "_blocked",
        "_blocks",
        "_closing",
        "_crowded",
        "_grace",
        "_limit",
        "_next",
        "_pending",
        "_send",
        "_socket",
        "_stream",
        "_transport",
        "tick",
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
        self.tick = tick
        self._limit = limit
        self._grace = grace
        # What a delivery to thousands touches of each is kept here, not a step further: each step is a cache miss.
        self._send = direct_send(stream)
        self._socket: socket.socket | None = None
        if self.in_crowds and not isinstance(stream, SSLIOStream):
            self._socket = stream.socket
        self._crowded: Room | None = None
        self._next: bytes | None = None
        self._pending: list[bytes] | None = None
        self._backlog = 0
        self._blocked = False
        self._blocks: Callable[[Waiter], object] = _tell_nobody
        self._closing: tuple[int, str] | None = None

    @property
    def backlog(self) -> int:
        """Bytes taken and not yet handed to the kernel."""
        return self._backlog

    @property
    def is_behind(self) -> bool:
        return self._blocked

    def watch_backlog(self, begins: Callable[[Waiter], object]) -> None:
        self._blocks = begins

    def put(self, data: bytes) -> None:
        """Takes bytes to be sent at the end of this turn of the loop, or when the connection has room."""
        self.scatter()
        if self._blocked:
            self._keep(data)
        elif self._next is None:
            self._next = data
            self.tick.touch(self)
        else:
            self._append(data)

    def put_now(self, data: bytes) -> None:
        """Takes bytes that need no place among the others: they are sent at once unless something of its own waits.

        One in a crowd stays there, which for the pings of thousands is a fifth of what they cost.
        """
        if self._blocked or self._next is not None:
            self.put(data)
        else:
            rest = send_now(self._send, data)
            if rest != b"":
                self.go_on(rest)

    def gather(self) -> None:
        if (
            self._socket is not None
            and self._crowded is None
            and self._next is None
            and not self._blocked
            and len(self.rooms) == 1
        ):
            (room,) = self.rooms.values()
            if room.gather(self, self._socket):
                self._crowded = room

    def scatter(self) -> None:
        if self._crowded is not None:
            room, self._crowded = self._crowded, None
            owed = room.scatter(self)
            if owed:
                self.put(owed)

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
            self.tick.touch(self)

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
            if rest == b"":
                self.gather()
            else:
                self.go_on(rest)

    @property
    def closed(self) -> bool:
        return self._closing is not None

    def close(self, code: int, reason: str, *, grace: bool = True) -> None:
        """Leaves the rooms, then closes the connection; harmless when repeated.

        What waits is dropped: the client comes back with its cursor. One whose connection is full is given some time
        to read why, unless there is no `grace`, which ends the time it has been given.
        """
        if self._closing is not None:
            if not grace:
                self._transport.close_transport(*self._closing)
            return
        self.scatter()
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
        self._transport.left(code)

    def _forget(self) -> None:
        """Drops what is not the stream's yet."""
        self._backlog = max(0, self._backlog - sum(map(len, self._pending or ())))
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
                self.go_on(rest)
                return
        self.gather()

    def go_on(self, rest: Sendable | None) -> None:
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
        self._blocks(self)
        self.scatter()
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


def _tell_nobody(_: Waiter) -> None:
    """Before anybody watches."""


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
