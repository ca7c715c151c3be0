"""A broadcast's representations."""

import json

from chat.broadcast import Broadcast, Notice
from tests.rooms import ANN, BOB, message


def broadcast() -> Broadcast:
    return Broadcast("lobby", "e1", [message(1, ANN, "one", key="k1"), message(2, BOB, "two", key="k2")])


def test_nobody_sees_anothers_key() -> None:
    """Bytes for everybody carry no key, those for a sender their own alone."""
    found = broadcast()
    shared = found.frames + found.chunk + found.poll_entry
    assert b"one" in shared and b"two" in shared
    assert b"k1" not in shared and b"k2" not in shared
    for mine, others in (("k1", "k2"), ("k2", "k1")):
        user = ANN if mine == "k1" else BOB
        own = found.frames_for(user.id) + found.poll_entry_for(user.id)
        assert own.count(mine.encode()) == 2
        assert others.encode() not in own


def test_bytes_are_made_once() -> None:
    """However often they are asked for, the shared bytes are the same object."""
    found = broadcast()
    assert found.frames is found.frames
    assert found.chunk is found.chunk
    assert found.events is found.events
    assert found.poll_entry_for("g-cid") is found.poll_entry


def test_a_polls_answer_is_json() -> None:
    """The room's part of a poll's answer has the fields of the contract."""
    found = json.loads(broadcast().poll_entry)
    assert (found["epoch"], found["seq"], found["gap"], found["reset"]) == ("e1", 2, None, False)
    assert [entry["text"] for entry in found["entries"]] == ["one", "two"]


def test_events_carry_their_cursors() -> None:
    """Each entry is one event whose id is its `seq`."""
    found = broadcast()
    assert found.events.count(b"id: 1\n") == found.events.count(b"id: 2\n") == 1
    assert found.events in found.chunk


def test_a_notice_has_no_cursor() -> None:
    """What passes is an event without an id, so that it moves no cursor."""
    notice = Notice("typing", "Lobby", user=ANN.author)
    assert json.loads(notice.payload) == {"type": "typing", "room": "Lobby", "user": {"id": "g-ann", "name": "ann"}}
    assert b"id:" not in notice.event
    assert notice.frame is notice.frame
    assert notice.payload in notice.event
