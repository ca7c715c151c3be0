"""Support desks in a browser: a visitor at the page of another site, and agents at /desk."""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import FrameLocator, Page, Response, Route, WebSocketRoute, expect

from .conftest import PATIENCE, running
from .foreign_site import ForeignSite
from .person import Person, Visit
from .server_process import ServerProcess
from .windows import Windows

# Bytes of the script and of all that the frame loads.
LIMIT = 30 * 1024


@pytest.fixture(scope="module")
def shop() -> Iterator[ForeignSite]:
    with ForeignSite() as site:
        yield site


@pytest.fixture(scope="module")
def desk_server(session_folder: Path, shop: ForeignSite) -> Iterator[ServerProcess]:
    """A server whose desks the shop may show."""
    yield from running(session_folder / "desk", f"--embed-origins={shop.address}", "--desk-rate=100/100")


class Desk:
    """A desk of its own for a test."""

    def __init__(self, server: ServerProcess, **settings: Any) -> None:
        self.server = server
        self.name = f"desk-{uuid.uuid4().hex[:8]}"
        self.admin = server.account(f"root-{self.name}", admin=True)
        self.agents: list[str] = []
        self.settings = {"title": "The shop", "greeting": "Hello! What can we do for you?"} | settings
        self.put()

    def put(self, **settings: Any) -> None:
        self.settings |= settings
        body = self.settings | {"agents": self.agents}
        self.server.call("PUT", f"/api/desks/{self.name}/settings", body, self.admin)


class Agents(Protocol):
    def __call__(
        self, name: str, desk: Desk, *, line: Callable[[WebSocketRoute], None] | None = None, **options: Any
    ) -> Person: ...


@pytest.fixture
def desk(desk_server: ServerProcess, shop: ForeignSite) -> Desk:
    made = Desk(desk_server)
    shop.shows(desk_server.address, made.name)
    return made


class Visitor:
    """Somebody at a page of the shop."""

    def __init__(self, page: Page, shop: ForeignSite) -> None:
        self.page = page
        self.shop = shop

    def goto(self, path: str = "/") -> None:
        self.page.goto(self.shop.address + path)

    def open(self) -> None:
        self.page.get_by_role("button", name="Chat with us").click()

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    def begin(self, text: str, name: str = "") -> None:
        self.frame.get_by_label("Your name").fill(name)
        self.frame.get_by_label("Your message").fill(text)
        self.frame.locator("#start button").click()

    def say(self, text: str) -> None:
        self.frame.get_by_label("Message", exact=True).fill(text)
        self.frame.get_by_label("Message", exact=True).press("Enter")

    def sees(self, *texts: str) -> None:
        expect(self.frame.locator(".said p")).to_have_text(list(texts))


@pytest.fixture
def visitor(windows: Windows, shop: ForeignSite) -> Iterator[Visitor]:
    page = windows.new({})
    page.context.set_default_timeout(PATIENCE)
    yield Visitor(page, shop)
    page.context.close()


@pytest.fixture
def agent(visit: Visit, desk_server: ServerProcess) -> Agents:
    """Brings an agent of a desk to its page; `line` has their WebSocket in its hands."""

    def bring(name: str, desk: Desk, *, line: Callable[[WebSocketRoute], None] | None = None, **options: Any) -> Person:
        account = f"{name}-{uuid.uuid4().hex[:6]}"
        token = desk_server.account(account)
        desk.agents.append(account)
        desk.put()
        person = visit(place=desk_server, **options)
        person.account, person.token = account, token
        person.context.add_cookies([{"name": "parley_session", "value": token, "url": desk_server.address}])
        if line:
            person.page.route_web_socket("**/ws*", line)
        person.goto("/desk")
        expect(person.connection).to_have_attribute("data-state", "online")
        return person

    return bring


def waiting(person: Person, visitor: str) -> Any:
    return person.page.locator("#queue button").filter(has_text=visitor)


def test_a_visitor_is_answered(visitor: Visitor, desk: Desk, agent: Agents) -> None:
    """An agent sees live who asks, takes it, both see each other type, and the visitor reads who is with them."""
    ann = agent("ann", desk)
    visitor.goto()
    visitor.open()
    expect(visitor.frame.get_by_text("What can we do for you?")).to_be_visible()
    visitor.begin("Where is my parcel?", "Vera")
    waiting(ann, "Vera").click()
    ann.sees("Where is my parcel?")
    ann.page.get_by_role("button", name="Take", exact=True).click()
    expect(visitor.frame.get_by_text(f"{ann.account} is with you now.")).to_be_visible()
    ann.composer.press_sequentially("On")
    expect(visitor.frame.get_by_text("is typing")).to_be_visible()
    ann.say("On its way.")
    visitor.sees("Where is my parcel?", "On its way.")
    visitor.frame.get_by_label("Message", exact=True).press_sequentially("Tha")
    expect(ann.page.locator("#typing")).to_contain_text("Vera is typing")
    visitor.say("Thanks!")
    ann.sees("Where is my parcel?", "On its way.", "Thanks!")


def test_a_conversation_outlives_pages(visitor: Visitor, desk: Desk, agent: Agents) -> None:
    """It is there after a reload and on another page of the same site, where an answer is counted at the button."""
    ann = agent("ann", desk)
    visitor.goto()
    visitor.open()
    visitor.begin("Anybody there?", "Vera")
    visitor.sees("Anybody there?")
    visitor.page.reload()
    visitor.sees("Anybody there?")
    visitor.frame.get_by_role("button", name="Close the chat").click()
    expect(visitor.page.locator("iframe")).to_be_hidden()
    visitor.goto("/cart")
    waiting(ann, "Vera").click()
    ann.say("Yes!")
    visitor.page.get_by_role("button", name="Chat with us: 2 new").click()
    visitor.sees("Anybody there?", "Yes!")
    expect(visitor.page.get_by_role("button", name="Chat with us", exact=True)).to_be_visible()
    visitor.frame.get_by_role("button", name="Start over").click()
    expect(visitor.frame.get_by_role("button", name="Start")).to_be_visible()


def test_what_agents_do(visitor: Visitor, desk: Desk, agent: Agents) -> None:
    """A note is the agents' alone, a canned answer comes by "/", a colleague takes over, a close is told, and what the
    visitor writes then waits in the queue."""
    desk.put(canned=[{"name": "wait", "text": "One moment please."}, {"name": "bye", "text": "Good bye!"}])
    ann, bob = agent("ann", desk), agent("bob", desk, expects=(r"status of 403 .*/api/conversations/",))
    visitor.goto()
    visitor.open()
    visitor.begin("It is broken", "Vera")
    for person in (ann, bob):
        waiting(person, "Vera").click()
    ann.page.keyboard.press("Alt+T")
    expect(visitor.frame.get_by_text(f"{ann.account} is with you now.")).to_be_visible()
    expect(bob.page.get_by_role("button", name=f"Take over from {ann.account}")).to_be_visible()
    ann.page.get_by_role("button", name="Note").click()
    ann.page.get_by_label("A note that only agents see").fill("she is a good customer")
    ann.page.get_by_label("A note that only agents see").press("Enter")
    for person in (ann, bob):
        expect(person.page.locator(".aside .text")).to_have_text("she is a good customer")
    ann.composer.press_sequentially("/wai")
    expect(ann.page.locator("#canned-list li")).to_have_count(1)
    ann.composer.press("Enter")
    expect(ann.composer).to_have_value("One moment please.")
    ann.composer.press("Enter")
    visitor.sees("It is broken", "One moment please.")
    ann.page.get_by_label("Hand over to").select_option(label=bob.account)
    expect(visitor.frame.get_by_text(f"{bob.account} is with you now.")).to_be_visible()
    bob.page.get_by_role("button", name="Close", exact=True).click()
    expect(visitor.frame.get_by_text(f"{bob.account} has closed this conversation.")).to_be_visible()
    expect(ann.page.locator(".presence-line").last).to_contain_text(f"{bob.account} closed the conversation")
    expect(visitor.frame.locator("body")).not_to_contain_text("good customer")
    visitor.say("One more thing")
    expect(ann.page.locator("#desk-facts")).to_contain_text("Waits for an agent")
    ann.page.reload()
    expect(ann.page.locator(".aside .text")).to_have_text("she is a good customer")
    ann.hide()
    expect(ann.page).to_have_title("(1) Vera · Parley")


def test_out_of_hours(visitor: Visitor, desk: Desk, agent: Agents) -> None:
    """A closed desk says so, and has a form; what is left there waits with the address, and is answered later."""
    desk.put(away="Back on Monday.", hours=[{"days": [1], "opens": "00:00", "closes": "00:01"}])
    ann = agent("ann", desk)
    visitor.goto()
    visitor.open()
    expect(visitor.frame.get_by_text("Back on Monday.")).to_be_visible()
    visitor.frame.get_by_label("Your e-mail").fill("vera@example.org")
    visitor.frame.get_by_label("Your message").fill("Please call back")
    visitor.frame.get_by_role("button", name="Leave a message").click()
    expect(visitor.frame.get_by_text("We will answer here when we are back")).to_be_visible()
    expect(waiting(ann, "Please call back")).to_contain_text("left a message")
    waiting(ann, "Please call back").click()
    expect(ann.page.get_by_role("link", name="vera@example.org")).to_be_visible()


def test_who_writes_early_is_left_where_they_write(visitor: Visitor, desk: Desk) -> None:
    """The form is there before all of the frame has been loaded: what comes last takes the focus from nobody."""
    held: list[Route] = []

    def with_picture(route: Route) -> None:
        page = route.fetch()
        route.fulfill(response=page, body=page.text().replace("</main>", '</main><img src="/static/slow.svg" alt="">'))

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route(re.compile(r"/widget/desk-"), with_picture)
    visitor.page.route("**/slow.svg", hold)
    visitor.goto()
    visitor.open()
    name = visitor.frame.get_by_label("Your name")
    name.click()
    with visitor.page.expect_event("requestfailed", lambda request: "slow.svg" in request.url):
        held[0].abort()
    visitor.frame.get_by_label("Your message").evaluate("() => new Promise((done) => setTimeout(done, 100))")
    expect(name).to_be_focused()


def test_a_site_that_may_not_show_it(visitor: Visitor, desk: Desk, shop: ForeignSite) -> None:
    """Of a page whose origin is not named the browser keeps the frame."""
    visitor.page.goto(shop.other_address)
    with visitor.page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        visitor.open()
    expect(visitor.frame.locator("#title")).to_have_count(0)


def test_its_size(visitor: Visitor, desk: Desk) -> None:
    """The script and all that the frame loads are small: the bodies as they are sent, without compression."""
    sizes: dict[str, int] = {}

    def weigh(answer: Response) -> None:
        if answer.url.startswith(desk.server.address):
            assert "content-encoding" not in answer.headers
            sizes[answer.url] = int(answer.headers.get("content-length", 0))

    visitor.page.on("response", weigh)
    visitor.goto()
    visitor.open()
    visitor.begin("How large is this?")
    visitor.sees("How large is this?")
    assert len(sizes) > 10
    assert sum(sizes.values()) <= LIMIT, sizes


def test_what_comes_while_the_queue_is_opened(visitor: Visitor, desk: Desk, agent: Agents) -> None:
    """Who begins between the agent's asking for the queue and the first news of it is in the queue too."""
    held: list[tuple[WebSocketRoute, str | bytes]] = []

    def hold(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        line.on_message(lambda message: held.append((server, message)))

    ann = agent("ann", desk, line=hold)
    ann.page.wait_for_load_state("networkidle")
    visitor.goto()
    visitor.open()
    visitor.begin("Hello", "Vera")
    visitor.sees("Hello")
    for server, message in held:
        server.send(message)
    expect(waiting(ann, "Vera")).to_be_visible()


def test_without_sockets(visitor: Visitor, desk: Desk, agent: Agents) -> None:
    """Where no WebSocket gets through it goes by long-poll, both ways."""
    visitor.page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose({ code: 1006 })); } close() {} };"
    )
    ann = agent("ann", desk)
    visitor.goto()
    visitor.open()
    visitor.begin("Hello", "Vera")
    waiting(ann, "Vera").click()
    ann.say("Hello Vera")
    visitor.sees("Hello", "Hello Vera")
    visitor.say("It works")
    visitor.sees("Hello", "Hello Vera", "It works")
    ann.sees("Hello", "Hello Vera", "It works")


def test_by_keyboard_on_a_phone(windows: Windows, shop: ForeignSite, desk: Desk) -> None:
    """The chat fills a phone; Enter at the button opens it with the focus inside, Esc closes it and gives it back."""
    page = windows.new({"viewport": {"width": 390, "height": 780}})
    page.context.set_default_timeout(PATIENCE)
    visitor = Visitor(page, shop)
    visitor.goto()
    button = page.get_by_role("button", name="Chat with us")
    button.focus()
    button.press("Enter")
    expect(visitor.frame.get_by_label("Your message")).to_be_focused()
    assert page.locator("iframe").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 780}
    visitor.frame.get_by_label("Your message").press("Escape")
    expect(page.locator("iframe")).to_be_hidden()
    expect(button).to_be_focused()
    page.context.close()


def test_one_is_made_in_the_administration(visit: Visit, desk_server: ServerProcess) -> None:
    """An administrator makes a desk in the page, with hours in words, gets the script for it, and changes it."""
    account = f"root-{uuid.uuid4().hex[:6]}"
    token = desk_server.account(account, admin=True)
    root = visit(place=desk_server)
    root.context.add_cookies([{"name": "parley_session", "value": token, "url": desk_server.address}])
    root.goto("/admin#desks")
    root.page.get_by_role("button", name="New desk").click()
    name = f"made-{uuid.uuid4().hex[:6]}"
    fields = {
        "name": name,
        "title": "Made here",
        "agents": account,
        "hours": "sat, Mon-Fri 9:00-17:30\nSun 22:00-02:00",
        "zone": "Europe/Vienna",
        "canned": "hi: Hello!\\nHow are you?",
    }
    for field, text in fields.items():
        root.page.locator(f"#desk-form [name={field}]").fill(text)
    root.page.get_by_role("button", name="Save").click()
    script = root.page.get_by_label("Script", exact=True)
    expect(script).to_have_value(f'<script src="{desk_server.address}/widget.js" data-desk="{name}" async></script>')
    made = desk_server.call("GET", f"/api/desks/{name}/settings", token=token)
    assert made["hours"] == [
        {"days": [1, 2, 3, 4, 5, 6], "opens": "09:00", "closes": "17:30"},
        {"days": [7], "opens": "22:00", "closes": "02:00"},
    ]
    assert made["canned"] == [{"name": "hi", "text": "Hello!\nHow are you?"}]
    root.page.reload()
    root.page.get_by_role("button", name="Change: Made here").click()
    expect(root.page.get_by_label("Opening hours")).to_have_value("Mon-Sat 09:00-17:30\nSun 22:00-02:00")
    root.page.get_by_label("Opening hours").fill("whenever")
    root.page.get_by_role("button", name="Save").click()
    expect(root.page.locator("#desk-form .reason")).to_contain_text("“whenever” is no time")
