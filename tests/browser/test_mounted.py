"""Parley below a path of another site, in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .example_process import Site, running_example
from .person import Visit


@pytest.fixture(scope="module")
def site(session_folder: Path) -> Iterator[str]:
    """The example of a site, as it stands; its rooms lie below /talk."""
    with running_example("mounted", session_folder / "mounted") as address:
        yield address


@pytest.mark.timeout(180)  # a site of its own to start, and two people
def test_people_talk_below_the_path(visit: Visit, site: str) -> None:
    """One whom the site knows and a guest: lobby, room, both transports, settings, and out again."""
    talk = Site(f"{site}/talk")
    ann = visit(place=Site(site), expects=("status of 404 .*/favicon.ico",))
    ann.page.goto(f"{site}/")
    ann.page.get_by_label("Name").fill("ann")
    ann.page.get_by_role("button", name="Hello").click()
    ann.page.get_by_role("link", name="Talk to us").click()
    ann.is_online("ws")
    expect(ann.page.locator("#account-name")).to_have_text("ann")
    bob = visit("bob", place=talk).enter("shop", transport="poll")
    ann.say("what do you want?")
    bob.sees("what do you want?")
    bob.say("a hat")
    ann.sees("what do you want?", "a hat")
    ann.page.get_by_role("link", name="Parley").click()
    expect(ann.page).to_have_url(f"{talk.address}/")
    ann.page.locator("#rooms").get_by_role("link", name="shop").click()
    expect(ann.page).to_have_url(f"{talk.address}/chat/shop")
    ann.sees("what do you want?", "a hat")
    ann.page.goto(f"{site}/")
    ann.page.get_by_role("button", name="Bye").click()
    ann.page.goto(f"{talk.address}/")
    expect(ann.page.locator("#account-name")).not_to_have_text("ann")
