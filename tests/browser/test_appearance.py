"""On a phone, in the dark, and without scripts."""

from playwright.sync_api import Page, expect

from .person import Visit
from .server_process import ServerProcess

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}

# What sticks out of the window at the sides, though it can be seen.
STICKING_OUT = """() => [...document.querySelectorAll('body *')].filter((element) => {
    const { left, right, width, height } = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!width || !height || style.visibility === 'hidden') return false;
    if (element.closest('.visually-hidden, .skip-link')) return false;
    const clipped = element.parentElement.closest('.rooms-bar, .admin-tabs, .page-header h1, .account summary');
    return !clipped && (left < -0.5 || right > innerWidth + 0.5);
}).map((element) => element.outerHTML.slice(0, 80))"""


def fits(page: Page) -> None:
    """Fails where the page is wider than the window, or part of it lies outside."""
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(STICKING_OUT) == []


def test_a_room_fits_a_phone(visit: Visit, server: ServerProcess) -> None:
    """At 390 × 844 nothing sticks out, however long the words, and everything can be used."""
    room = "r" * 64
    ann = visit("ann", **PHONE).enter(room)
    server.say(room, "w" * 400 + " https://example.org/" + "a" * 200, "x" * 32)
    server.say(room, "short", "x" * 32)
    ann.say("my own " + "o" * 300)
    expect(ann.messages).to_have_count(3)
    expect(ann.page.locator("#people-count")).to_be_visible()
    fits(ann.page)
    expect(ann.composer).to_be_in_viewport(ratio=1)
    expect(ann.page.locator("#send")).to_be_in_viewport(ratio=1)
    ann.page.locator("#people-toggle").tap()
    expect(ann.page.locator("#people li")).to_be_in_viewport(ratio=1)
    fits(ann.page)
    ann.page.get_by_role("button", name="Close the list of people").tap()
    expect(ann.page.locator("#people")).to_be_hidden()
    ann.message("short").locator(".text").tap()
    ann.message("short").locator(".react").tap()
    fits(ann.page)
    ann.page.get_by_role("button", name="React with 👍").tap()
    expect(ann.message("short").locator(".reaction")).to_have_text("👍 1")
    fits(ann.page)


def test_the_lobby_and_the_dialogs_fit_a_phone(visit: Visit, server: ServerProcess, room: str) -> None:
    """At 390 × 844 the lobby, the question for a name, the choice of a room and the page for a wrong address fit."""
    server.call("POST", "/api/rooms", {"name": "l" * 64, "title": "t" * 100}, server.token("builder"))
    stranger = visit(expects=(r"status of 40[49]",), **PHONE)
    stranger.goto("/")
    expect(stranger.page.locator("#rooms a").first).to_be_visible()
    fits(stranger.page)
    stranger.goto(f"/chat/{room}")
    expect(stranger.page.locator("#name")).to_be_in_viewport(ratio=1)
    fits(stranger.page)
    stranger.page.locator("#name").fill("somebody with a phone")
    stranger.page.get_by_role("button", name="Go in").tap()
    stranger.is_online()
    stranger.page.locator("#open-room").tap()
    expect(stranger.page.locator("#room-chooser-list a").first).to_be_visible()
    fits(stranger.page)
    stranger.goto("/no-page")
    fits(stranger.page)


def test_the_dark_is_dark(visit: Visit, room: str) -> None:
    """Who likes it dark gets light text on a dark page, at once when it gets dark, and others the opposite."""
    ann = visit("ann", color_scheme="light")
    for path in ("/", f"/chat/{room}"):
        ann.goto(path)
        expect(ann.page.locator("#account-name")).to_have_text(ann.name or "")
        ann.page.emulate_media(color_scheme="light")
        background, text = lightness(ann.page)
        assert background > 200
        assert text < 80
        ann.page.emulate_media(color_scheme="dark")
        background, text = lightness(ann.page)
        assert background < 60
        assert text > 180


def lightness(page: Page) -> list[float]:
    """How light the page's background and its text are, from 0 to 255."""
    colours = page.evaluate(
        "() => [getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
    )
    return [sum(float(part) for part in colour[4:-1].split(",")) / 3 for colour in colours]


def test_without_scripts_the_page_says_what_is_missing(visit: Visit, room: str) -> None:
    """Where scripts are off one is told, in a page that stands as it should."""
    ann = visit(java_script_enabled=False)
    for path in ("/", f"/chat/{room}"):
        ann.goto(path)
        expect(ann.page.locator("noscript p")).to_be_visible()
    ann.goto("/")
    rooms, form = (ann.page.locator(name).bounding_box() for name in (".rooms-section", ".lobby-side"))
    assert rooms is not None and form is not None
    assert rooms["x"] + rooms["width"] < form["x"]
