"""With the keyboard alone, and for those who listen to the page."""

import re

import pytest
from playwright.sync_api import Page, expect

from .person import Person, Visit
from .server_process import ServerProcess

# What has the focus, as [what it is, whether that can be seen].
FOCUS = """() => {
    const element = document.activeElement;
    const visible = (style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    const around = element.parentElement?.closest(':focus-within');
    const isMarked = visible(getComputedStyle(element)) || getComputedStyle(around ?? element).boxShadow !== 'none';
    const { width, height } = element.getBoundingClientRect();
    const label = element.id || element.className || element.textContent.trim() || element.name;
    return [element === document.body ? '' : label, isMarked && width > 0 && height > 0];
}"""

# The named things on the page that can be pressed or written in, as the browser tells assistive technology.
CONTROLS = {"button", "link", "textbox", "searchbox", "dialog", "navigation", "log", "complementary", "region"}


def tabbed(page: Page, backwards: bool = False) -> list[str]:
    """What Tab meets in turn until the focus leaves the page; fails where one cannot see the focus."""
    met: list[str] = []
    for _ in range(40):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        label, is_visible = page.evaluate(FOCUS)
        if not label or (met and label == met[0]):
            return met
        assert is_visible, f"the focus on {label} cannot be seen"
        met.append(label)
    raise AssertionError(f"Tab goes round without end: {met}")


def nameless(person: Person) -> list[str]:
    """The controls for which assistive technology has no name."""
    session = person.context.new_cdp_session(person.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    shown = [node for node in nodes if not node["ignored"] and node.get("role", {}).get("value") in CONTROLS]
    assert shown
    return [node["role"]["value"] for node in shown if not node.get("name", {}).get("value")]


def test_tab_reaches_everything_in_a_room(visit: Visit, room: str) -> None:
    """Tab goes through all there is to press in a reasonable order, and one sees where one is."""
    ann = visit("ann").enter(room)
    ann.say("hello")
    expect(ann.message("hello")).to_have_attribute("data-state", "sent")
    ann.composer.fill("so that there is something to send")
    ann.page.evaluate("document.activeElement.blur(); document.body.focus(); getSelection().removeAllRanges()")
    ann.page.locator(".skip-link").focus()
    met = ["skip-link", *tabbed(ann.page)]
    order = ["skip-link", "brand", "people-toggle", "tab", "close-room", "open-room", "log", "composer", "send"]
    assert [label for label in met if label in order] == order


def test_tab_reaches_everything_in_the_lobby(visit: Visit, server: ServerProcess, room: str) -> None:
    """Tab goes from the header over the rooms to the form."""
    server.say(room, "come in", "bob")
    ann = visit("ann")
    ann.goto("/")
    expect(ann.page.locator("#rooms a").first).to_be_visible()
    expect(ann.page.locator("#account-name")).to_have_text(ann.name or "")
    ann.page.locator(".skip-link").focus()
    met = list(dict.fromkeys(tabbed(ann.page)))
    order = ["brand", "random-room", "card", "new-room-title", "new-room-name", "main-button"]
    assert [label for label in met if label in order] == order


def test_a_whole_talk_by_keyboard(visit: Visit, room: str) -> None:
    """One gives one's name, writes, reads back, edits, reacts and opens another room without touching a mouse."""
    stranger = visit()
    stranger.goto(f"/chat/{room}")
    keyboard = stranger.page.keyboard
    expect(stranger.page.locator("#name")).to_be_focused()
    keyboard.type(f"typist of {room}")
    keyboard.press("Enter")
    stranger.is_online()
    expect(stranger.composer).to_be_focused()
    for text in ("one", "two"):
        keyboard.type(text)
        keyboard.press("Enter")
    expect(stranger.message("two")).to_have_attribute("data-state", "sent")
    keyboard.press("Shift+Tab")
    expect(stranger.log).to_be_focused()
    keyboard.press("ArrowUp")
    expect(stranger.message("two")).to_be_focused()
    keyboard.press("ArrowUp")
    expect(stranger.message("one")).to_be_focused()
    keyboard.press("Tab")
    expect(stranger.message("one").locator(".react")).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Enter")
    expect(stranger.message("one").locator(".reaction")).to_have_text("👍 1")
    expect(stranger.message("one").locator(".react")).to_be_focused()
    keyboard.press("Tab")
    expect(stranger.message("one").locator(".edit")).to_be_focused()
    keyboard.press("Enter")
    expect(stranger.composer).to_be_focused()
    keyboard.press("End")
    keyboard.type(" and a half")
    keyboard.press("Enter")
    stranger.sees("one and a half", "two")


@pytest.mark.parametrize("opener", ["#open-room", "#people-toggle"])
def test_esc_closes_what_was_opened_and_gives_the_focus_back(visit: Visit, room: str, opener: str) -> None:
    """Esc leaves a dialog and a drawer, and one is where one was."""
    ann = visit("ann", viewport={"width": 800, "height": 700}).enter(room)
    panel = {"#open-room": "#room-chooser", "#people-toggle": "#people-panel"}[opener]
    ann.page.locator(opener).focus()
    ann.page.keyboard.press("Enter")
    expect(ann.page.locator(panel)).to_be_visible()
    expect(ann.page.locator(f"{panel} :focus")).to_have_count(1)
    ann.page.keyboard.press("Escape")
    expect(ann.page.locator(panel)).to_be_hidden()
    expect(ann.page.locator(opener)).to_be_focused()


def test_the_skip_link_leads_to_the_message_box(visit: Visit, room: str) -> None:
    """The first thing Tab meets leads past the header."""
    ann = visit("ann").enter(room)
    skip = ann.page.get_by_role("link", name="Skip to the message box")
    skip.focus()
    expect(skip).to_be_in_viewport()
    ann.page.keyboard.press("Enter")
    expect(ann.composer).to_be_focused()


def test_a_room_has_roles_and_names(visit: Visit, room: str) -> None:
    """A screen reader finds the log, the people, the rooms and the box by their roles, and nothing is nameless."""
    ann = visit("ann").enter(room)
    ann.say("hello")
    expect(ann.message("hello")).to_have_attribute("data-state", "sent")
    page = ann.page
    expect(page.get_by_role("log", name=f"Messages in {room}")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.get_by_role("navigation", name="Open rooms").get_by_role("link", name=room)).to_be_visible()
    expect(page.get_by_role("complementary", name="People here").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("button", name=re.compile("1 people here|1 person here"))).to_be_visible()
    expect(page.locator("#connection-label")).to_have_attribute("role", "status")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert nameless(ann) == []


def test_the_lobby_has_roles_and_names(visit: Visit, server: ServerProcess, room: str) -> None:
    """A screen reader finds the rooms and the form by their headings and labels, and nothing is nameless."""
    server.say(room, "come in", "bob")
    ann = visit("ann")
    ann.goto("/")
    page = ann.page
    expect(page.get_by_role("heading", name="Rooms", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="A new room").get_by_role("textbox")).to_have_count(2)
    expect(page.locator("#rooms").get_by_role("link", name=room).first).to_be_visible()
    assert nameless(ann) == []


def test_what_was_there_before_is_not_read_aloud(visit: Visit, room: str) -> None:
    """The messages a room opens with are put in quietly; what comes then is announced."""
    ann = visit("ann").enter(room)
    ann.say("old")
    expect(ann.message("old")).to_have_attribute("data-state", "sent")
    bob = visit("bob", fresh=True)
    bob.page.add_init_script("""addEventListener('DOMContentLoaded', () => {
        const log = document.querySelector('#log');
        window.live = [];
        new MutationObserver((changes) => {
            for (const { addedNodes } of changes) {
                for (const node of addedNodes) if (node.matches('.message')) window.live.push(log.ariaLive);
            }
        }).observe(log, { childList: true });
    })""")
    bob.enter(room)
    bob.sees("old")
    expect(bob.log).to_have_attribute("aria-live", "polite")
    ann.say("new")
    bob.sees("old", "new")
    assert bob.page.evaluate("window.live") == ["off", "polite"]
