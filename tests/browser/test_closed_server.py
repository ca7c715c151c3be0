"""A fresh server that lets nobody in but those whom its administrator knows, and one where guests only read."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import running
from .person import Visit
from .server_process import PASSWORD, ServerProcess

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def closed(session_folder: Path) -> Iterator[ServerProcess]:
    yield from running(session_folder / f"closed-{next(_numbers)}", "--guests=no", "--registration=no")


@pytest.fixture(scope="module")
def library(session_folder: Path) -> Iterator[ServerProcess]:
    yield from running(session_folder / f"library-{next(_numbers)}", "--guests=read")


def test_the_first_one_sets_the_server_up(visit: Visit, closed: ServerProcess) -> None:
    """The link that the server prints makes the administrator's account, once, and leads into the administration."""
    link = closed.setup_link
    root = visit(place=closed, expects=(r"status of 40[014] .*/setup",))
    root.page.goto(link.replace("token=", "token=wrong"))
    root.page.get_by_label("Name").fill("root")
    root.page.get_by_label("Password", exact=True).fill(PASSWORD)
    root.page.get_by_role("button", name="Make the account").click()
    expect(root.page.locator("#reason")).to_have_text("The link is wrong, or has been used.")
    root.page.goto(link)
    root.page.get_by_label("Name").fill("root")
    root.page.get_by_label("Password", exact=True).fill(PASSWORD)
    root.page.get_by_role("button", name="Make the account").click()
    expect(root.page.get_by_role("heading", name="Administration")).to_be_visible()
    root.page.goto(link)
    expect(root.page.get_by_text("This server has its administrator already.")).to_be_visible()


def test_strangers_come_no_further_than_the_door(visit: Visit, closed: ServerProcess) -> None:
    """Every page leads to the sign-in, which offers neither guests nor registration, and leads back."""
    stranger = visit(place=closed, expects=(r"status of 401",))
    for path in ("/", "/chat/lobby"):
        stranger.goto(path)
        expect(stranger.page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(stranger.page.get_by_role("button", name="Go in as a guest")).to_have_count(0)
    expect(stranger.page.get_by_role("link", name="Register")).to_have_count(0)
    stranger.page.get_by_label("Name").fill("root")
    stranger.page.get_by_label("Password", exact=True).fill(PASSWORD)
    stranger.page.get_by_role("button", name="Sign in").click()
    stranger.is_online()
    assert stranger.page.url.endswith("/chat/lobby")
    closed.call("DELETE", "/api/account/sessions", token=closed.sign_in("root"))
    stranger.page.get_by_role("dialog", name="You are signed out").get_by_role("link", name="To the rooms").click()
    expect(stranger.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_guests_who_only_read_are_told_so(visit: Visit, library: ServerProcess, room: str) -> None:
    """The composer says that guests read, and leads to the sign-in; a guest who makes a room is refused with that."""
    owner = library.account("ann")
    library.call("POST", "/api/rooms", {"name": room}, owner)
    bob = visit("bob", place=library, expects=(r"status of 403",)).enter(room)
    line = bob.page.locator("#composer-notice")
    expect(line).to_have_text("Guests may only read here: sign in to write. Sign in")
    expect(bob.page.locator("#send")).to_be_disabled()
    line.get_by_role("link", name="Sign in").click()
    expect(bob.page.get_by_text("Guests may read here. To write, sign in or register.")).to_be_visible()
    bob.page.get_by_role("link", name="Parley").click()
    bob.page.wait_for_url("**/")  # and until its scripts have run
    bob.page.get_by_label("Title").fill("Mine")
    bob.page.get_by_role("button", name="Open the room").click()
    expect(bob.page.locator("#new-room-reason")).to_contain_text("Guests make no rooms here")
