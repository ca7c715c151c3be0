"""People who draw together on a room's board."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Locator, expect

from .person import OUTAGE, Person, Visit
from .proxy import Proxy
from .server_process import ServerProcess

# The canvas at an eighth of its size, as the numbers of its pixels: lines are the same whichever way they came, but for
# their edges where they were drawn in other steps.
INK = """async (canvas) => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const small = new OffscreenCanvas(canvas.width / 8, canvas.height / 8);
    const context = small.getContext('2d', { willReadFrequently: true });
    context.drawImage(canvas, 0, 0, small.width, small.height);
    const { data } = context.getImageData(0, 0, small.width, small.height);
    return btoa(Array.from(data, (number) => String.fromCharCode(number)).join(''));
}"""
# By how much two of these numbers may differ, and how many by more.
EDGE, EDGES = 24, 8


def is_same(one: bytes, other: bytes) -> bool:
    """Whether two people see the same."""
    differing = sum(abs(here - there) > EDGE for here, there in zip(one, other, strict=True))
    return len(one) == len(other) and differing <= EDGES


def amount(ink: bytes) -> int:
    """How much is drawn."""
    return sum(ink[3::4])


class Artist:
    """Somebody at a board."""

    def __init__(self, person: Person, room: str, **query: str) -> None:
        self.person = person
        self.page = person.page
        person.goto(f"/board/{quote(room)}", **query)
        self.is_ready()

    def is_ready(self) -> None:
        expect(self.person.connection).to_have_attribute("data-state", "online")
        expect(self.board).to_have_attribute("data-state", "loaded")

    @property
    def board(self) -> Locator:
        return self.page.locator("#board")

    @property
    def ink(self) -> bytes:
        return base64.b64decode(self.page.locator("#board-canvas").evaluate(INK))

    def draw(self, *places: tuple[int, int]) -> None:
        """Draws a line through places on the board, by the mouse."""
        box = self.board.bounding_box()
        assert box is not None
        for number, (x, y) in enumerate(places):
            self.page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
            if number == 0:
                self.page.mouse.down()
        self.page.mouse.up()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def sees(self, picture: bytes) -> None:
        """Waits until that is what they see."""
        self._wait(lambda ink: is_same(ink, picture))

    def sees_something(self) -> bytes:
        return self._wait(lambda ink: amount(ink) > 0)

    def sees_nothing(self) -> None:
        self._wait(lambda ink: amount(ink) == 0)

    def _wait(self, fits: Callable[[bytes], bool]) -> bytes:
        for _ in range(150):
            ink = self.ink
            if fits(ink):
                return ink
            self.page.wait_for_timeout(100)
        raise AssertionError(f"the board shows something else: {amount(ink)}")


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[Proxy]:
    """A proxy that lets everything through. Tests name it before `visit`, so that people have left when it ends."""
    proxy = Proxy(server.address)
    yield proxy
    proxy.close()


def test_two_people_draw_together(visit: Visit, server: ServerProcess, room: str) -> None:
    """What either draws, erases and takes back both see, and so does who comes late; each undoes their own."""
    ann, bob = Artist(visit("ann"), room), Artist(visit("bob"), room)
    ann.draw((100, 100), (300, 200), (150, 260))
    bob.sees(ann.sees_something())
    expect(bob.page.locator(".board-cursor-name")).to_have_text(ann.person.name or "")
    bob.press("Red")
    bob.press("Thick line")
    bob.draw((120, 300), (400, 120))
    both = bob.ink
    ann.sees(both)
    bob.board.hover(position={"x": 30, "y": 30})
    expect(ann.page.locator(".board-cursor")).to_have_attribute("style", re.compile(r"translate\(30px, 30px\)"))
    ann.press("Eraser")
    ann.draw((200, 100), (260, 320))
    erased = ann.ink
    assert amount(erased) < amount(both)
    bob.sees(erased)
    cid = Artist(visit("cid"), room)
    cid.sees(erased)
    ann.page.keyboard.press("Control+z")
    bob.sees(both)
    ann.sees(both)
    ann.page.keyboard.press("Control+Shift+Z")
    bob.sees(erased)
    bob.press("Undo")
    expect(bob.page.get_by_role("button", name="Undo", exact=True)).to_be_disabled()
    left = bob.ink
    ann.sees(left)
    cid.sees(left)


def test_the_picture_comes_before_the_window_is_measured(visit: Visit, room: str) -> None:
    """On a slow machine a browser says late how large things are: the picture is where it belongs all the same."""
    ann = Artist(visit("ann"), room)
    ann.draw((100, 100), (300, 200), (150, 260))
    bob = visit("bob", fresh=True)
    bob.page.add_init_script(
        """window.ResizeObserver = class extends ResizeObserver {
            observe(element) { setTimeout(() => super.observe(element), 500); }
        };"""
    )
    Artist(bob, room).sees(ann.sees_something())


def test_the_chat_beside_it_and_what_is_saved(visit: Visit, room: str) -> None:
    """Beside the board is the room's chat, where no stroke is seen or counted; the picture is saved as PNG and as
    SVG; whoever clears the board is asked before."""
    ann, bob = Artist(visit("ann"), room), visit("bob").enter(room)
    ann.press("Save as PNG")
    expect(ann.page.get_by_text("Nothing has been drawn yet.")).to_be_visible()
    bob.hide()
    ann.draw((100, 100), (300, 200))
    drawn = ann.sees_something()
    ann.person.say("look what I have drawn")
    bob.sees("look what I have drawn")
    expect(bob.page).to_have_title(re.compile(r"^\(1\) "))
    bob.come_back()
    bob.page.get_by_title("Drawing board of the room").click()
    expect(bob.page).to_have_url(re.compile(rf"/board/{room}$"))
    expect(bob.texts).to_have_text(["look what I have drawn"])
    with ann.page.expect_download() as saving:
        ann.press("Save as PNG")
    assert saving.value.suggested_filename == f"{room}.png"
    assert Path(saving.value.path()).read_bytes().startswith(b"\x89PNG")
    with ann.page.expect_download() as saving:
        ann.press("Save as SVG")
    root = ElementTree.parse(saving.value.path()).getroot()
    assert root.find(".//{*}path[@stroke='#1b2523']") is not None
    ann.page.reload()
    ann.is_ready()
    ann.sees(drawn)
    ann.press("Clear the board…")
    ann.page.get_by_role("button", name="Cancel").click()
    ann.sees_something()
    ann.press("Clear the board…")
    ann.page.get_by_role("button", name="Clear", exact=True).click()
    ann.sees_nothing()
    expect(bob.page.get_by_text(f"{ann.person.name} cleared the board.").first).to_be_attached()


def test_what_is_drawn_while_the_line_is_cut_arrives_once(proxy: Proxy, visit: Visit, room: str) -> None:
    """It is there at once for whoever draws it, and for the others when the line is back; what they drew meanwhile
    comes too."""
    ann, bob = Artist(visit("ann", place=proxy, expects=(OUTAGE,)), room), Artist(visit("bob"), room)
    ann.draw((60, 60), (200, 90))
    bob.sees(ann.sees_something())
    proxy.is_down = True
    proxy.cut()
    ann.person.is_cut_off()
    ann.draw((60, 200), (220, 260), (90, 320))
    bob.draw((300, 80), (380, 300))
    alone = bob.ink
    assert not is_same(ann.ink, alone)
    proxy.is_down = False
    ann.is_ready()
    bob._wait(lambda ink: amount(ink) > amount(alone) and is_same(ink, ann.ink))


def test_a_phone(visit: Visit, server: ServerProcess, room: str) -> None:
    """One finger draws, two move the view, all tools are there, and the chat is a drawer with a sign of what is new."""
    cid = visit("cid", viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    phone, bob = Artist(cid, room), Artist(visit("bob"), room)
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    touch("Start", (100, 200))
    for step in range(10):
        touch("Move", (100 + 10 * step, 200 + 5 * step))
    touch("End")
    drawn = phone.sees_something()
    bob.sees_something()
    touch("Start", (100, 300))
    touch("Start", (100, 300), (200, 300))
    for step in range(10):
        touch("Move", (100, 300 + 10 * step), (200 + 10 * step, 300 + 10 * step))
    touch("End")
    expect(page.locator("#board-scale")).not_to_have_text("100 %")
    phone.press("Show all")
    assert amount(phone.sees_something()) >= amount(drawn) * 0.5
    assert len(server.call("GET", f"/api/rooms/{quote(room)}/board")["strokes"]) == 1  # type: ignore[arg-type]
    bob.person.say("hello phone")
    expect(page.locator("#board-chat-unread")).to_have_text("1")
    page.get_by_role("button", name="Chat").click()
    expect(cid.texts).to_have_text(["hello phone"])
    page.get_by_role("button", name="Close the chat").click()
    expect(page.locator("#board-chat")).not_to_be_visible()
