"""A TCP proxy that breaks on purpose."""

import asyncio
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.faults.plain_http import Address

Judge = Callable[[bytes], bool]


class Proxy:
    """Passes everything on to `target`, until it is told otherwise.

    `cut_at` is asked about what the server says, before it is passed on: where it says true, the connection is cut on
    both sides and those bytes are lost. While `silent` is set nothing passes, in either direction, and nothing is
    closed. While it is `held` nothing is read either, so that what the server says piles up before it; while it
    `is_down` whoever comes is hung up on. To the server its clients come from the address `source`, and where it is
    `narrow` it takes little of what they are told before it is read.
    """

    def __init__(
        self, target: Address, cut_at: Judge | None = None, *, source: str = "127.0.0.1", narrow: bool = False
    ) -> None:
        self.cuts = 0
        self.silent = False
        self.is_down = False
        self._source = source
        self._narrow = narrow
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._target = target
        self._cut_at = cut_at
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = Address(host, port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Ends every connection at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    @property
    def held(self) -> bool:
        return not self._flowing.is_set()

    @held.setter
    def held(self, held: bool) -> None:
        if held:
            self._flowing.clear()
        else:
            self._flowing.set()

    @property
    def connections(self) -> int:
        """How many pass through it now."""
        return len(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.is_down:
                raise OSError
            behind, ahead = await self._connect()
        except OSError:
            writer.transport.abort()
            self._tasks.discard(task)
            return
        both = {writer, ahead}
        self._writers |= both
        try:
            await asyncio.gather(self._pass(reader, ahead, None), self._pass(behind, writer, self._cut_at))
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            for each in both:
                each.transport.abort()
            self._writers -= both
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = socket.socket()
        connection.setblocking(False)
        if self._narrow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((self._source, 0))
        try:
            await asyncio.get_running_loop().sock_connect(connection, self._target)
        except BaseException:
            connection.close()
            raise
        return await asyncio.open_connection(sock=connection)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, cut_at: Judge | None) -> None:
        while await self._flowing.wait() and (data := await source.read(65536)):
            if self.silent:
                continue
            if cut_at is not None and cut_at(data):
                self.cuts += 1
                raise EOFError
            sink.write(data)
            await sink.drain()
        if self.silent:
            await asyncio.Event().wait()
        raise EOFError
