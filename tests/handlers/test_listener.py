"""Accepting connections, up to the limit of open files."""

import asyncio
import errno
import resource
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.testing import ExpectLog
from tornado.web import Application, RequestHandler

from handlers import listener as listener_module
from handlers.listener import RESERVED_FILES, Listener, raise_file_limit
from handlers.tls import tls_context
from tests.certificates import Authority


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("hello")


@asynccontextmanager
async def listening(
    file_limit: int = 100_000, sockets: list[Any] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Listener, int]]:
    """A listener before a small server, and its port."""
    server = HTTPServer(Application([("/", Hello)]))
    bound = bind_sockets(0, "127.0.0.1")
    port = bound[0].getsockname()[1]
    listener = Listener(server, bound if sockets is None else sockets, file_limit=file_limit, tls=tls)
    listener.start()
    try:
        yield listener, port
    finally:
        if not listener._stopped:
            listener.stop()
        await server.close_all_connections()
        bound[0].close()


async def ask(port: int, tls: ssl.SSLContext | None = None) -> bytes:
    """All that comes back for a request."""
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    writer.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_serves() -> None:
    """Many connections at once are all served."""
    async with listening() as (_, port):
        answers = await asyncio.gather(*(ask(port) for _ in range(200)))
        assert all(answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello") for answer in answers)


async def test_serves_where_few_files_are_allowed() -> None:
    """With a limit below what is otherwise kept back there is still room for clients."""
    async with listening(file_limit=RESERVED_FILES) as (_, port):
        assert (await ask(port)).startswith(b"HTTP/1.1 200")


def test_a_system_that_says_unlimited() -> None:
    """Unlimited is taken for what it is; where the system then does not allow it, what is in force stays."""
    unlimited = resource.RLIM_INFINITY
    with (
        mock.patch.object(resource, "getrlimit", return_value=(256, unlimited)),
        mock.patch.object(resource, "setrlimit") as allowed,
    ):
        assert raise_file_limit() > 1_000_000
        allowed.side_effect = ValueError
        assert raise_file_limit() == 256


async def test_refuses_beyond_the_limit_of_files() -> None:
    """Where too many files are open a connection is answered 503 with a time to wait."""
    async with listening(file_limit=2) as (_, port):
        answer = await ask(port)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in answer
        assert b'{"error":{"code":"unavailable"' in answer


async def test_one_who_has_gone_is_no_trouble() -> None:
    """A connection that is cut before it is refused changes nothing."""
    async with listening(file_limit=2) as (_, port):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        client.close()
        assert (await ask(port)).startswith(b"HTTP/1.1 503 ")


async def test_speaks_tls(tmp_path: Path) -> None:
    """With a certificate, the one that is in use when they come, connections are encrypted; one too many is closed."""
    authority = Authority(tmp_path)
    one, other = (authority.certificate("localhost") for _ in range(2))
    async with listening(tls=tls_context(str(one.chain), str(one.key))) as (listener, port):
        assert (await ask(port, authority.context())).endswith(b"hello")
        listener.tls = tls_context(str(other.chain), str(other.key))
        assert (await ask(port, authority.context())).endswith(b"hello")
    async with listening(file_limit=2, tls=tls_context(str(one.chain), str(one.key))) as (_, port):
        with pytest.raises(OSError):
            await ask(port, authority.context())


async def test_one_who_has_gone_before_tls(tmp_path: Path) -> None:
    """A connection that is cut before its handshake changes nothing."""
    authority = Authority(tmp_path)
    one = authority.certificate("localhost")
    async with listening(tls=tls_context(str(one.chain), str(one.key))) as (_, port):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        client.close()
        assert (await ask(port, authority.context())).endswith(b"hello")


class Failing:
    """A listening socket whose `accept` fails a number of times."""

    def __init__(self, real: socket.socket, failures: list[OSError]) -> None:
        self._real = real
        self._failures = failures

    def fileno(self) -> int:
        return self._real.fileno()

    def accept(self) -> Any:
        if self._failures:
            raise self._failures.pop()
        return self._real.accept()

    def close(self) -> None:
        self._real.close()


async def test_pauses_when_no_file_can_be_opened() -> None:
    """The loop does not spin: after a pause it accepts again."""
    real = bind_sockets(0, "127.0.0.1")[0]
    failing = Failing(real, [OSError(errno.EMFILE, "Too many open files")])
    with mock.patch.object(listener_module, "PAUSE", 0.05):
        async with listening(sockets=[failing]):
            with ExpectLog("parley.listener", "no connection can be accepted: Too many open files"):
                assert (await ask(real.getsockname()[1])).endswith(b"hello")


async def test_a_pause_ends_with_the_listener() -> None:
    """Stopped during a pause it accepts no more."""
    real = bind_sockets(0, "127.0.0.1")[0]
    failing = Failing(real, [OSError(errno.EMFILE, "Too many open files")])
    with (
        mock.patch.object(listener_module, "PAUSE", 0.05),
        ExpectLog("parley.listener", "no connection can be accepted"),
    ):
        async with listening(sockets=[failing]) as (listener, _):
            client = socket.create_connection(real.getsockname())
            await asyncio.sleep(0.02)
            listener.stop()
            await asyncio.sleep(0.08)
            client.close()


async def test_another_fault_is_not_hidden() -> None:
    """What is no lack of files is an exception, and the listener goes on."""
    real = bind_sockets(0, "127.0.0.1")[0]
    failing = Failing(real, [OSError(errno.EPERM, "no")])
    async with listening(sockets=[failing]):
        with ExpectLog("asyncio", "Exception in callback"):
            assert (await ask(real.getsockname()[1])).endswith(b"hello")


async def test_stopped_it_refuses() -> None:
    """After stop nobody can connect."""
    async with listening() as (listener, port):
        assert (await ask(port)).endswith(b"hello")
        listener.stop()
        try:
            await ask(port)
        except ConnectionRefusedError:
            return
        raise AssertionError("somebody was let in")


def test_raises_the_limit_of_files() -> None:
    """The process may open as many files as the system allows it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert raise_file_limit() == before[1]
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
