"""A person at a browser: what they do in the pages, and what their browser complains about."""

import itertools
import re
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, WebError, WebSocket, expect

_numbers = itertools.count(1)

# Nobody is signed in on a first visit, and a browser reports the answer that says so.
NOT_SIGNED_IN = r"status of 401 .*/api/session$"
# What a browser reports while it cannot reach the server, and while the server is stopping.
OUTAGE = (
    r"net::ERR_(CONNECTION|SOCKET|INTERNET|EMPTY_RESPONSE|INCOMPLETE|CONTENT_LENGTH)"
    r"|WebSocket connection to|status of 503"
)


class Place(Protocol):
    """Where the pages come from: a server, or a proxy before it."""

    @property
    def address(self) -> str: ...


class Person:
    """One person with a browser of their own. `expects` are patterns of complaints that belong to the test."""

    def __init__(self, page: Page, place: Place, name: str | None, expects: tuple[str, ...]) -> None:
        self._expects = [NOT_SIGNED_IN, *expects]
        self.origin = place.address
        self.complaints: list[str] = []
        self.sockets: list[WebSocket] = []
        # Names are unique among those present, and the server keeps them for a while.
        self.name = f"{name}{next(_numbers)}" if name else None
        # Of one with an account: its name, and the token of its session.
        self.account = ""
        self.token = ""
        self.page = page
        self.context: BrowserContext = page.context
        self.context.on("console", self._hear_console)
        self.context.on("weberror", self._hear_error)
        self.context.on("request", self._hear_request)
        self.page.on("websocket", self._hear_socket)

    def leave(self) -> None:
        """Hears out the browser and then nothing more of it, as somebody else may use it now."""
        self.page.evaluate("0")
        self.context.remove_listener("console", self._hear_console)
        self.context.remove_listener("weberror", self._hear_error)
        self.context.remove_listener("request", self._hear_request)
        self.page.remove_listener("websocket", self._hear_socket)

    # Going somewhere

    def goto(self, path: str, **query: str) -> None:
        """Opens a page, under one's name where one has one."""
        who = {"username": self.name} if self.name else {}
        parameters = urlencode(who | query)
        self.page.goto(f"{self.origin}{path}" + (f"?{parameters}" if parameters else ""))

    def enter(self, room: str, **query: str) -> "Person":
        """Opens a room and waits until the connection stands and its messages are here."""
        self.goto(f"/chat/{quote(room)}", **query)
        self.is_online()
        return self

    def is_online(self, transport: str | None = None) -> None:
        """Waits until the connection stands, and the room's messages have come over it."""
        expect(self.connection).to_have_attribute("data-state", "online")
        if transport:
            expect(self.connection).to_have_attribute("data-transport", transport)
        expect(self.page.locator(".log-top")).not_to_have_attribute("data-shown", "loading")

    def is_cut_off(self) -> None:
        expect(self.connection).not_to_have_attribute("data-state", "online")

    # Doing something

    def say(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def act(self, text: str, action: str) -> None:
        """Presses a button of the message with that text: "react", "edit" or "delete"."""
        message = self.message(text)
        message.hover()
        message.locator(f".{action}").click()

    def hide(self) -> None:
        """Turns to another window. A browser without a screen hides none of its pages, so the page is told so."""
        self._set_hidden(True)

    def come_back(self) -> None:
        self._set_hidden(False)

    def _set_hidden(self, is_hidden: bool) -> None:
        self.page.evaluate(
            """(isHidden) => {
                Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
                document.dispatchEvent(new Event('visibilitychange'));
            }""",
            is_hidden,
        )

    # What there is in the page

    @property
    def connection(self) -> Locator:
        return self.page.locator("#connection")

    @property
    def composer(self) -> Locator:
        return self.page.locator("#composer")

    @property
    def log(self) -> Locator:
        return self.page.locator("#log")

    @property
    def messages(self) -> Locator:
        return self.page.locator(".message")

    @property
    def texts(self) -> Locator:
        return self.page.locator(".message .text")

    def message(self, text: str) -> Locator:
        exactly = re.compile(f"^{re.escape(text)}$")
        return self.messages.filter(has=self.page.locator(".text").filter(has_text=exactly))

    def sees(self, *texts: str) -> None:
        """Waits until these are the room's messages, all of them and in this order."""
        expect(self.texts).to_have_text(list(texts))

    # What the browser complains about

    def expect_complaint(self, pattern: str) -> None:
        """From now on such a complaint belongs to the test."""
        self._expects.append(pattern)

    def _complain(self, complaint: str) -> None:
        if not any(re.search(pattern, complaint) for pattern in self._expects):
            self.complaints.append(complaint)

    def _hear_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complain(f"{message.text} {message.location.get('url', '')}")

    def _hear_error(self, error: WebError) -> None:
        self._complain(f"uncaught: {error.error}")

    def _hear_request(self, request: Request) -> None:
        if not request.url.startswith((self.origin + "/", "data:")):
            self._complain(f"loaded from elsewhere: {request.url}")

    def _hear_socket(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        if not socket.url.startswith(self.origin.replace("http", "ws", 1) + "/"):
            self._complain(f"connected to elsewhere: {socket.url}")


class Visit(Protocol):
    """Brings somebody with a browser of their own, to the shared server or another `place`.

    The browser is a new one where it is to be `fresh`, as a test must have it that alters the browser itself (its
    clock, its requests), and where it has `options`, those of Playwright's `new_context`.
    """

    def __call__(
        self,
        name: str | None = None,
        *,
        place: Place | None = None,
        expects: tuple[str, ...] = (),
        fresh: bool = False,
        **options: Any,
    ) -> Person: ...


class Member(Protocol):
    """Brings somebody who is signed in with an account, whose name begins with the one given. Options as for Visit."""

    def __call__(self, name: str, *, admin: bool = False, **options: Any) -> Person: ...
