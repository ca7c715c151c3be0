"""Who is here, and who came and went."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from playwright.sync_api import expect
from websockets.sync.client import connect

from .person import Visit
from .server_process import ServerProcess


@contextmanager
def caller(server: ServerProcess, room: str, name: str) -> Iterator[None]:
    """Somebody in the room without a browser."""
    address = f"{server.address.replace('http', 'ws')}/ws/{room}?username={name}"
    with connect(address, proxy=None, max_queue=None) as connection:  # what it does not read stands in nobody's way
        while '"subscribed"' not in str(connection.recv()):
            pass
        yield


def test_people_here_are_listed_and_counted(visit: Visit, room: str) -> None:
    """Everybody sees who is here, by name, with oneself marked, however they are connected."""
    ann = visit("ann").enter(room, transport="ws")
    bob = visit("bob").enter(room, transport="poll")
    eve = visit("eve").enter(room, transport="stream")
    names = [person.name or "" for person in (ann, bob, eve)]
    for person in (ann, bob, eve):
        expect(person.page.locator("#people .person-name")).to_have_text(names)
        expect(person.page.locator("#people-count")).to_have_text("3")
    expect(bob.page.locator("#people li", has=bob.page.locator(".you"))).to_contain_text(bob.name or "")


def test_coming_and_going_are_told(visit: Visit, server: ServerProcess, room: str) -> None:
    """Who comes and who goes is told by a line, and the list follows."""
    early, late = f"early-{room}", f"late-{room}"  # nobody else's, in whatever test
    with caller(server, room, early):
        ann = visit("ann").enter(room)
        expect(ann.page.locator("#people li")).to_have_count(2)
        expect(ann.page.locator(".presence-line")).to_have_count(0)
    line = ann.page.locator(".presence-line")
    expect(line).to_have_text(f"{early} left")
    expect(ann.page.locator("#people-count")).to_have_text("1")
    with caller(server, room, late):
        expect(line).to_have_text(f"{late} joined · {early} left")
        expect(ann.page.locator("#people-count")).to_have_text("2")
    expect(ann.page.locator("#people-count")).to_have_text("1")
    expect(line).to_have_text(f"{early} left")  # who only looked in is not mentioned


def test_many_comings_fold_into_one_line(visit: Visit, server: ServerProcess, room: str) -> None:
    """Ten people who come one after the other make one line; what is said divides it from the next."""
    ann = visit("ann").enter(room)
    with ExitStack() as callers:
        for number in range(10):
            callers.enter_context(caller(server, room, f"caller{number}"))
        line = ann.page.locator(".presence-line")
        expect(line).to_have_text(["caller0, caller1 and 8 others joined"])
        ann.say("welcome, all of you")
        expect(ann.message("welcome, all of you")).to_have_attribute("data-state", "sent")
        callers.enter_context(caller(server, room, "straggler"))
        expect(line).to_have_text(["caller0, caller1 and 8 others joined", "straggler joined"])


def test_a_reload_is_no_coming_and_going(visit: Visit, room: str) -> None:
    """Somebody who is back at once is not mentioned, so that a bad line is no noise."""
    bob = visit("bob").enter(room)
    ann = visit("ann").enter(room)
    expect(bob.page.locator(".presence-line")).to_have_text(f"{ann.name} joined")
    bob.page.reload()
    bob.is_online()
    bob.say("and back")
    ann.sees("and back")
    expect(ann.page.locator("#people-count")).to_have_text("2")
    expect(ann.page.locator(".presence-line")).to_have_count(0)


def test_who_is_typing_is_told(visit: Visit, room: str) -> None:
    """While one writes the other is told so, until the message is there."""
    ann = visit("ann").enter(room)
    bob = visit("bob").enter(room)
    bob.composer.press_sequentially("hel")
    expect(ann.page.locator("#typing")).to_have_text(f"{bob.name} is typing…")
    bob.composer.press("Enter")
    ann.sees("hel")
    expect(ann.page.locator("#typing")).to_be_empty()
    expect(bob.page.locator("#typing")).to_be_empty()
