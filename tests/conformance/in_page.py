"""The client of static/js/parley.js, driven in a page."""

import itertools
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.conformance.driven import Driven, Event, Failure

DRIVER = (Path(__file__).parent / "driver.js").read_text(encoding="utf-8")
_numbers = itertools.count(1)


class ClientPage:
    """A page at `address` in which all clients live, as loading one takes longer than most scenarios.

    It loads parley.js from `site`. To it that server, all others and the proxies before them are other sites.
    """

    def __init__(self, page: Page, address: str, site: str) -> None:
        self._page = page
        self._address = address
        self._site = site
        self._clients: dict[int, PageClient] = {}
        self._is_loaded = False

    def client(self) -> "PageClient":
        number = next(_numbers)
        self._clients[number] = client = PageClient(self, number)
        return client

    async def evaluate(self, call: str, *arguments: Any) -> Any:
        """Calls a function of the driver."""
        if not self._is_loaded:
            await self._load()
        return await self._page.evaluate("([call, given]) => window.driver[call](...given)", [call, arguments])

    async def leave(self) -> None:
        """The page is gone, with all that ran in it; it is loaded again when it is needed."""
        self._clients.clear()
        self._is_loaded = False
        await self._page.goto("about:blank")

    async def other(self) -> Page:
        """A page that somebody else has open."""
        browser = self._page.context.browser
        assert browser is not None
        return await browser.new_page()

    async def _load(self) -> None:
        await self._page.goto(self._address)
        await self._page.evaluate(f"({DRIVER})", self._site)
        self._is_loaded = True

    @classmethod
    async def new(cls, browser: Browser, address: str, site: str) -> "ClientPage":
        made = cls(await browser.new_page(), address, site)
        await made._page.expose_function("told", made._told)
        return made

    def _told(self, number: int, room: str, event: Event) -> None:
        client = self._clients.get(number)
        if client is not None:
            client.take(room, event)


class PageClient(Driven):
    def __init__(self, page: ClientPage, number: int) -> None:
        super().__init__()
        self._page = page
        self._number = number
        self._is_open = False

    def take(self, room: str, event: Event) -> None:
        if event["type"] == "state":
            self.states.append(event["state"])
            return
        if event.get("error"):
            event["error"] = Failure(**event["error"])
        self.events[room].append(event)

    async def open(self, address: str, **options: Any) -> None:
        given = {_camel(name): value for name, value in options.items()}
        await self._ask("open", address, given)
        self._is_open = True

    async def join(self, room: str, *, history: int = 50, cursor: Event | None = None) -> Event:
        joined: Event = await self._ask("join", room, {"history": history, "cursor": cursor})
        return joined

    async def do(self, call: str, room: str, *arguments: Any, **options: Any) -> Any:
        said = {name: options.pop(name) for name in ("kind", "data") if name in options}
        given = [*arguments, *([said] if said else []), *([options] if options else [])]
        return await self._ask("do", call, room, given)

    async def messages(self, call: str, room: str, *arguments: int, **options: int) -> list[Event]:
        given = [*arguments, *([options] if options else [])]
        messages: list[Event] = await self._ask("messages", call, room, given)
        return messages

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        return await self._ask("call", method, path, body)

    async def facts(self) -> Event:
        facts: Event = await self._evaluate("facts")
        return facts

    async def cursor(self, room: str) -> Event:
        cursor: Event = await self._evaluate("cursor", room)
        return cursor

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._ask("close")

    async def vanish(self) -> None:
        self._is_open = False
        await self._page.leave()

    async def running(self) -> list[str]:
        left: list[str] = []
        for _ in range(20):  # a socket says that it has closed in a later turn
            left = await self._evaluate("running", with_id=False)
            if not left:
                break
        return left

    async def _ask(self, call: str, *arguments: Any) -> Any:
        result = await self._evaluate(call, *arguments)
        if "error" in result:
            raise Failure(**result["error"])
        return result["answer"]

    async def _evaluate(self, call: str, *arguments: Any, with_id: bool = True) -> Any:
        return await self._page.evaluate(call, *([self._number] if with_id else []), *arguments)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
