"""Strangers who are brought together."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Locator, expect

from .person import OUTAGE, Person, Place, Visit
from .proxy import Proxy
from .server_process import ServerProcess

# What a browser reports of the room of a pair that is over, where it asks for it.
ROOM_IS_OVER = r"status of 404 .*/api/(rooms|poll|stream)"


class Stranger(Protocol):
    """Brings somebody to the page for meeting strangers."""

    def __call__(self, name: str, *, transport: str = "", place: Place | None = None) -> Person: ...


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[Proxy]:
    """A proxy that lets everything through. Tests name it before `stranger`, so that people have left when it ends."""
    proxy = Proxy(server.address)
    yield proxy
    proxy.close()


@pytest.fixture
def stranger(visit: Visit, server: ServerProcess) -> Iterator[Stranger]:
    """Nobody is left waiting for those who come after the test."""
    people: list[Person] = []

    def bring(name: str, *, transport: str = "", place: Place | None = None) -> Person:
        person = visit(name, place=place, expects=(ROOM_IS_OVER, OUTAGE) if place else (ROOM_IS_OVER,))
        people.append(person)
        person.goto("/pair", **({"transport": transport} if transport else {}))
        expect(person.connection).to_have_attribute("data-state", "online")
        return person

    yield bring
    for person in people:
        cookies = {cookie["name"]: cookie["value"] for cookie in person.context.cookies()}
        with suppress(HTTPError):  # they neither wait nor talk
            server.call("POST", "/api/pairing", {"type": "unpair"}, cookies["parley_session"].strip('"'))


def button(person: Person, name: str) -> Locator:
    return person.page.get_by_role("button", name=name, exact=True)


def status(person: Person) -> Locator:
    return person.page.locator("#pair-status")


def press(person: Person, name: str) -> None:
    button(person, name).click()


def seek(person: Person) -> None:
    press(person, "Find somebody to talk to")


def waits(person: Person, position: int = 1) -> None:
    expect(status(person)).to_contain_text(f"number {position} in the queue")


def talks(person: Person, partner: Person) -> None:
    expect(person.page.locator("#pair-name")).to_have_text(str(partner.name))
    expect(person.composer).to_be_editable()


def pair(one: Person, other: Person) -> None:
    seek(one)
    waits(one)
    seek(other)
    talks(one, other)
    talks(other, one)


@pytest.mark.parametrize("transport", ["ws", "stream", "poll"])
def test_two_strangers_talk(stranger: Stranger, transport: str) -> None:
    """Two who ask are brought together and talk both ways, whatever the transport of one is."""
    ann, bob = stranger("ann", transport=transport), stranger("bob")
    pair(ann, bob)
    ann.say("hello stranger")
    bob.sees("hello stranger")
    bob.say("hello yourself")
    ann.sees("hello stranger", "hello yourself")
    bob.act("hello stranger", "react")
    bob.page.locator(".emoji-choice").first.click()
    expect(ann.page.locator(".reaction")).to_be_visible()
    ann.composer.press_sequentially("hm")
    expect(bob.page.locator("#typing")).to_contain_text("is typing")


@pytest.mark.parametrize("transport", ["ws", "poll"])
def test_the_one_left_meets_the_next(stranger: Stranger, transport: str) -> None:
    """Who is left is told why, waits anew without asking where they wish it, and meets the third."""
    ann, bob, cid = stranger("ann"), stranger("bob", transport=transport), stranger("cid")
    bob.page.get_by_label("Keep looking").first.check()
    pair(ann, bob)
    ann.say("bye")
    bob.sees("bye")
    press(ann, "Next Esc Esc")
    waits(ann)
    expect(status(bob)).to_contain_text(f"{ann.name} has gone on to somebody else. You are number 2 in the queue.")
    press(ann, "Cancel")
    expect(button(ann, "Find somebody to talk to")).to_be_visible()
    waits(bob)
    seek(cid)
    talks(bob, cid)
    talks(cid, bob)
    expect(bob.messages).to_have_count(0)
    cid.say("another one")
    bob.sees("another one")


def test_one_who_is_left_may_have_had_enough(stranger: Stranger) -> None:
    """Without that wish one reads what was said, and looks for somebody else or stops."""
    ann, bob = stranger("ann"), stranger("bob")
    pair(ann, bob)
    ann.say("I have to go")
    bob.sees("I have to go")
    press(ann, "Stop")
    expect(status(bob)).to_have_text(f"{ann.name} has left.")
    expect(bob.composer).to_be_hidden()
    bob.sees("I have to go")
    press(bob, "Find somebody else")
    waits(bob)
    press(bob, "Cancel")
    expect(button(bob, "Find somebody to talk to")).to_be_visible()


def test_escape_twice_is_next(stranger: Stranger) -> None:
    """The first Esc says what another one does."""
    ann, bob = stranger("ann"), stranger("bob")
    pair(ann, bob)
    ann.composer.press("Escape")
    expect(status(ann)).to_contain_text("Press Esc again")
    ann.composer.press("Escape")
    waits(ann)
    expect(status(bob)).to_contain_text("gone on to somebody else")


def test_kept_by_both(stranger: Stranger) -> None:
    """Each sees that the other wishes to keep it; once both do it has a page of its own, whatever comes next."""
    ann, bob = stranger("ann"), stranger("bob")
    pair(ann, bob)
    ann.say("let us stay in touch")
    bob.sees("let us stay in touch")
    press(ann, "Keep")
    expect(button(ann, "Keep")).to_have_attribute("aria-pressed", "true")
    expect(status(bob)).to_contain_text(f"{ann.name} wishes to keep this conversation")
    press(bob, "Keep")
    expect(status(ann)).to_contain_text("You both keep this conversation.")
    press(bob, "Stop")
    ann.page.get_by_role("link", name="The kept conversation").click()
    ann.is_online()
    ann.sees("let us stay in touch")
    ann.say("still there?")
    bob.goto("/")
    bob.page.locator("#direct .card").click()
    bob.sees("let us stay in touch", "still there?")


def test_a_reload_keeps_the_partner(stranger: Stranger) -> None:
    """Who comes back in time finds the partner, what was said, and what they were writing."""
    ann, bob = stranger("ann"), stranger("bob")
    pair(ann, bob)
    ann.say("one moment")
    bob.sees("one moment")
    ann.composer.fill("as I was say")
    ann.page.reload()
    talks(ann, bob)
    ann.sees("one moment")
    expect(ann.composer).to_have_value("as I was say")
    bob.say("welcome back")
    ann.sees("one moment", "welcome back")


@pytest.mark.parametrize("transport", ["ws", "poll"])
def test_a_cut_line_keeps_the_place(proxy: Proxy, stranger: Stranger, transport: str) -> None:
    """Whose line is cut while they wait, and are in no room, is back in the queue and meets who comes."""
    ann, bob = stranger("ann", place=proxy, transport=transport), stranger("bob")
    seek(ann)
    waits(ann)
    proxy.is_down = True
    proxy.cut()
    ann.is_cut_off()
    proxy.is_down = False
    expect(ann.connection).to_have_attribute("data-state", "online")
    seek(bob)
    talks(ann, bob)
    ann.say("here I am")
    bob.sees("here I am")


def test_blocked(stranger: Stranger) -> None:
    """Whom one has blocked one does not meet again, though nobody else is there."""
    ann, bob, cid = stranger("ann"), stranger("bob"), stranger("cid")
    pair(ann, bob)
    press(ann, "Block and next")
    waits(ann)
    seek(cid)
    talks(ann, cid)
    press(ann, "Next Esc Esc")
    waits(ann)
    press(bob, "Find somebody else")
    expect(status(bob)).to_contain_text("You are number 2 in the queue.")


def test_interests(stranger: Stranger) -> None:
    """Shared interests bring together; they are kept in the browser."""
    ann, bob, cid = stranger("ann"), stranger("bob"), stranger("cid")
    for person, tags in ((ann, "Chess, tea"), (bob, "rain"), (cid, "tea")):
        person.page.locator("#pair-tag").press_sequentially(tags)
        person.page.locator("#pair-tag").press("Enter")
    expect(ann.page.locator(".tag")).to_have_text(["chess×", "tea×"])
    seek(bob)
    waits(bob)
    seek(ann)
    waits(ann, 2)
    seek(cid)
    talks(cid, ann)
    press(bob, "Cancel")
    bob.page.reload()
    expect(bob.page.locator(".tag")).to_have_text(["rain×"])
    press(bob, "Remove rain")
    expect(bob.page.locator(".tag")).to_have_count(0)


def test_a_partner_is_reported(stranger: Stranger, server: ServerProcess) -> None:
    """Once the partner has said something it can be reported, with what was said."""
    ann, bob = stranger("ann"), stranger("bob")
    pair(ann, bob)
    expect(button(ann, "Report…")).to_be_disabled()
    bob.say("something rude")
    ann.sees("something rude")
    press(ann, "Report…")
    ann.page.get_by_label("Reason").fill("rude")
    press(ann, "Report")
    expect(ann.page.locator("#notice")).to_contain_text("Thank you")
    report = server.database()["reports"].find_one({"reason": "rude"})
    assert report is not None
    assert report["text"] == "something rude"


def test_the_lobby_leads_there(stranger: Stranger) -> None:
    """The page is linked from the list of rooms."""
    ann = stranger("ann")
    ann.goto("/")
    ann.page.get_by_role("link", name="Meet somebody").click()
    expect(button(ann, "Find somebody to talk to")).to_be_visible()
