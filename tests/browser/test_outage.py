"""The server is killed or stopped and started again: nothing is lost, and the pages recover by themselves."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from .person import OUTAGE, Visit
from .server_process import ServerProcess


@pytest.fixture
def outage_server(mortal_server: ServerProcess) -> Iterator[ServerProcess]:
    """A server that is up when the test begins, and may be down when it ends."""
    if not mortal_server.is_running:
        mortal_server.start()
    yield mortal_server


@pytest.mark.parametrize("ending", [ServerProcess.kill, ServerProcess.stop], ids=["kill -9", "SIGTERM"])
def test_both_pages_recover_and_nothing_is_lost(
    visit: Visit, outage_server: ServerProcess, room: str, ending: Callable[[ServerProcess], None]
) -> None:
    """What was said before is still there, and what is written meanwhile is sent once the server is back."""
    ann = visit("ann", place=outage_server, expects=(OUTAGE,)).enter(room, transport="ws")
    bob = visit("bob", place=outage_server, expects=(OUTAGE,)).enter(room, transport="poll")
    ann.say("before")
    bob.sees("before")
    ending(outage_server)
    ann.is_cut_off()
    bob.is_cut_off()
    ann.say("meanwhile, from ann")
    expect(ann.message("meanwhile, from ann")).to_have_attribute("data-state", "sending")
    outage_server.start()
    ann.is_online("ws")
    bob.sees("before", "meanwhile, from ann")
    bob.is_online("poll")
    bob.say("after")
    for person in (ann, bob):
        person.sees("before", "meanwhile, from ann", "after")
    expect(ann.message("meanwhile, from ann")).to_have_attribute("data-state", "sent")
    assert outage_server.texts(room) == ["before", "meanwhile, from ann", "after"]


@pytest.mark.parametrize("transport", ["ws", "stream", "poll"])
def test_messages_under_way_when_the_server_is_killed_arrive_once(
    visit: Visit, outage_server: ServerProcess, room: str, transport: str
) -> None:
    """Whether or not the server had stored a message when it died, there is one of it in the end, in its order."""
    ann = visit("ann", place=outage_server, expects=(OUTAGE,)).enter(room, transport=transport)
    said = [f"message {number}" for number in range(8)]
    for text in said:
        ann.say(text)
    outage_server.kill()
    ann.is_cut_off()
    outage_server.start()
    expect(ann.page.locator(".message[data-state=sent]")).to_have_count(len(said))
    ann.sees(*said)
    assert outage_server.texts(room) == said


def test_a_message_survives_a_reload_during_the_outage(visit: Visit, outage_server: ServerProcess, room: str) -> None:
    """A message that could not be sent before the page was left is sent, once, when it is opened again."""
    ann = visit("ann", place=outage_server, expects=(OUTAGE,)).enter(room)
    ann.say("before")
    expect(ann.message("before")).to_have_attribute("data-state", "sent")
    outage_server.kill()
    ann.is_cut_off()
    ann.say("written while it was away")
    expect(ann.message("written while it was away")).to_have_attribute("data-state", "sending")
    with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
        ann.page.reload()
    outage_server.start()
    ann.page.goto(f"{outage_server.address}/chat/{room}")
    ann.is_online()
    expect(ann.message("written while it was away")).to_have_attribute("data-state", "sent")
    ann.sees("before", "written while it was away")
    ann.page.reload()
    ann.is_online()
    ann.sees("before", "written while it was away")
    assert outage_server.texts(room) == ["before", "written while it was away"]


def test_the_lobby_says_that_the_server_is_away_and_recovers(visit: Visit, outage_server: ServerProcess) -> None:
    """The lobby tells of an outage and, when it is over, shows the rooms again without a reload."""
    ann = visit("ann", place=outage_server, expects=(OUTAGE,))
    ann.goto("/")
    expect(ann.page.locator("#account-name")).to_have_text(ann.name or "")
    outage_server.kill()
    expect(ann.page.locator("#trouble")).to_have_text("The server cannot be reached.")
    outage_server.start()
    outage_server.say("after-the-outage", "hello", "bob")
    expect(ann.page.locator("#trouble")).to_be_empty()
    expect(ann.page.locator('#rooms a[href="/chat/after-the-outage"]')).to_be_visible()


def test_another_person_with_the_name_meanwhile_brings_the_question(
    visit: Visit, outage_server: ServerProcess, room: str
) -> None:
    """Where one's name was given away while one was cut off, the page asks for another and goes on."""
    ann = visit("ann", place=outage_server, expects=(OUTAGE, "status of 409")).enter(room)
    ann.say("it is me")
    outage_server.kill()
    ann.is_cut_off()
    ann.context.set_offline(True)
    outage_server.start()
    outage_server.call("POST", "/api/session", {"name": ann.name})
    ann.context.set_offline(False)
    expect(ann.page.locator("#name-reason")).to_have_text(f"Somebody here is called {ann.name} already.")
    ann.page.locator("#name").fill("ann again")
    ann.page.keyboard.press("Enter")
    ann.is_online()
    ann.say("it is still me")
    ann.sees("it is me", "it is still me")
