"""Two and three people in one room, each on another transport."""

import pytest
from playwright.sync_api import expect

from .person import Visit
from .server_process import ServerProcess

TEXTS = ["Good morning", "Доброе утро", "صباح الخير", "おはよう 🌅", "👩‍👩‍👧 e\u0301"]


@pytest.mark.parametrize("other", ["poll", "stream"])
def test_two_people_talk_both_ways_over_different_transports(visit: Visit, room: str, other: str) -> None:
    """One is on a WebSocket and the other is not: what either says appears at both, in the same order."""
    ann = visit("ann").enter(room, transport="ws")
    bob = visit("bob").enter(room, transport=other)
    ann.is_online("ws")
    bob.is_online(other)
    for index, text in enumerate(TEXTS):
        speaker = (ann, bob)[index % 2]
        speaker.say(text)
        ann.sees(*TEXTS[: index + 1])
        bob.sees(*TEXTS[: index + 1])


def test_three_transports_show_one_order(visit: Visit, room: str) -> None:
    """Three people who write at once over three transports see one and the same log."""
    people = [visit("kim").enter(room, transport=transport) for transport in ("ws", "stream", "poll")]
    for number in range(4):
        for person in people:
            person.say(f"{person.name} {number}")
    for person in people:
        expect(person.page.locator(".message[data-seq]")).to_have_count(12)
    logs = [person.texts.all_inner_texts() for person in people]
    assert logs[0] == logs[1] == logs[2]
    for person in people:
        mine = [text for text in logs[0] if text.startswith(f"{person.name} ")]
        assert mine == [f"{person.name} {number}" for number in range(4)]


@pytest.mark.parametrize("transport", ["ws", "stream", "poll"])
def test_reload_keeps_the_history_and_who_one_is(visit: Visit, room: str, transport: str) -> None:
    """After a reload the messages are there again, one's own still marked as such."""
    ann = visit("ann").enter(room, transport=transport)
    ann.say("before the reload")
    expect(ann.message("before the reload")).to_have_attribute("data-state", "sent")
    ann.page.reload()
    ann.is_online(transport)
    ann.sees("before the reload")
    expect(ann.message("before the reload")).to_contain_class("own")
    ann.say("and after it")
    ann.sees("before the reload", "and after it")


def test_a_newcomer_sees_what_was_said_before(visit: Visit, server: ServerProcess, room: str) -> None:
    """Who opens a room for the first time sees its latest messages."""
    server.say(room, "said to nobody", "early")
    ann = visit("ann").enter(room)
    ann.sees("said to nobody")
    expect(ann.message("said to nobody").locator(".name")).to_have_text("early")
    expect(ann.message("said to nobody")).not_to_contain_class("own")
