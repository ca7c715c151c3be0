"""People: one name belongs to one person at a time."""

import pytest

from chat.claims import Claims
from chat.errors import BadRequest, NameTaken
from chat.people import People, User
from tests.clock import FakeClock


def people_and_clock() -> tuple[People, FakeClock]:
    clock = FakeClock()
    return People(clock.call_later, hold=60), clock


def test_a_guest_has_an_id_of_their_own() -> None:
    """Two guests of one name, one after the other, are two people."""
    people, _ = people_and_clock()
    first, second = people.guest("ann"), people.guest("ann")
    assert first.id != second.id
    assert first.guest
    assert first.author.name == "ann"


@pytest.mark.parametrize("spelling", ["ann", "ANN", "Ann", "ａｎｎ", "𝐚𝐧𝐧", "an\u200dn", " ann "])
def test_a_name_in_use_is_taken_in_every_spelling(spelling: str) -> None:
    """Case, compatibility forms, joiners and spaces around make no other name."""
    people, _ = people_and_clock()
    people.enter(people.guest("ann"))
    assert len(people) == 1
    people.guest("anna")
    with pytest.raises(NameTaken, match="is called"):
        people.guest(spelling)


def test_the_same_person_may_come_twice() -> None:
    """A second connection of a person is theirs, and the name stays until both are gone."""
    people, _ = people_and_clock()
    ann = people.guest("ann")
    people.enter(ann)
    people.enter(ann)
    people.leave(ann, hold=False)
    with pytest.raises(NameTaken):
        people.guest("ann")
    people.leave(ann, hold=False)
    people.guest("ann")


def test_a_name_is_held_for_a_while() -> None:
    """The name of one with a session stays theirs a minute longer, and is free then."""
    people, clock = people_and_clock()
    ann = people.guest("ann")
    people.enter(ann)
    people.leave(ann, hold=True)
    clock.advance(59)
    with pytest.raises(NameTaken):
        people.guest("Ann")
    people.check(ann)
    clock.advance(1)
    people.guest("Ann")
    assert len(people) == 0


def test_one_who_comes_too_late_finds_the_name_taken() -> None:
    """After the hold somebody else may have the name: then the first is refused, and the second keeps it."""
    people, clock = people_and_clock()
    ann = people.guest("ann")
    people.enter(ann)
    people.leave(ann, hold=True)
    clock.advance(60)
    other = people.guest("ANN")
    people.enter(other)
    with pytest.raises(NameTaken):
        people.enter(ann)
    people.check(other)


def test_a_refused_entry_changes_nothing() -> None:
    """Who could not enter cannot free the name by leaving."""
    people, _ = people_and_clock()
    people.enter(people.guest("ann"))
    stranger = User(id="g-2", name="Ann")
    with pytest.raises(NameTaken):
        people.enter(stranger)
    people.leave(stranger, hold=False)
    with pytest.raises(NameTaken):
        people.guest("ann")


def test_signing_out_frees_the_name() -> None:
    """It is held no longer than the person is connected, and if they are not, no longer at all."""
    people, _ = people_and_clock()
    ann = people.guest("ann")
    people.enter(ann)
    people.sign_out(ann)
    with pytest.raises(NameTaken):
        people.guest("ann")
    people.leave(ann, hold=True)
    other = people.guest("ann")
    people.enter(other)
    people.leave(other, hold=True)
    with pytest.raises(NameTaken):
        people.guest("ann")
    people.sign_out(other)
    people.guest("ann")


def test_a_name_that_belongs_to_somebody_is_no_guests() -> None:
    """Neither a new guest nor one who had the name before has it any more; its owner always has it."""
    claims = Claims()
    people = People(FakeClock().call_later, hold=60, check_claim=claims.check)
    guest, account = people.guest("ann"), User(id="a-1", name="Ann", guest=False)
    people.enter(guest)
    assert people.holder("ANN") == people.find(guest.id) == guest
    claims.take("a-1", ["Ann"])
    for refused in (lambda: people.guest("АNN"), lambda: people.enter(guest), lambda: people.check(guest)):
        with pytest.raises(NameTaken, match="belongs to"):
            refused()
    people.enter(account)
    assert people.holder("ann") == account
    people.leave(guest, hold=False)
    assert people.holder("ann") == account
    people.leave(account, hold=False)
    assert people.holder("ann") is None


def test_a_name_must_be_allowed() -> None:
    """A name that cannot be seen makes no guest."""
    people, _ = people_and_clock()
    with pytest.raises(BadRequest):
        people.guest("\u200b")
    assert len(people) == 0


def test_closing_forgets_timers() -> None:
    """After close nothing waits."""
    people, clock = people_and_clock()
    ann = people.guest("ann")
    people.enter(ann)
    people.leave(ann, hold=True)
    assert clock.waiting == 1
    people.close()
    assert clock.waiting == 0
