"""A TCP proxy that breaks on purpose."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.faults.plain_http import Address

Judge = Callable[[bytes], bool]


class Proxy:
    """Passes everything on to `target`, until it is told otherwise.

    `cut_at` is asked about what the server says, before it is passed on: where it says true, the connection is cut on
    both sides and those bytes are lost. While `silent` is set nothing passes, in either direction, and nothing is
    closed.
    """

    def __init__(self, target: Address, cut_at: Judge | None = None) -> None:
        self.cuts = 0
        self.silent = False
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

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            behind, ahead = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
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

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, cut_at: Judge | None) -> None:
        while data := await source.read(65536):
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
