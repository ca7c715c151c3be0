"""Room as plain data: who is told what, and what is remembered."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.testing import ExpectLog

from chat.entries import Author
from chat.policy import Policy
from chat.room import Room, RoomRecord
from tests.clock import FakeClock
from tests.rooms import ANN, BOB, CID, FakeWaiter, delete, edit, message, new_room, reaction


def notices(waiter: FakeWaiter) -> list[tuple[str, str]]:
    """Type and person of what passed."""
    return [(told["type"], told["user"]["name"]) for told in map(json.loads, waiter.told)]


def test_publishes_to_everybody_in_it() -> None:
    """What is published reaches every waiter once, and moves the cursor."""
    room, waiters = new_room(), [FakeWaiter(ANN), FakeWaiter(BOB), FakeWaiter(BOB)]
    for waiter in waiters:
        room.join(waiter)
    room.publish([message(1), message(2)])
    assert [waiter.seqs for waiter in waiters] == [[1, 2]] * 3
    assert room.seq == 2
    assert room.active == 1_002


def test_encodes_once_for_all() -> None:
    """All waiters of a room are handed the very same broadcast."""
    room, waiters = new_room(), [FakeWaiter(ANN), FakeWaiter(BOB)]
    for waiter in waiters:
        room.join(waiter)
    room.publish([message(1)])
    assert waiters[0].broadcasts[0] is waiters[1].broadcasts[0]


def test_joining_says_whether_it_changed_anything() -> None:
    """A second join of the same waiter changes nothing and delivers nothing twice."""
    room, waiter = new_room(), FakeWaiter()
    assert room.join(waiter) is True
    assert room.join(waiter) is False
    room.publish([message(1)])
    assert waiter.seqs == [1]
    assert list(waiter.rooms) == [room.key]


def test_leaving_says_whether_it_changed_anything() -> None:
    """Who has left is told nothing more; leaving twice is harmless."""
    room, waiter = new_room(), FakeWaiter()
    room.join(waiter)
    room.publish([message(1)])
    assert room.leave(waiter) is True
    assert room.leave(waiter) is False
    room.publish([message(2)])
    assert waiter.seqs == [1]
    assert waiter.rooms == {}


def test_leaves_every_room() -> None:
    """A waiter that goes leaves all its rooms, and may go twice."""
    rooms, waiter = [new_room(name="a"), new_room(name="b")], FakeWaiter()
    for room in rooms:
        room.join(waiter)
    assert [room.people for room in rooms] == [1, 1]
    waiter.leave_all()
    waiter.leave_all()
    assert [room.people for room in rooms] == [0, 0]


def test_one_failing_waiter_costs_the_others_nothing() -> None:
    """An exception in one delivery is logged with the person's id, and everybody else gets the entry."""
    room, good, bad, last = new_room(), FakeWaiter(ANN), FakeWaiter(BOB, failing=True), FakeWaiter(CID)
    for waiter in (good, bad, last):
        room.join(waiter)
    with ExpectLog("parley.room", "delivery to g-bob failed"):
        room.publish([message(1)])
    assert (good.seqs, last.seqs) == ([1], [1])


def test_refuses_entries_out_of_order() -> None:
    """Publishing anything but the next entry is a fault of the server and names both numbers."""
    room = new_room([message(1)])
    with pytest.raises(ValueError, match=r"is at 1, published 3"):
        room.publish([message(3)])


# Who is here


def test_tells_who_comes_and_goes() -> None:
    """Those in a room hear of one who joins and leaves; one who comes a second time is not announced."""
    room, ann, bob, bobs_phone = new_room(), FakeWaiter(ANN), FakeWaiter(BOB), FakeWaiter(BOB)
    for waiter in (ann, bob, bobs_phone):
        room.join(waiter)
    room.leave(bob)
    assert notices(ann) == [("joined", "bob")]
    room.leave(bobs_phone)
    assert notices(ann) == [("joined", "bob"), ("left", "bob")]
    assert [author.name for author in room.members()] == ["ann"]


def test_one_who_lingers_and_comes_back_never_left() -> None:
    """Between two polls a person stays; only when the time is over the others hear that they left."""
    clock = FakeClock()
    room, ann = new_room(clock=clock), FakeWaiter(ANN)
    room.join(ann)
    for _ in range(3):
        poll = FakeWaiter(BOB, linger=10)
        room.join(poll)
        room.leave(poll)
        clock.advance(9)
    assert notices(ann) == [("joined", "bob")]
    assert room.people == 2
    clock.advance(1)
    assert notices(ann) == [("joined", "bob"), ("left", "bob")]
    assert room.people == 1


def test_says_nothing_of_comings_in_a_crowd() -> None:
    """Up to the limit everybody hears who comes and types; beyond it nobody does, and the members' list is cut."""
    room, ann = new_room(presence_limit=2), FakeWaiter(ANN)
    room.join(ann)
    room.join(FakeWaiter(BOB))
    room.announce("typing", BOB)
    assert notices(ann) == [("joined", "bob"), ("typing", "bob")]
    room.join(FakeWaiter(CID))
    room.announce("typing", CID)
    assert len(ann.told) == 2
    assert (room.people, len(room.members())) == (3, 2)


def test_a_notice_may_carry_a_cursor() -> None:
    """How far somebody has read is told with its `seq`."""
    room, ann = new_room(), FakeWaiter(ANN)
    room.join(ann)
    room.announce("read", BOB, 7)
    assert json.loads(ann.told[0]) == {
        "type": "read",
        "room": "Lobby",
        "user": {"id": "g-bob", "name": "bob"},
        "seq": 7,
    }


def test_dismisses_everybody() -> None:
    """When the server stops every waiter is let go of, though each leaves the room while it is."""
    room, waiters = new_room(), [FakeWaiter(ANN), FakeWaiter(BOB)]
    for waiter in waiters:
        room.join(waiter)
    room.dismiss()
    assert all(waiter.is_dismissed for waiter in waiters)
    assert room.people == 0


# What is remembered


def test_remembers_the_latest_entries() -> None:
    """Memory holds `keep` entries; before them `since` and `entry_at` know nothing."""
    room = new_room(keep=3)
    for seq in range(1, 6):
        room.publish([message(seq)])
    assert [entry.seq for entry in room.tail.since(2) or []] == [3, 4, 5]
    assert room.tail.since(1) is None
    assert room.tail.since(5) == []
    assert room.tail.since(6) == []
    assert room.tail.entry_at(2) is None
    assert room.tail.entry_at(6) is None
    found = room.tail.entry_at(4)
    assert found is not None and found.seq == 4


def test_an_empty_room_has_no_entries() -> None:
    """A room in which nothing was said answers every question with nothing."""
    room = new_room()
    assert room.seq == 0
    assert room.tail.since(0) == []
    assert room.tail.entry_at(1) is None
    assert room.tail.latest_messages(50) == []
    assert room.tail.entry_of("no key") is None


def test_finds_entries_by_their_keys() -> None:
    """A repeated key is known for as long as its entry is remembered."""
    first, second = message(1), message(2)
    room = new_room([first], keep=1)
    assert room.tail.entry_of(first.key) is first
    room.publish([second])
    assert room.tail.entry_of(first.key) is None
    assert room.tail.entry_of(second.key) is second


def test_keeps_messages_in_their_present_state() -> None:
    """An edit, a reaction and a deletion change the remembered message."""
    room = new_room([message(1), message(2)])
    room.publish([edit(3, 1, text="better"), reaction(4, 1, BOB), delete(5, 2)])
    changed, deleted = room.tail.since(0)[:2]
    assert (changed.text, changed.edited, list(changed.reactions)) == ("better", 1_003, ["👍"])
    assert (deleted.text, deleted.deleted) == (None, 1_005)


def test_a_broadcast_keeps_the_state_of_its_time() -> None:
    """What is delivered with a message is its text as it was sent, though an edit comes in the same commit."""
    room, waiter = new_room(), FakeWaiter(BOB)
    room.join(waiter)
    room.publish([message(1, text="as sent"), edit(2, 1, text="as edited")])
    assert b"as sent" in waiter.broadcasts[0].frames


def test_gives_the_latest_messages_alone() -> None:
    """A newcomer's messages leave out the entries that changed them; None where memory may lack some."""
    room = new_room([message(1), edit(2, 1), message(3), reaction(4, 3)])
    assert [entry.seq for entry in room.tail.latest_messages(50) or []] == [1, 3]
    assert [entry.seq for entry in room.tail.latest_messages(1) or []] == [3]
    assert room.tail.latest_messages(0) == []
    short = new_room([message(3), reaction(4, 3)])
    assert [entry.seq for entry in short.tail.latest_messages(1) or []] == [3]
    assert short.tail.latest_messages(2) is None


def test_forgets_nothing_that_a_reader_still_needs() -> None:
    """While one reads the log before its end, what is published stays in memory, and goes when they are done."""
    room = new_room([message(1), message(2)], keep=2)
    with room.tail.reading() as end:
        for seq in range(3, 9):
            room.publish([message(seq)])
        assert [entry.seq for entry in room.tail.since(end) or []] == [3, 4, 5, 6, 7, 8]
        with room.tail.reading() as later:
            assert later == 8
    assert room.tail.since(5) is None
    assert [entry.seq for entry in room.tail.since(6) or []] == [7, 8]


def test_is_in_use_by_people_readers_and_changes() -> None:
    """A room stays awake for a waiter, one who lingers, one who reads, and a change that is under way."""
    clock = FakeClock()
    room, poll = new_room(clock=clock), FakeWaiter(BOB, linger=5)
    assert not room.in_use
    room.join(poll)
    assert room.in_use
    room.leave(poll)
    assert room.in_use
    clock.advance(5)
    assert not room.in_use
    with room.tail.reading():
        assert room.in_use
    room.pending += 1
    assert room.in_use


def test_knows_when_it_was_last_active() -> None:
    """The stored record carries the time of the last entry, that of remembered ones included."""
    room = new_room([message(1)])
    assert room.record.active == 1_001
    room.publish([message(2)])
    assert room.record.active == 1_002


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 10))
def test_since_is_what_was_published_after(batches: list[int], keep: int) -> None:
    """For every cursor, `since` is either exactly what came after it or None, and None only beyond `keep`."""
    room, waiter = new_room(keep=keep), FakeWaiter(BOB)
    room.join(waiter)
    for size in batches:
        if size:
            room.publish([message(room.seq + 1 + n) for n in range(size)])
    assert waiter.seqs == list(range(1, room.seq + 1))
    for after in range(room.seq + 1):
        found = room.tail.since(after)
        if room.seq - after <= keep:
            assert found is not None
        if found is not None:
            assert [entry.seq for entry in found] == list(range(after + 1, room.seq + 1))


def test_forgotten_entries_are_no_more() -> None:
    """What is forgotten leaves memory; the log's end stays, and what is left is all there is."""
    room = new_room([message(1), message(2), message(3)])
    room.forget(2)
    assert (room.seq, room.forgotten) == (3, 2)
    assert (room.tail.entry_at(2), room.tail.since(1), [entry.seq for entry in room.tail.since(2) or []]) == (
        None,
        None,
        [3],
    )
    assert [entry.seq for entry in room.tail.latest_messages(10) or []] == [3]
    room.forget(3)
    assert (room.seq, room.tail.since(3), room.tail.since(2), room.tail.latest_messages(10)) == (3, [], None, [])
    room.publish([message(4)])
    assert (room.seq, room.record.forgotten) == (4, 3)


def test_a_room_of_which_all_is_forgotten_goes_on_counting() -> None:
    """Woken with no entries it goes on after the last that was; entries that should be gone already are left out."""
    record = RoomRecord(key="lobby", name="Lobby", title="The Lobby", epoch="e1", made=500, forgotten=7)
    values: dict[str, Any] = {"keep": 10, "presence_limit": 10, "call_later": FakeClock().call_later}
    assert Room(record, [], **values).seq == 7
    room = Room(record, [message(6), message(7), message(8)], **values)
    assert (room.seq, [entry.seq for entry in room.tail.latest_messages(10) or []]) == (8, [8])


def test_settings_are_told_to_everybody() -> None:
    """What the room is like now reaches all who want to know what passes, however many they are."""
    room = new_room(presence_limit=1)
    waiters = [FakeWaiter(ANN), FakeWaiter(BOB), FakeWaiter(CID)]
    for waiter in waiters:
        room.join(waiter)
    room.govern(Policy(access="link", slow=5))
    room.tell_settings()
    told = {"title": "The Lobby", "access": "link", "read_only": False, "locked": False, "slow": 5}
    for waiter in waiters:
        assert json.loads(waiter.told[-1]) == {"type": "room", "room": "Lobby"} | told


def test_a_room_that_is_over_leaves_nothing_to_everybody() -> None:
    """Its rules are looked at until it comes to nothing that it ends."""
    room = new_room()
    assert room.plain
    room.end()
    assert room.over and not room.plain
    room.end(False)
    assert room.plain and not room.over


def test_an_ephemeral_room_stays_in_memory() -> None:
    """So that its end is seen; who is here and how often somebody came is known."""
    room = new_room()
    assert not room.in_use
    room.govern(Policy(ephemeral=True))
    assert room.in_use and not room.is_visited
    waiter = FakeWaiter(ANN)
    room.join(waiter)
    assert room.is_visited and room.visits == 1
    room.leave(waiter)
    assert not room.is_visited and room.visits == 1


def test_an_author_has_another_name() -> None:
    """In what they wrote and where they reacted, and nobody else is touched."""
    room = new_room([message(1), message(2, BOB), reaction(3, 2), reaction(4, 2, CID)])
    settled = new_room()
    settled.publish([message(1), message(2, BOB), reaction(3, 2), reaction(4, 2, CID)])
    for each in (room, settled):
        each.tail.rename_author(Author(ANN.id, "nobody"))
        assert [entry.user.name for entry in each.tail.since(0) or []] == ["nobody", "bob", "nobody", "cid"]
    reacted = settled.tail.entry_at(2)
    assert reacted is not None
    assert [person.name for person in reacted.reactions["👍"]] == ["nobody", "cid"]
