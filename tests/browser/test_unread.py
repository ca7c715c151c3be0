"""Several rooms in one page, and what came while nobody looked."""

from urllib.parse import unquote

from playwright.sync_api import Locator, expect

from .person import Person, Visit
from .server_process import ServerProcess


def open_beside(person: Person, room: str) -> None:
    """Opens a further room in the same page."""
    person.page.get_by_role("button", name="Open a room").click()
    person.page.get_by_role("textbox", name="Which room?").fill(room)
    person.page.keyboard.press("Enter")
    expect(person.page.locator("#room-title")).to_have_text(room)


def tab(person: Person, room: str) -> Locator:
    return person.page.locator(f'#open-rooms [data-room="{room}"]')


def test_the_title_counts_what_came_while_the_page_was_hidden(visit: Visit, server: ServerProcess, room: str) -> None:
    """While one looks elsewhere the page's title counts the messages of others, until one is back."""
    ann = visit("ann").enter(room)
    server.say(room, "seen at once", "bob")
    ann.sees("seen at once")
    expect(ann.page).to_have_title(f"{room} · Parley")
    ann.hide()
    server.say(room, "one", "bob")
    expect(ann.page).to_have_title(f"(1) {room} · Parley")
    server.say(room, "two", "bob")
    expect(ann.page).to_have_title(f"(2) {room} · Parley")
    ann.come_back()
    expect(ann.page).to_have_title(f"{room} · Parley")
    ann.sees("seen at once", "one", "two")


def test_several_rooms_share_one_connection(visit: Visit, server: ServerProcess, room: str) -> None:
    """Three rooms in one page come over one WebSocket, and each shows its own messages and people."""
    rooms = [room, f"{room}-two", f"{room}-дрӣ"]
    ann = visit("ann").enter(room, transport="ws")
    for each in rooms[1:]:
        open_beside(ann, each)
    bob = visit("bob").enter(rooms[1])
    bob.say("only here")
    for each in rooms:
        tab(ann, each).click()
        expect(ann.page.locator("#room-title")).to_have_text(each)
        ann.say(f"said in {each}")
        expected = ["only here", f"said in {each}"] if each == rooms[1] else [f"said in {each}"]
        ann.sees(*expected)
        expect(ann.page.locator("#people-count")).to_have_text("2" if each == rooms[1] else "1")
        assert unquote(ann.page.url).split("?")[0].endswith(f"/chat/{each}")
    bob.sees("only here", f"said in {rooms[1]}")
    assert len(ann.sockets) == 1


def test_several_rooms_work_over_long_poll(visit: Visit, server: ServerProcess, room: str) -> None:
    """Without a WebSocket several rooms are as live as one."""
    other = f"{room}-two"
    ann = visit("ann").enter(room, transport="poll")
    open_beside(ann, other)
    server.say(other, "to the shown", "bob")
    ann.sees("to the shown")
    server.say(room, "to the hidden", "bob")
    expect(tab(ann, room).locator(".unread")).to_have_text("1 unread")
    ann.say("by poll")
    ann.sees("to the shown", "by poll")


def test_unread_messages_are_counted_for_each_room(visit: Visit, server: ServerProcess, room: str) -> None:
    """A room that is open but not shown counts what came, and forgets it when it is shown."""
    other = f"{room}-two"
    ann = visit("ann").enter(room)
    open_beside(ann, other)
    for number in (1, 2):
        server.say(room, f"unread {number}", "bob")
        expect(tab(ann, room).locator(".unread")).to_have_text(f"{number} unread")
    expect(tab(ann, other).locator(".unread")).to_be_hidden()
    ann.hide()
    expect(ann.page).to_have_title(f"(2) {other} · Parley")
    ann.come_back()
    tab(ann, room).click()
    expect(tab(ann, room).locator(".unread")).to_be_hidden()
    ann.sees("unread 1", "unread 2")


def test_open_rooms_survive_a_reload_and_the_back_button_goes_between_them(visit: Visit, room: str) -> None:
    """The page opens with the rooms it had; Back shows the room before; a closed one is gone."""
    other = f"{room}-two"
    ann = visit("ann").enter(room)
    open_beside(ann, other)
    ann.page.reload()
    ann.is_online()
    expect(ann.page.locator("#open-rooms .tab-title")).to_have_text([room, other])
    expect(tab(ann, other)).to_have_attribute("aria-current", "page")
    ann.page.go_back()
    expect(ann.page.locator("#room-title")).to_have_text(room)
    ann.page.get_by_role("button", name=f"Close {other}").click()
    expect(ann.page.locator("#open-rooms .tab-title")).to_have_text([room])


def test_a_draft_belongs_to_its_room(visit: Visit, room: str) -> None:
    """What is half written stays with the room it was written for, over a reload too."""
    other = f"{room}-two"
    ann = visit("ann").enter(room)
    ann.composer.fill("for the first room")
    open_beside(ann, other)
    expect(ann.composer).to_have_value("")
    tab(ann, room).click()
    expect(ann.composer).to_have_value("for the first room")
    ann.page.reload()
    ann.is_online()
    expect(ann.composer).to_have_value("for the first room")
