"""The example of a live dashboard, in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .example_process import Site, running_example
from .person import Visit


@pytest.fixture(scope="module")
def site(session_folder: Path) -> Iterator[str]:
    with running_example("dashboard", session_folder / "dashboard", "lobby", "support") as address:
        yield address


@pytest.mark.timeout(180)  # a site of its own to start
def test_it_shows_what_goes_on(visit: Visit, site: str) -> None:
    """Who comes, what is said and how much of it, in each room, while it happens."""
    boss = visit(place=Site(site))
    boss.page.goto(f"{site}/")
    tile = boss.page.locator("[data-room=support]")
    expect(boss.page.locator("#state")).to_have_text("Live")
    expect(tile.locator("[data-figure=people]")).to_have_text("1")
    ann = visit("ann", place=Site(f"{site}/talk")).enter("support")
    expect(tile.locator("[data-figure=people]")).to_have_text("2")
    ann.say("where is my <b>hat</b>?")
    expect(tile.locator(".latest")).to_have_text(f"{ann.name}: where is my <b>hat</b>?")
    expect(tile.locator("[data-figure=seq]")).to_have_text("1")
    expect(tile.locator("[data-figure=minute]")).to_have_text("1")
    expect(boss.page.locator("[data-room=lobby] .latest")).to_have_text("Nothing has been said yet.")
