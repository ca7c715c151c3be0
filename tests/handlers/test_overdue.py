"""Slow clients are cut; patient ones, for whom the server has nothing yet, are not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tornado.web import Application, RequestHandler

from handlers.overdue import Patience
from handlers.proxies import Proxies, Ranges
from handlers.web_server import WebServer
from tests.waiting import PATIENCE, until

PATIENT = Patience(header=10, body=20, idle=40, answer=80)
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


class Waiting(RequestHandler):
    """Answers when it is told to."""

    def initialize(self, ready: asyncio.Event) -> None:
        self.ready = ready

    async def get(self) -> None:
        await self.ready.wait()
        self.write("hello")

    def post(self) -> None:
        self.write(str(len(self.request.body)))


class Large(RequestHandler):
    def get(self) -> None:
        self.write(b"x" * 50_000_000)


class Scene:
    """A server whose clock is moved by hand."""

    def __init__(self, patience: Patience) -> None:
        self.ready = asyncio.Event()
        application = Application([("/", Waiting, {"ready": self.ready}), ("/large", Large)])
        self.server = WebServer(application, proxies=Proxies(Ranges([])), patience=patience)
        self.now = 0.0

    def look(self, seconds: float) -> int:
        """How many are cut that much later."""
        self.now += seconds
        return self.server.overdue.look(self.now)

    async def client(self, sent: bytes, *, limit: int = 2**16) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = next(iter(self.server._sockets.values())).getsockname()[1]
        before = len(self.server._requests)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
        writer.write(sent)
        await until(lambda: len(self.server._requests) > before)
        return reader, writer


@asynccontextmanager
async def scene(patience: Patience = PATIENT) -> AsyncIterator[Scene]:
    made = Scene(patience)
    made.server.listen(0, "127.0.0.1")
    try:
        yield made
    finally:
        made.ready.set()
        made.server.stop()
        await made.server.close_all_connections()


async def is_cut(reader: asyncio.StreamReader) -> bool:
    """Whether the server has closed, whatever it said before."""
    try:
        async with asyncio.timeout(PATIENCE):
            while await reader.read(65536):
                pass
    except ConnectionError:
        pass
    return True


async def settle() -> None:
    """Lets what was sent arrive."""
    await asyncio.sleep(0.05)


async def test_a_head_that_comes_byte_by_byte() -> None:
    """However busily one sends, the whole head has its time; and one who sends nothing at all has no more."""
    async with scene() as stage:
        reader, writer = await stage.client(HEAD)
        silent, _ = await stage.client(b"")
        assert stage.look(0) == 0
        for letter in b"X-Slow":
            writer.write(bytes([letter]))
            await settle()
            assert stage.look(1.6) == 0
        assert stage.look(1) == 2
        assert await is_cut(reader) and await is_cut(silent)


async def test_a_body_that_comes_byte_by_byte() -> None:
    """A body has a time of its own, which begins when the head is there."""
    async with scene() as stage:
        reader, writer = await stage.client(b"POST / HTTP/1.1\r\nHost: localhost\r\n")
        assert stage.look(0) == 0
        assert stage.look(9) == 0
        writer.write(b"Content-Length: 100\r\n\r\n")
        await settle()
        assert stage.look(1) == 0
        for _ in range(3):
            writer.write(b"x")
            await settle()
            assert stage.look(6) == 0
        assert stage.look(3) == 1
        assert await is_cut(reader)


async def test_between_two_requests() -> None:
    """A connection may rest for a while, but a second head that has begun has no more time than the first."""
    async with scene() as stage:
        stage.ready.set()
        resting, _ = await stage.client(HEAD + b"\r\n")
        slow, writer = await stage.client(HEAD + b"\r\n")
        for reader in (resting, slow):
            await reader.readuntil(b"hello")
        await settle()
        assert stage.look(0) == 0
        assert stage.look(30) == 0
        writer.write(HEAD)
        await settle()
        assert stage.look(1) == 0
        assert stage.look(8) == 0
        assert stage.look(3) == 2
        assert await is_cut(resting) and await is_cut(slow)


async def test_each_request_has_its_own_time() -> None:
    """One who asks again and again is never overdue."""
    async with scene() as stage:
        stage.ready.set()
        reader, writer = await stage.client(HEAD)
        for _ in range(5):
            assert stage.look(9) == 0
            writer.write(b"\r\n")
            await reader.readuntil(b"hello")
            writer.write(HEAD)
            await settle()


async def test_who_waits_for_us_is_not_cut() -> None:
    """An answer that the server takes long for, as it does for polls and streams, is waited for."""
    async with scene() as stage:
        reader, _ = await stage.client(HEAD + b"\r\n")
        await settle()
        assert [stage.look(1_000) for _ in range(10)] == [0] * 10
        stage.ready.set()
        await reader.readuntil(b"hello")


async def test_an_answer_that_is_not_taken() -> None:
    """One who asks and does not read holds the answer in memory for a while, not for ever."""
    async with scene() as stage:
        reader, _ = await stage.client(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n", limit=1_000)
        await settle()
        assert stage.look(0) == 0
        assert stage.look(79) == 0
        assert stage.look(2) == 1
        assert await is_cut(reader)


async def test_nothing_is_kept_of_who_has_gone() -> None:
    """Neither of connections, nor of requests."""
    async with scene() as stage:
        stage.ready.set()
        reader, writer = await stage.client(HEAD + b"\r\n")
        await reader.readuntil(b"hello")
        assert stage.look(0) == 0
        writer.close()
        await until(lambda: not stage.server._requests)
        assert stage.look(0) == 0
        assert not stage.server.overdue._since


async def test_it_looks_by_itself() -> None:
    """Run beside the server it cuts who is overdue, and nobody else."""
    async with scene(Patience(header=0.2, body=0.2, idle=60, answer=60)) as stage:
        looking = asyncio.create_task(stage.server.overdue.run())
        waiting, _kept = await stage.client(HEAD + b"\r\n")
        slow, _slow = await stage.client(HEAD)
        assert await is_cut(slow)
        stage.ready.set()
        await waiting.readuntil(b"hello")
        looking.cancel()
