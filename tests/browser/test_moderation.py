"""Moderators in the room: who somebody is, and what is done about those who disturb."""

import re

import pytest
from playwright.sync_api import Locator, expect

from .person import Member, Person, Visit
from .server_process import ServerProcess


@pytest.fixture
def ann(member: Member, server: ServerProcess, room: str) -> Person:
    """The owner of the test's room, who is there."""
    ann = member("ann")
    server.call("POST", "/api/rooms", {"name": room}, ann.token)
    return ann.enter(room)


def card_of(person: Person, name: str) -> Locator:
    """Opens the card of somebody who is in the room, from the list of people."""
    person.page.locator("#people").get_by_role("button", name=name).click()
    card = person.page.get_by_role("dialog", name=name)
    expect(card).to_be_visible()
    return card


def sanction(person: Person, name: str, act: str, duration: str = "") -> None:
    card_of(person, name).get_by_role("button", name=act).click()
    dialog = person.page.get_by_role("dialog")
    if duration:
        dialog.get_by_label("For how long").select_option(duration)
    dialog.get_by_label("Reason").fill("noise")
    dialog.get_by_role("button", name=act).click()
    expect(dialog).to_be_hidden()


def test_the_card_says_who_somebody_is(ann: Person, visit: Visit, room: str) -> None:
    """A press on a name, or a message's button, opens a card; only moderators are offered what they can do."""
    bob = visit("bob").enter(room)
    bob.say("hello")
    ann.act("hello", "profile")
    card = ann.page.get_by_role("dialog", name=bob.name or "")
    expect(card).to_contain_text("A guest, without an account")
    expect(card.get_by_role("group", name="As a moderator").get_by_role("button")).to_have_text(
        ["Mute…", "Kick…", "Ban…"]
    )
    ann.page.keyboard.press("Escape")
    expect(ann.message("hello").locator(".profile")).to_be_focused()
    card = card_of(bob, ann.account)
    expect(card).to_contain_text("Has an account")
    expect(card.get_by_role("group", name="As a moderator")).to_be_hidden()
    card.get_by_role("button", name="Close").click()
    own = card_of(ann, ann.account)
    expect(own.get_by_role("link", name="Change your profile")).to_be_visible()
    expect(own.get_by_role("group", name="As a moderator")).to_be_hidden()


def test_one_who_is_muted_is_told_in_the_composer(ann: Person, visit: Visit, room: str) -> None:
    """Muting is asked for with a time; the muted see until when, also after a reload, and write again when it ends."""
    bob = visit("bob").enter(room)
    sanction(ann, bob.name or "", "Mute", "An hour")
    expect(ann.page.locator("#notice")).to_have_text(f"{bob.name} is muted.")
    bob.say("can you hear me?")
    expect(bob.message("can you hear me?")).to_have_attribute("data-state", "failed")
    line = bob.page.locator("#composer-notice")
    expect(line).to_have_text(re.compile(r"^You are muted in this room until (\d\d:\d\d|.*, \d\d:\d\d)\.$"))
    expect(bob.page.locator("#send")).to_be_disabled()
    bob.page.reload()
    expect(line).to_contain_text("You are muted")
    ann.goto(f"/chat/{room}/settings")
    rows = ann.page.get_by_role("region", name="Muted and banned").get_by_role("listitem")
    expect(rows).to_contain_text(bob.name or "")
    expect(rows).to_contain_text("muted")
    rows.get_by_role("button", name="Unmute").click()
    expect(rows).to_have_count(0)
    bob.page.reload()
    bob.is_online()
    expect(line).to_be_hidden()
    bob.say("now?")
    expect(bob.message("now?")).to_have_attribute("data-state", "sent")


@pytest.mark.parametrize("transport", ["ws", "stream", "poll"])
def test_one_who_is_banned_is_out_and_told_so(
    ann: Person, visit: Visit, server: ServerProcess, room: str, transport: str
) -> None:
    """Over every transport they are out at once, with the reason and what to do; once it is lifted they come back."""
    bob = visit("bob", expects=(r"status of 403",)).enter(room, transport=transport)
    sanction(ann, bob.name or "", "Ban", "A day")
    expect(bob.page.get_by_role("heading", name=f"You are out of {room}")).to_be_visible()
    expect(bob.composer).to_be_hidden()
    expect(bob.log).to_be_hidden()
    expect(bob.connection).to_have_attribute("data-state", "out")
    bob.page.get_by_role("button", name="Try again").click()
    expect(bob.page.locator("#out-reason")).to_contain_text("You are banned from this room")
    facts = server.call("GET", f"/api/rooms/{room}/moderation", token=ann.token)
    banned = facts["bans"][0]["id"]  # type: ignore[index]
    server.call("POST", f"/api/rooms/{room}/moderation", {"act": "unban", "who": banned}, ann.token)
    bob.page.get_by_role("button", name="Try again").click()
    bob.is_online()
    expect(bob.composer).to_be_visible()
    bob.say("back again")
    ann.sees("back again")


@pytest.mark.parametrize("transport", ["ws", "poll"])
def test_one_who_is_put_out_of_one_room_stays_in_the_others(
    ann: Person, visit: Visit, room: str, transport: str
) -> None:
    """Of several open rooms the lost one says so, and the others go on."""
    bob = visit("bob", expects=(r"status of 403",)).enter(f"{room}-beside", transport=transport)
    bob.page.locator("#open-room").click()
    bob.page.locator("#room-chooser-name").fill(room)
    bob.page.keyboard.press("Enter")
    expect(ann.page.locator("#people-count")).to_have_text("2")
    sanction(ann, bob.name or "", "Kick")
    expect(bob.page.get_by_role("heading", name=f"You are out of {room}")).to_be_visible()
    bob.page.locator("#open-rooms").get_by_role("link", name=f"{room}-beside").click()
    bob.is_online(transport)
    bob.say("still here")
    expect(bob.message("still here")).to_have_attribute("data-state", "sent")


def test_a_moderator_removes_a_message(ann: Person, visit: Visit, room: str) -> None:
    """Removing is asked for, and the text is gone for everybody; others are not offered it."""
    bob = visit("bob").enter(room)
    bob.say("rude")
    expect(ann.message("rude").locator(".remove")).to_have_count(1)
    ann.say("please")
    expect(bob.message("please").locator(".remove")).to_have_count(0)
    ann.act("rude", "remove")
    dialog = ann.page.get_by_role("dialog", name="Remove this message for everybody?")
    dialog.get_by_role("button", name="Cancel").click()
    ann.sees("rude", "please")
    ann.act("rude", "remove")
    dialog.get_by_role("button", name="Remove").click()
    for person in (ann, bob):
        person.sees("Message deleted", "please")


def test_two_talk_privately(member: Member, room: str) -> None:
    """From the card of somebody one comes into a room for the two, which both find again in the lobby."""
    ann, bob, eve = member("ann").enter(room), member("bob").enter(room), member("eve")
    bob.say("hello")
    ann.message("hello").locator(".name").click()
    ann.page.get_by_role("dialog").get_by_role("button", name="Message privately").click()
    title = f"{ann.account} and {bob.account}"
    expect(ann.page.get_by_role("heading", level=1)).to_have_text(title)
    ann.say("between us")
    expect(ann.message("between us")).to_have_attribute("data-state", "sent")
    bob.goto("/")
    talk = bob.page.get_by_role("region", name="Private talks").get_by_role("link", name=title)
    talk.click()
    bob.sees("between us")
    eve.goto("/")
    expect(eve.page.locator("#rooms").get_by_role("link", name=room).first).to_be_visible()
    expect(eve.page.get_by_role("region", name="Private talks")).to_be_hidden()


def test_a_talk_is_begun_in_the_lobby(member: Member) -> None:
    """Names with commas begin a talk of several; a name that is none is told."""
    ann, bob, eve = member("ann", expects=(r"status of 404 .*/api/direct$",)), member("bob"), member("eve")
    ann.goto("/")
    form = ann.page.get_by_role("region", name="Talk privately")
    form.get_by_label("With whom").fill(f"{bob.account}, nobody-at-all")
    form.get_by_role("button", name="Start talking").click()
    expect(form.get_by_role("alert")).to_have_text("There is no account called nobody-at-all.")
    form.get_by_label("With whom").fill(f"{bob.account}, {eve.account}")
    form.get_by_role("button", name="Start talking").click()
    ann.is_online()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text(f"{ann.account}, {bob.account} and {eve.account}")
