"""Rooms that are not for everybody: making them, inviting people, and what their owners set."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, expect

from .person import Member, Person, Visit
from .server_process import ServerProcess


def new_room(server: ServerProcess, owner: Person, **fields: object) -> str:
    """Has a room made, and gives its name."""
    return str(server.call("POST", "/api/rooms", fields, owner.token)["name"])


def settings(person: Person, room: str) -> Person:
    person.goto(f"/chat/{quote(room)}/settings")
    expect(person.page.locator("#room-facts")).not_to_be_empty()
    return person


def panel(person: Person, title: str) -> Locator:
    return person.page.get_by_role("region", name=title, exact=True)


def agree(person: Person, action: str) -> None:
    person.page.get_by_role("dialog").get_by_role("button", name=action).click()


def test_a_private_room_is_seen_by_its_members_alone(member: Member, room: str) -> None:
    """It is made in the lobby and marked there for its owner; for others it is neither listed nor there."""
    ann = member("ann")
    ann.goto("/")
    ann.page.get_by_label("Title").fill(f"Secrets of {room}")
    ann.page.get_by_label("Members whom you let in").check()
    ann.page.get_by_role("button", name="Open the room").click()
    ann.is_online()
    place = ann.page.url.removeprefix(ann.origin)
    assert re.fullmatch(r"/chat/[0-9a-f]{32}", place)
    expect(ann.page.locator("#room-settings")).to_have_attribute("href", f"{place}/settings")
    ann.goto("/")
    expect(ann.page.locator(f'#rooms a[href="{place}"]')).to_contain_text("private")
    expect(ann.page.locator(f'#rooms a[href="{place}"]')).to_contain_text("owner")
    bob = member("bob", expects=(r"status of 404",))
    bob.goto("/")
    expect(bob.page.locator("#account-name")).to_have_text(bob.account)
    expect(bob.page.locator("#rooms")).not_to_contain_text("Secrets")
    bob.goto(place)
    expect(bob.page.get_by_role("heading", name="There is no such room here")).to_be_visible()
    expect(bob.composer).to_be_hidden()
    assert "Secrets" not in bob.page.content()
    bob.page.get_by_role("link", name="To the rooms").click()
    expect(bob.page.locator("#rooms-title")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_invitation_leads_in(member: Member, server: ServerProcess, room: str, scripts: bool) -> None:
    """A link is made with its QR code and copied; who opens it sees the room's title, and one press makes a member."""
    ann = member("ann")
    name = new_room(server, ann, title=f"Garden of {room}", access="private")
    links = panel(settings(ann, name), "Invitation links")
    expect(links).to_contain_text("There are no links at the moment.")
    links.get_by_label("Valid for").select_option("A week")
    links.get_by_role("button", name="Make a link").click()
    link = links.get_by_label("The invitation link").input_value()
    code = links.get_by_alt_text("QR code of the link")
    assert code.evaluate("image => image.decode().then(() => image.naturalWidth)") > 20
    expect(links.get_by_role("listitem")).to_contain_text("For one more person")
    bob = member("bob", java_script_enabled=scripts)
    bob.page.goto(link)
    expect(bob.page.get_by_role("heading", name=f"Garden of {room}")).to_be_visible()
    bob.page.get_by_role("button", name="Join").click()
    if scripts:
        bob.is_online()
    assert bob.page.url == f"{bob.origin}/chat/{name}"
    settings(ann, name)
    expect(links.get_by_role("listitem")).to_have_count(0)
    expect(panel(ann, "Members").get_by_role("listitem")).to_have_text([re.compile("ann"), re.compile(bob.account)])


def test_a_revoked_invitation_is_told_kindly(member: Member, visit: Visit, server: ServerProcess, room: str) -> None:
    """Who comes with a link that was taken back is told what to do; the lobby has a box for links."""
    ann = member("ann")
    name = new_room(server, ann, title=room, access="link")
    links = panel(settings(ann, name), "Invitation links")
    links.locator("[name=uses]").select_option("As many as come")
    links.get_by_role("button", name="Make a link").click()
    link = links.get_by_label("The invitation link").input_value()
    bob = visit("bob", expects=(r"status of 404 .*/join/",))
    bob.goto("/")
    bob.page.get_by_label("The link you were given").fill(link)
    bob.page.get_by_role("button", name="Open the invitation").click()
    expect(bob.page.get_by_role("heading", name=room)).to_be_visible()
    links.get_by_role("button", name="Revoke").click()
    agree(ann, "Revoke")
    expect(links.get_by_role("listitem")).to_have_count(0)
    bob.page.get_by_role("button", name="Join").click()
    expect(bob.page.get_by_text("This invitation is wrong, used up, too old or taken back.")).to_be_visible()


def test_owners_say_who_is_who(member: Member, server: ServerProcess, room: str) -> None:
    """An owner adds somebody by name, makes them a moderator, and removes them; they are out at once."""
    ann, bob = member("ann"), member("bob", expects=(r"status of 40[34]",))
    name = new_room(server, ann, title=room, access="private")
    people = panel(settings(ann, name), "Members")
    people.get_by_label("Name of an account").fill(bob.account)
    people.get_by_role("button", name="Add to the room").click()
    expect(people.get_by_role("listitem")).to_have_count(2)
    bob.enter(name)
    expect(bob.page.locator("#room-settings")).to_be_visible()
    people.get_by_label(f"Role of {bob.account}").select_option("Moderator")
    expect(ann.page.locator("#notice")).to_have_text(f"{bob.account} is now a moderator.")
    assert server.call("GET", f"/api/rooms/{name}", token=bob.token)["role"] == "moderator"
    people.get_by_role("button", name=f"Remove: {bob.account}").click()
    agree(ann, "Remove")
    expect(people.get_by_role("listitem")).to_have_count(1)
    expect(bob.page.get_by_role("heading", name=f"You are out of {room}")).to_be_visible()
    expect(bob.connection).to_have_attribute("data-state", "out")


def test_a_locked_room_says_so_in_the_composer(member: Member, visit: Visit, server: ServerProcess, room: str) -> None:
    """The composer says at once that only moderators write, and keeps what was begun, until it is unlocked."""
    ann = member("ann")
    new_room(server, ann, name=room)
    bob = visit("bob").enter(room)
    bob.composer.fill("as I was saying")
    order = panel(settings(ann, room), "Order in the room")
    order.get_by_label("Locked").check()
    order.get_by_role("button", name="Save").click()
    expect(order.get_by_role("status")).to_have_text("Saved. It holds at once.")
    line = bob.page.locator("#composer-notice")
    expect(line).to_have_text("The room is locked: only its moderators write at the moment.")
    expect(bob.page.locator("#send")).to_be_disabled()
    bob.composer.press("Enter")
    order.get_by_label("Locked").uncheck()
    order.get_by_role("button", name="Save").click()
    expect(line).to_be_hidden()
    bob.composer.press("Enter")
    bob.sees("as I was saying")


def test_slow_mode_is_waited_for(member: Member, visit: Visit, server: ServerProcess, room: str) -> None:
    """In slow mode the next message waits by itself, with a countdown, and is sent when its time has come."""
    ann = member("ann")
    new_room(server, ann, name=room)
    server.call("PATCH", f"/api/rooms/{room}", {"slow": 4}, ann.token)
    bob = visit("bob").enter(room)
    expect(bob.page.locator("#composer-notice")).to_have_text("Slow mode: one message every 4 seconds.")
    bob.say("one")
    bob.say("two")
    state = bob.message("two").locator(".message-state")
    expect(state).to_have_text(re.compile(r"^Waiting \(\d s\)$"))
    expect(state.locator("[aria-hidden]")).to_have_text(re.compile(r"\(\d s\)"))
    expect(bob.message("two")).to_have_attribute("data-state", "sent")
    bob.sees("one", "two")


def test_a_room_for_reading(member: Member, visit: Visit, server: ServerProcess, room: str) -> None:
    """Who comes into a room for reading is told so; its owner writes there."""
    ann = member("ann")
    new_room(server, ann, name=room, read_only=True)
    bob = visit("bob").enter(room)
    expect(bob.page.locator("#composer-notice")).to_have_text("This room is for reading: only its moderators write.")
    ann.enter(room).say("news")
    bob.sees("news")
    expect(ann.page.locator("#composer-notice")).to_be_hidden()


def test_the_owner_changes_what_the_room_is(member: Member, visit: Visit, server: ServerProcess, room: str) -> None:
    """Title, access and lifetime are saved; those in the room see the new title, and are out of a private one."""
    ann = member("ann")
    new_room(server, ann, name=room)
    bob = visit("bob", expects=(r"status of 404",)).enter(room)
    form = panel(settings(ann, room), "The room")
    form.get_by_label("Title").fill(f"New {room}")
    form.get_by_label("Messages are kept").select_option("For 30 days")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_contain_text("Saved.")
    expect(bob.page.get_by_role("heading", level=1)).to_have_text(f"New {room}")
    assert server.call("GET", f"/api/rooms/{room}", token=ann.token)["lifetime"] == 30
    form.get_by_label("Members Moderators let them in").check()
    form.get_by_role("button", name="Save").click()
    expect(bob.page.get_by_role("heading", name=f"You are out of New {room}")).to_be_visible()
    expect(bob.page.locator("#out")).to_be_focused()


def test_the_end_of_a_room(member: Member, server: ServerProcess, room: str) -> None:
    """A member leaves; the owner deletes the room after a question, and is back in the lobby."""
    ann, bob = member("ann"), member("bob")
    name = new_room(server, ann, title=room, access="private")
    server.call("PUT", f"/api/rooms/{name}/members/{bob.account}", {"role": "member"}, ann.token)
    settings(bob, name)
    expect(panel(bob, "Delete the room")).to_be_hidden()
    bob.page.get_by_role("button", name="Leave the room").click()
    agree(bob, "Leave")
    expect(bob.page.locator("#rooms-title")).to_be_visible()
    settings(ann, name)
    ann.page.get_by_role("button", name="Delete the room").click()
    expect(ann.page.get_by_role("dialog")).to_contain_text("Nobody can bring it back.")
    agree(ann, "Delete the room")
    expect(ann.page.locator("#rooms-title")).to_be_visible()
    expect(ann.page.locator("#rooms")).not_to_contain_text(room)


def test_the_settings_of_a_room_that_is_none(member: Member) -> None:
    """Who may not know of a room is told that there is none, and is offered nothing."""
    ann = member("ann", expects=(r"status of 404",))
    ann.goto("/chat/no-such-room/settings")
    expect(ann.page.locator("#trouble")).to_have_text("There is no such room.")
    expect(ann.page.get_by_role("button", name="Save")).to_have_count(0)
