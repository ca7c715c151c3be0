"""The checker sees each kind of loss: a sound journal, and one seeded violation at a time."""

import pytest

from tests.faults.changes import DELETED, Change, State
from tests.faults.checker import Message, Violation, check
from tests.faults.journal import Event, Journal, Kind, answer_times, recoveries

HISTORY = {"hall": [Message(1, "one", 10), Message(2, "two", 10), Message(3, "three", 30)]}


def event(kind: Kind, seq: int = 0, text: str = "", client: str = "ann", *, note: str = "", at: float = 0) -> Event:
    return Event(at, client, kind, "hall", seq, text, note)


def sound() -> list[Event]:
    """Ann sends three messages, one of them twice; she and Bob read them all."""
    events = []
    for seq, text in enumerate(("one", "two", "three"), 1):
        events += [event("send", text=text), event("ack", seq, text)]
    events.insert(2, event("refusal", text="two", note="unavailable"))
    events.insert(2, event("send", text="two"))
    for client in ("ann", "bob"):
        events.append(event("start", 0, client=client))
        events += [event("receipt", seq, text, client) for seq, text in enumerate(("one", "two", "three"), 1)]
        events.append(event("told", 3, client=client))
    return events


def rules(found: list[Violation]) -> set[int]:
    return {violation.rule for violation in found}


def test_a_sound_journal_has_no_violations() -> None:
    """Refusals that may be and repeated sends are no violations."""
    assert check(sound(), HISTORY) == []


# Ann edits her first message, deletes her second, and Bob likes the third, and then no more.
CHANGES = [
    Change("edit", 1, "ann", "one ✎1"),
    Change("delete", 2, "ann"),
    Change("reaction", 3, "bob", "👍+"),
    Change("reaction", 3, "ann", "👍+"),
    Change("reaction", 3, "bob", "👍-"),
]
CHANGED = {
    "hall": [
        Message(1, "one", 10, State(edit="1")),
        Message(2, DELETED, 10, State(deleted=True)),
        Message(3, "three", 30, State(reactions=frozenset({("👍", "ann")}))),
    ]
}


def changed() -> list[Event]:
    """Ann and Bob see all of it; Cid comes late and finds the second message deleted."""
    events = sound()
    for seq, change in enumerate(CHANGES, 4):
        events += [event("send", text=change.line, client=change.by), event("ack", seq, change.line, change.by)]
        events += [event("receipt", seq, change.line, client) for client in ("ann", "bob")]
    events.append(event("start", 0, client="cid"))
    events += [event("receipt", seq, text, "cid") for seq, text in enumerate(("one", DELETED, "three"), 1)]
    events += [event("receipt", seq, change.line, "cid") for seq, change in enumerate(CHANGES, 4)]
    return events


def test_a_sound_journal_with_changes_has_no_violations() -> None:
    assert check(changed(), CHANGED) == []


@pytest.mark.parametrize(
    ("index", "state"),
    [(0, State()), (0, State(edit="2")), (1, State()), (2, State()), (2, State(reactions=frozenset({("👍", "bob")})))],
)
def test_a_message_that_is_not_what_its_changes_make_of_it_is_seen(index: int, state: State) -> None:
    messages = list(CHANGED["hall"])
    messages[index] = messages[index]._replace(text=("one", "two", "three")[index], state=state)
    assert 7 in rules(check(changed(), {"hall": messages}))


def test_an_acknowledged_change_that_is_lost_is_seen() -> None:
    lost = Change("edit", 3, "ann", "three ✎9").line
    events = [*changed(), event("send", text=lost), event("ack", 8, lost)]
    assert rules(check(events, CHANGED)) == {1}  # another stands there
    events = [*changed(), event("send", text=lost), event("ack", 9, lost)]
    assert rules(check(events, CHANGED)) == {3, 7}  # nobody received it, and the message is as before


def test_a_change_that_nobody_sent_is_seen() -> None:
    events = [each for each in changed() if each.kind != "send" or each.text != CHANGES[0].line]
    assert rules(check(events, CHANGED)) == {2}


def test_clients_that_differ_about_a_change_are_seen() -> None:
    other = Change("edit", 1, "ann", "one ✎2").line
    events = [
        event("receipt", 4, other, "bob") if (each.kind, each.seq, each.client) == ("receipt", 4, "bob") else each
        for each in changed()
    ]
    assert 4 in rules(check(events, CHANGED))


def test_a_message_that_is_deleted_for_one_client_alone_is_seen() -> None:
    events = [*sound(), event("start", 2, client="cid"), event("receipt", 3, DELETED, "cid")]
    assert rules(check(events, HISTORY)) == {4}


def test_an_acknowledged_message_that_is_not_in_the_history_is_seen() -> None:
    events = [*sound(), event("send", text="four"), event("ack", 4, "four")]
    assert rules(check(events, HISTORY)) == {1}


def test_an_unanswered_message_may_be_in_the_history_or_not() -> None:
    assert check([*sound(), event("send", text="four")], HISTORY) == []


def test_a_message_that_stands_twice_in_the_history_is_seen() -> None:
    history = {"hall": [*HISTORY["hall"], Message(4, "two", 40)]}
    events = [each for each in sound() if each.kind in ("send", "refusal")]
    assert rules(check(events, history)) == {2}


def test_a_message_that_nobody_sent_is_seen() -> None:
    history = {"hall": [*HISTORY["hall"], Message(4, "ghost", 40)]}
    events = [each for each in sound() if each.kind in ("send", "ack")]
    assert rules(check(events, history)) == {2}


def test_a_hole_in_the_history_is_seen() -> None:
    history = {"hall": [Message(1, "one", 10), Message(3, "three", 30)]}
    events = [each for each in sound() if each.kind == "send"]
    assert rules(check(events, history)) == {2}


def test_a_time_that_runs_backwards_is_seen() -> None:
    history = {"hall": [*HISTORY["hall"][:2], Message(3, "three", 9)]}
    assert rules(check(sound(), history)) == {4}


def test_two_acknowledgements_that_disagree_are_seen() -> None:
    assert rules(check([*sound(), event("ack", 3, "two")], HISTORY)) == {6}


def test_an_acknowledgement_with_a_wrong_number_is_seen() -> None:
    events = [each for each in sound() if not (each.kind == "ack" and each.text == "two")]
    assert rules(check([*events, event("ack", 3, "two")], HISTORY)) == {6}


@pytest.mark.parametrize("code", ["bad_request", "not_found", "500"])
def test_a_refusal_that_blames_the_client_is_seen(code: str) -> None:
    assert rules(check([*sound(), event("refusal", note=code)], HISTORY)) == {0}


def receipts(*seen: tuple[int, str], start: int | None = 0) -> list[Event]:
    """Cid's part in the sound journal."""
    begin = [] if start is None else [event("start", start, client="cid")]
    return [*sound(), *begin, *(event("receipt", seq, text, "cid") for seq, text in seen)]


def test_a_hole_between_two_receipts_is_seen() -> None:
    assert rules(check(receipts((1, "one"), (3, "three")), HISTORY)) == {3}


def test_a_hole_at_the_seam_is_seen() -> None:
    assert rules(check(receipts((2, "two"), (3, "three")), HISTORY)) == {3}


def test_an_entry_received_twice_is_seen() -> None:
    assert rules(check(receipts((1, "one"), (1, "one"), (2, "two"), (3, "three")), HISTORY)) == {3}


def test_entries_received_out_of_order_are_seen() -> None:
    assert rules(check(receipts((2, "two"), (1, "one"), (3, "three"), start=1), HISTORY)) == {3}


def test_a_client_left_behind_is_seen_unless_it_has_left() -> None:
    events = receipts((1, "one"), (2, "two"))
    assert rules(check(events, HISTORY)) == {3}
    assert check([*events, event("left", client="cid")], HISTORY) == []


def test_a_message_received_that_the_history_does_not_have_there_is_seen() -> None:
    assert rules(check(receipts((1, "one"), (2, "another"), (3, "three")), HISTORY)) == {4}


def test_a_message_received_that_a_crash_took_back_is_seen() -> None:
    assert 4 in rules(check(receipts((1, "one"), (2, "two"), (3, "three"), (4, "four")), HISTORY))


def test_an_end_that_was_told_and_not_reached_is_seen() -> None:
    events = [*receipts((1, "one")), event("told", 2, client="cid"), event("receipt", 3, "three", "cid")]
    assert rules(check(events, HISTORY)) == {3}


def test_a_gap_that_is_told_is_no_hole() -> None:
    gap = event("gap", 2, client="cid", note="1")
    assert check([*receipts(), gap, event("receipt", 3, "three", "cid")], HISTORY) == []


def test_a_gap_that_is_told_wrongly_is_seen() -> None:
    gap = event("gap", 2, client="cid", note="2")
    assert rules(check([*receipts(), gap, event("receipt", 3, "three", "cid")], HISTORY)) == {3}


def test_a_reset_begins_anew() -> None:
    events = [*receipts((1, "one")), event("reset", client="cid", note="e2"), event("receipt", 3, "three", "cid")]
    assert check(events, HISTORY) == []


def test_recovery_is_counted_from_the_blow_to_the_first_new_message() -> None:
    """A message that was on its way before the blow says nothing about the server after it."""
    events = [
        event("send", text="one", at=1),
        event("receipt", 1, "one", at=3),
        event("send", text="two", at=4),
        event("receipt", 2, "two", at=5.5),
        event("receipt", 2, "two", client="bob", at=6),
    ]
    assert recoveries(events, [2.0]) == [3.5, 4.0]


def test_the_journal_knows_who_has_heard_nothing_new() -> None:
    times = iter((1.0, 1.0, 2.0, 2.0))
    journal = Journal(lambda: next(times))
    for who in ("ann", "bob"):
        journal.log(who, "send", "hall", text=who)
        journal.log(who, "receipt", "hall", 1, text=who)
    assert journal.stale(["ann", "bob", "cid"], since=1.5) == ["ann", "cid"]


def test_an_attempt_without_an_answer_took_for_ever() -> None:
    events = [
        event("send", text="one", at=1),
        event("refusal", text="one", note="unavailable", at=3),
        event("send", text="one", at=4),
        event("send", text="one", at=10),
        event("ack", 1, "one", at=11),
    ]
    assert answer_times(events, 0, 20) == [2, float("inf"), 1]
