"""The servers, the browser, and clients of each kind. All scenarios run in one event loop, as the browser does."""

import asyncio
import inspect
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import async_playwright

from tests.browser.conftest import chromium, running
from tests.browser.server_process import ServerProcess
from tests.conformance.driven import Driven
from tests.conformance.in_page import ClientPage
from tests.conformance.in_python import PythonClient
from tests.faults.plain_http import Address
from tests.faults.proxy import Judge, Proxy

LIMIT = 50.0
"""Seconds for a scenario on a busy machine."""

LANGUAGES = ("python", "page")
TRANSPORTS = ("ws", "stream", "poll", "automatic")
FLAGS = ("--backlog-limit=262144", "--close-grace=0.2", "--catch-up=100", "--catch-up-bytes=131072")
"""Less than usual, so that being slow and missing much take less."""

_numbers = itertools.count(1)

Bring = Callable[..., Awaitable[Driven]]


@dataclass
class Kind:
    """Which client takes part, and the way that it is made to take; `automatic` leaves that to it."""

    language: str
    transport: str

    @property
    def way(self) -> str:
        """That it takes where nothing is in the way."""
        return "ws" if self.transport == "automatic" else self.transport

    @property
    def options(self) -> dict[str, Any]:
        return {} if self.transport == "automatic" else {"transport": self.transport}


class Elsewhere:
    """Another site: its `files` by their paths; all else there is a blank page."""

    address = ""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            kind = "text/javascript" if path.endswith(".js") else "text/html"
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nConnection: close\r\n\r\n"
            writer.write((head + self.files.get(path, "<!DOCTYPE html>")).encode())
            await writer.drain()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first scenario starts the servers and the browser, which counts for its time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(4 * LIMIT))


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs scenarios, all in one event loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        async with asyncio.timeout(LIMIT):
            await pyfuncitem.obj(**arguments)

    pyfuncitem.funcargs["runner"].run(run())
    return True


@pytest.fixture(scope="package", autouse=True)
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="package")
def page(runner: asyncio.Runner, server: ServerProcess, elsewhere: Elsewhere) -> Iterator[ClientPage]:
    """The page in which all clients of parley.js live."""
    path = chromium()

    @asynccontextmanager
    async def browsing() -> AsyncIterator[ClientPage]:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=path, args=arguments)
            yield await ClientPage.new(browser, elsewhere.address, server.address)
            await browser.close()

    context = browsing()
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


@pytest.fixture(scope="package")
def elsewhere(runner: asyncio.Runner) -> Iterator[Elsewhere]:
    site = Elsewhere()
    listening = runner.run(asyncio.start_server(site.answer, "127.0.0.1", 0))
    site.address = "http://{}:{}".format(*listening.sockets[0].getsockname())
    yield site
    listening.close()


@pytest.fixture(scope="package")
def server(session_folder: Path, elsewhere: Elsewhere) -> Iterator[ServerProcess]:
    """The server that the scenarios share; each has a room of its own there."""
    yield from running(session_folder / "conformance", f"--origins={elsewhere.address}", *FLAGS)


@pytest.fixture(scope="package")
def mortal_server(session_folder: Path, elsewhere: Elsewhere) -> Iterator[ServerProcess]:
    """One for scenarios that end it."""
    yield from running(session_folder / "conformance-mortal", f"--origins={elsewhere.address}")


@pytest.fixture
def room() -> str:
    """A name for a room that nobody has used yet; its letters need care in addresses."""
    return f"Räume.{next(_numbers)}"


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kind(language: str, transport: str) -> Kind:
    return Kind(language, transport)


@pytest.fixture
def bring(
    request: pytest.FixtureRequest, runner: asyncio.Runner, kind: Kind, tmp_path: Path, line: object
) -> Iterator[Bring]:
    """Brings clients of the kind, opened at an address, as guests of new names unless it is said otherwise.

    They have left when the lines end.
    """
    brought: list[Driven] = []

    if kind.language == "page":
        request.getfixturevalue("page")  # a fixture cannot be made while the loop runs

    async def bring(address: str, kind: Kind = kind, **options: Any) -> Driven:
        is_page = kind.language == "page"
        client: Driven = request.getfixturevalue("page").client() if is_page else PythonClient(tmp_path)
        brought.append(client)
        if "token" not in options and "name" not in options:
            options["name"] = new_name()
        await client.open(address, **kind.options | options)
        return client

    async def leave() -> None:
        async with asyncio.timeout(LIMIT):
            for client in brought:
                await client.close()

    yield bring
    runner.run(leave())


@pytest.fixture
def line(runner: asyncio.Runner, server: ServerProcess) -> Iterator[Callable[..., Awaitable[Proxy]]]:
    """Makes proxies before a server, through which one may reach it: they cut, and more."""
    made: list[Proxy] = []

    async def line(to: ServerProcess = server, cut_at: Judge | None = None, **habits: Any) -> Proxy:
        place = urlsplit(to.address)
        proxy = Proxy(Address(str(place.hostname), place.port or 0), cut_at, **habits)
        made.append(await proxy.__aenter__())
        return proxy

    async def end() -> None:
        for proxy in made:
            await proxy.__aexit__(None, None, None)

    yield line
    runner.run(end())


class Bob:
    """Somebody else in a room, who does things by plain requests; each gives the `seq` of its entry."""

    def __init__(self, server: ServerProcess, room: str, name: str | None = None) -> None:
        self.name = name or new_name()
        self.room = room
        self.server = server

    def says(self, text: str) -> int:
        return self._does(type="send", text=text)

    def shows(self, data: dict[str, Any]) -> int:
        return self._does(type="send", kind="picture", data=data)

    def does(self, type: str, target: int, **fields: Any) -> int:
        return self._does(type=type, target=target, **fields)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.server.call(method, path, body, self.server.token(self.name))

    def makes_room(self, **settings: Any) -> None:
        self.call("POST", "/api/rooms", {"name": self.room, **settings})

    def passing(self, type: str, **fields: Any) -> None:
        self.call("POST", self.path + "/commands", {"type": type, **fields})

    @property
    def path(self) -> str:
        return f"/api/rooms/{quote(self.room)}"

    def stored(self) -> list[dict[str, Any]]:
        """The last messages of the room."""
        page = self.call("GET", self.path + "/messages?limit=200")
        return list(page["entries"])

    def _does(self, **command: Any) -> int:
        return int(self.call("POST", self.path + "/commands", {"key": str(uuid4()), **command})["seq"])


@pytest.fixture
def bob(server: ServerProcess, room: str) -> Bob:
    return Bob(server, room)


def new_name() -> str:
    return f"guest-{next(_numbers)}"


def at(proxy: Proxy) -> str:
    """The address of a server behind a proxy."""
    return f"http://{proxy.address.host}:{proxy.address.port}"
