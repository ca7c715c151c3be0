"""Entries as plain data: what edits, deletions and reactions make of a message."""

import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from chat.entries import Author, Entry, settle
from tests.rooms import ANN, BOB, CID, delete, edit, message, reaction


def test_json_has_the_fields_of_the_contract_alone() -> None:
    """A message has no field that says nothing, and its key for its sender alone."""
    entry = message(7, ANN, "hi", key="k", at=5)
    fields = {
        "type": "message",
        "room": "Lobby",
        "seq": 7,
        "user": {"id": "g-ann", "name": "ann"},
        "at": 5,
        "kind": "text",
        "text": "hi",
    }
    assert json.loads(entry.json()) == fields | {"key": "k"}
    assert json.loads(entry.public_json()) == fields


def test_a_taken_back_reaction_says_so() -> None:
    """`on` is there for reactions, true or false, and for nothing else."""
    assert json.loads(reaction(2, 1, on=False).json())["on"] is False
    assert json.loads(reaction(2, 1).json())["on"] is True
    assert "on" not in json.loads(message(1).json())


def test_only_its_sender_sees_the_key() -> None:
    """`for_reader` takes the key away for everybody else and leaves the entry as it was."""
    entry = message(1, ANN, key="k")
    assert entry.for_reader("g-ann").key == "k"
    assert entry.for_reader("g-bob").key == ""
    assert entry.key == "k"


def test_an_edit_changes_text_and_time() -> None:
    """The message has the new text and when it was edited."""
    entry = message(1)
    entry.change(edit(2, 1, text="better", at=9))
    assert (entry.text, entry.edited) == ("better", 9)


def test_a_deletion_takes_everything() -> None:
    """A deleted message has neither text, data nor reactions, and stays so."""
    entry = message(1, data={"a": 1})
    entry.change(reaction(2, 1))
    assert entry.reactions
    entry.change(delete(3, 1, at=9))
    entry.change(edit(4, 1, text="back"))
    entry.change(reaction(5, 1))
    assert (entry.text, entry.data, entry.reactions, entry.deleted) == (None, None, {}, 9)


def test_reactions_count_each_person_once() -> None:
    """One person's reaction counts once, stays when another's is taken back, and an emoji without people goes."""
    entry = message(1)
    for change in (reaction(2, 1, ANN), reaction(3, 1, BOB), reaction(4, 1, BOB)):
        entry.change(change)
    assert entry.reactions == {"👍": [Author("g-ann", "ann"), Author("g-bob", "bob")]}
    entry.change(reaction(5, 1, ANN, on=False))
    assert entry.reactions == {"👍": [Author("g-bob", "bob")]}
    entry.change(reaction(6, 1, CID, "👍", on=False))
    entry.change(reaction(7, 1, BOB, on=False))
    assert entry.reactions == {}


def test_settling_takes_the_text_of_a_deleted_messages_edits() -> None:
    """The edits of a deleted message lose their text as well."""
    changes = [edit(2, 1, text="secret"), delete(3, 1)]
    entries = [message(1), *changes]
    settle(entries, changes)
    assert [entry.text for entry in entries] == [None, None, None]


def test_settling_leaves_others_alone() -> None:
    """Changes of messages that are not among the entries change nothing."""
    entries = [message(5, text="mine")]
    settle(entries, [edit(6, 4), delete(7, 3), reaction(8, 2)])
    assert (entries[0].text, entries[0].deleted, entries[0].reactions) == ("mine", 0, {})


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    """A log as people may make it: changes name messages before them, and nobody edits what is deleted."""
    entries: list[Entry] = []
    open_messages: list[int] = []
    for seq in range(1, draw(st.integers(1, 25)) + 1):
        user = draw(st.sampled_from([ANN, BOB, CID]))
        kind = draw(st.sampled_from(["message", "edit", "delete", "reaction"])) if open_messages else "message"
        if kind == "message":
            entries.append(message(seq, user, f"text {seq}"))
            open_messages.append(seq)
            continue
        target = draw(st.sampled_from(open_messages))
        if kind == "edit":
            entries.append(edit(seq, target, user, f"edit {seq}"))
        elif kind == "delete":
            entries.append(delete(seq, target, user))
            open_messages.remove(target)
        else:
            entries.append(reaction(seq, target, user, draw(st.sampled_from("👍🎉")), draw(st.booleans())))
    return entries


def states(entries: list[Entry]) -> list[bytes]:
    return [entry.json() for entry in entries]


@given(logs())
def test_settling_twice_is_settling_once(log: list[Entry]) -> None:
    """Applying the same changes again changes nothing: they are idempotent."""
    changes = [entry for entry in log if entry.target]
    settle(log, changes)
    once = states(log)
    settle(log, changes)
    assert states(log) == once


@given(logs(), st.integers(0, 25))
def test_settling_again_from_any_cursor_changes_nothing(log: list[Entry], cursor: int) -> None:
    """Who reads a settled log from a cursor and applies the changes that come as entries has the present state."""
    settle(log, [entry for entry in log if entry.target])
    settled = states(log)
    mine = copy.deepcopy(log)
    settle(mine, [entry for entry in mine if entry.target and entry.seq > cursor])
    assert [json.loads(state) for state in states(mine)] == [json.loads(state) for state in settled]


@given(logs())
def test_changes_as_they_come_lead_to_the_settled_state(log: list[Entry]) -> None:
    """Live, one change at a time, leads where reading the whole log leads."""
    read = copy.deepcopy(log)
    settle(read, [entry for entry in read if entry.target])
    live: list[Entry] = []
    for entry in copy.deepcopy(log):
        live.append(entry)
        if entry.target:
            settle(live, [entry])
    assert states(live) == states(read)
