"""Waiters with a real connection under them, and the tick that they share."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from tornado.iostream import IOStream

from chat.broadcast import Broadcast
from chat.callers import Caller
from chat.people import User
from chat.waiter import Tick
from chat.waiters import SocketWaiter, StreamWaiter
from tests.rooms import ANN

LIMIT = 100_000


class FakeTransport:
    """Remembers what the waiter asks of its handler."""

    def __init__(self) -> None:
        self.has_left = 0
        self.closes: list[tuple[int, str]] = []
        self.closed = asyncio.Event()

    def left(self, code: int) -> None:
        self.has_left += 1

    def close_transport(self, code: int, reason: str) -> None:
        self.closes.append((code, reason))
        self.closed.set()

    @property
    def code(self) -> int:
        return self.closes[0][0]


class ManualTick:
    """A tick that a test turns."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []
        self.tick = Tick(self._calls.append)

    def turn(self) -> None:
        calls, self._calls[:] = list(self._calls), []
        for call in calls:
            call()

    @property
    def asked(self) -> int:
        return len(self._calls)


class Line:
    """A connection with a waiter at one end; the other end reads only when it is told to."""

    def __init__(
        self,
        kind: type[SocketWaiter] | type[StreamWaiter] = SocketWaiter,
        grace: float = 30,
        chunked: bool = True,
        *,
        user: User = ANN,
        ticks: ManualTick | None = None,
    ) -> None:
        ours, self.far = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
        self.far.setblocking(False)
        self.stream = IOStream(ours)
        self.transport = FakeTransport()
        self.ticks = ticks or ManualTick()
        bounds: dict[str, Any] = {"limit": LIMIT, "grace": grace}
        if kind is StreamWaiter:
            bounds["chunked"] = chunked
        self.waiter: Any = kind(Caller(user=user), self.stream, self.transport, self.ticks.tick, **bounds)

    def deliver(self, broadcast: Broadcast) -> None:
        """As a room does it."""
        self.waiter.deliver(broadcast, self.waiter.user.id in broadcast.senders)

    def put(self, data: bytes) -> None:
        self.waiter.put(data)
        self.ticks.turn()

    def fill(self) -> int:
        """Sends until the kernel takes no more; gives the size of all that was sent."""
        size = 0
        while not self.waiter.backlog:
            self.put(b"x" * 10_000)
            size += 10_000
        return size

    async def read(self, size: int) -> bytes:
        data = b""
        async with asyncio.timeout(10):
            while len(data) < size:
                data += await asyncio.get_running_loop().sock_recv(self.far, size - len(data))
        return data

    def drain(self) -> bytes:
        """What the kernel holds, read without giving way to the loop."""
        data = b""
        with suppress(BlockingIOError):
            while True:
                data += self.far.recv(65_536)
        return data

    def close(self) -> None:
        self.stream.close()
        self.far.close()


@asynccontextmanager
async def line(kind: Any = SocketWaiter, grace: float = 30, chunked: bool = True) -> AsyncIterator[Line]:
    made = Line(kind, grace, chunked)
    try:
        yield made
    finally:
        made.close()
