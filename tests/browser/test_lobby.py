"""The lobby: rooms as they change, and new ones; and addresses that are no page."""

import re

from playwright.sync_api import Locator, expect

from .person import Person, Visit
from .server_process import ServerProcess


def card(person: Person, room: str) -> Locator:
    return person.page.locator(f'#rooms a[href="/chat/{room}"]')


def test_rooms_and_people_appear_without_a_reload(visit: Visit, room: str) -> None:
    """A room that somebody else opens appears, with who is there and when something was said, and goes on changing."""
    ann = visit("ann")
    ann.goto("/")
    expect(ann.page.locator("#account-name")).to_have_text(ann.name or "")
    expect(card(ann, room)).to_have_count(0)
    bob = visit("bob").enter(room)
    expect(card(ann, room).locator(".card-people")).to_have_text("1 here")
    expect(card(ann, room).locator(".card-active")).to_have_text("no messages yet")
    bob.say("anybody?")
    expect(card(ann, room).locator(".card-active")).to_have_text("just now")
    expect(ann.page.locator("#rooms a").first).to_have_attribute("href", f"/chat/{room}")
    bob.context.close()
    expect(card(ann, room).locator(".card-people")).to_have_text("nobody here")


def test_a_card_leads_into_its_room(visit: Visit, server: ServerProcess, room: str) -> None:
    """A press on a room's card opens it."""
    server.say(room, "come in", "bob")
    ann = visit("ann")
    ann.goto("/")
    card(ann, room).click()
    ann.is_online()
    ann.sees("come in")


def test_the_form_makes_a_room(visit: Visit, room: str) -> None:
    """A title is enough; the room's address is made of it."""
    ann = visit("ann")
    ann.goto("/")
    ann.page.get_by_label("Title").fill(f"The Garden of {room}!")
    expect(ann.page.locator("#new-room-name")).to_have_attribute("placeholder", f"the-garden-of-{room}")
    ann.page.get_by_role("button", name="Open the room").click()
    ann.is_online()
    assert ann.page.url.endswith(f"/chat/the-garden-of-{room}")
    expect(ann.page.get_by_role("heading", level=1)).to_have_text(f"The Garden of {room}!")
    expect(ann.page).to_have_title(f"The Garden of {room}! · Parley")


def test_a_stranger_is_asked_for_a_name_before_a_room_is_made(visit: Visit, room: str) -> None:
    """Making a room needs a name; giving it goes on where one was."""
    stranger = visit()
    stranger.goto("/")
    stranger.page.get_by_label("Title").fill(room)
    stranger.page.keyboard.press("Enter")
    stranger.page.locator("#name").fill(f"maker of {room}")
    stranger.page.keyboard.press("Enter")
    stranger.is_online()
    assert stranger.page.url.endswith(f"/chat/{room}")


def test_a_room_that_exists_is_offered_instead(visit: Visit, server: ServerProcess, room: str) -> None:
    """A name that is taken is refused with the reason, and a way into the room that has it."""
    server.say(room, "come in", "bob")
    ann = visit("ann", expects=(r"status of 409 .*/api/rooms$",))
    ann.goto("/")
    ann.page.get_by_label("Title").fill("Another")
    ann.page.get_by_label("Name in its address").fill(room.upper())
    ann.page.get_by_role("button", name="Open the room").click()
    expect(ann.page.locator("#new-room-reason")).to_contain_text(f"There is a room called {room} already.")
    ann.page.get_by_role("link", name="Go to that room").click()
    ann.is_online()
    ann.sees("come in")


def test_one_click_opens_a_random_room(visit: Visit) -> None:
    """One press leads into a new room whose name can be said aloud."""
    ann = visit("ann")
    ann.goto("/")
    expect(ann.page.locator("#account-name")).to_have_text(ann.name or "")
    ann.page.get_by_role("button", name="Random new room").click()
    ann.is_online()
    assert re.search(r"/chat/[a-z]+-[a-z]+-\d{3}$", ann.page.url)
    expect(ann.page.locator("#people-count")).to_have_text("1")


def test_an_unknown_address_is_told_kindly(visit: Visit) -> None:
    """What is no page says so in plain words, and leads to the rooms."""
    ann = visit(expects=("status of 404",))
    for path in ("/nowhere", "/chat/", "/chat/no%20room%21", "/chat/..."):
        response = ann.page.goto(f"{ann.origin}{path}")
        assert response is not None
        assert response.status == 404
        expect(ann.page.get_by_role("heading", level=1)).to_have_text("Not Found")
        expect(ann.page.get_by_text("There is no such page.")).to_be_visible()
    ann.page.get_by_role("link", name="To the rooms").click()
    expect(ann.page.locator("#rooms-title")).to_be_visible()
