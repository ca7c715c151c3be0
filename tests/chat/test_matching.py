"""Matching: the queue and the pairs of chat roulette, as plain data."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chat.matching import Matching
from tests.clock import FakeClock

PATIENCE = 10


def new_matching(clock: FakeClock | None = None) -> tuple[Matching, FakeClock]:
    clock = clock or FakeClock()
    return Matching(lambda: clock.now, patience=PATIENCE), clock


def test_the_second_is_paired_with_the_first() -> None:
    """Who finds nobody waits; the next one is their partner, and nobody waits any more."""
    matching, _ = new_matching()
    assert matching.seek("ann") is None
    assert matching.position_of("ann") == 1
    assert matching.seek("bob") == "ann"
    assert (matching.partner_of("ann"), matching.partner_of("bob")) == ("bob", "ann")
    assert list(matching.waiting()) == []
    assert matching.position_of("ann") is None


def test_never_oneself() -> None:
    """Who asks twice waits once, in the same place."""
    matching, clock = new_matching()
    matching.seek("ann", ["cats"])
    clock.advance(1)
    matching.seek("bob", ["dogs"])
    assert matching.seek("ann", ["birds"]) is None
    assert list(matching.waiting()) == ["ann", "bob"]


def test_never_the_last_partner() -> None:
    """Two who have parted wait beside each other until somebody else comes."""
    matching, _ = new_matching()
    matching.seek("ann")
    matching.seek("bob")
    assert matching.leave("ann") == "bob"
    assert matching.seek("ann") is None
    assert matching.seek("bob") is None
    assert matching.seek("cid") == "ann"
    assert matching.position_of("bob") == 1


def test_never_one_who_is_blocked() -> None:
    """A block holds both ways, and beyond the next partner."""
    matching, _ = new_matching()
    matching.seek("ann")
    matching.seek("bob")
    matching.block("ann", "bob")
    matching.leave("ann")
    assert matching.seek("ann") is None
    assert matching.seek("cid") == "ann"
    matching.leave("ann")
    matching.seek("ann")
    assert matching.seek("bob") is None


def test_tags_first_anybody_later() -> None:
    """Shared tags match at once, others when both have waited for long enough."""
    matching, clock = new_matching()
    matching.seek("ann", ["cats"])
    assert matching.seek("bob", ["dogs"]) is None
    assert matching.seek("cid") is None, "ann and bob still hope for their tags"
    assert matching.seek("dan", ["dogs", "birds"]) == "bob"
    assert matching.next_patience() == PATIENCE
    clock.advance(PATIENCE)
    assert matching.next_patience() is None
    assert matching.match_patient() == [("ann", "cid")]


def test_a_shared_tag_goes_before_a_longer_wait() -> None:
    """Of those who wait, one with a shared tag is taken before one who has waited longer without."""
    matching, clock = new_matching()
    matching.seek("ann")
    clock.advance(1)
    matching.seek("bob", ["cats"])
    assert matching.seek("cid", ["cats"]) == "bob"


def test_leaving_twice_is_harmless() -> None:
    """The second time there is nothing left to leave."""
    matching, _ = new_matching()
    matching.seek("ann")
    matching.seek("bob")
    assert matching.leave("ann") == "bob"
    assert matching.leave("ann") is None
    assert matching.partner_of("bob") is None


class ManyPeople(RuleBasedStateMachine):
    """Whatever people do, nobody is in two pairs, and nobody waits beside somebody they could talk to."""

    people = st.sampled_from([f"p{number}" for number in range(12)])
    tags = st.frozensets(st.sampled_from(["cats", "dogs", "birds"]), max_size=2)

    def __init__(self) -> None:
        super().__init__()
        self.matching, self.clock = new_matching()
        self.tags_of: dict[str, frozenset[str]] = {}
        self.since: dict[str, float] = {}

    @rule(who=people, tags=tags)
    def seek(self, who: str, tags: frozenset[str]) -> None:
        if self.matching.partner_of(who) is None:
            self.tags_of[who] = tags
            if self.matching.position_of(who) is None:
                self.since[who] = self.clock.now
        self.matching.seek(who, tags)

    @rule(who=people)
    def leave(self, who: str) -> None:
        self.matching.leave(who)

    @rule(who=people, tags=tags)
    def go_on(self, who: str, tags: frozenset[str]) -> None:
        self.matching.leave(who)
        self.seek(who, tags)

    @rule(who=people)
    def block_partner(self, who: str) -> None:
        partner = self.matching.partner_of(who)
        if partner is not None:
            self.matching.block(who, partner)

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.matching.match_patient()

    @invariant()
    def in_one_place(self) -> None:
        waiting = list(self.matching.waiting())
        assert len(waiting) == len(set(waiting))
        for number in range(12):
            who = f"p{number}"
            partner = self.matching.partner_of(who)
            if partner is not None:
                assert partner != who
                assert self.matching.partner_of(partner) == who
                assert who not in waiting

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        waiting = list(self.matching.waiting())
        assert [self.since[who] for who in waiting] == sorted(self.since[who] for who in waiting)
        for one in waiting:
            for other in waiting:
                if one != other and self.matching._may_meet(one, other):
                    assert not (self.tags_of[one] & self.tags_of[other])
                    assert not (self.is_open(one) and self.is_open(other))

    def is_open(self, who: str) -> bool:
        return not self.tags_of[who] or self.clock.now - self.since[who] >= PATIENCE


TestManyPeople = ManyPeople.TestCase


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_a_thousand_press_next(chance: object) -> None:
    """A thousand people who press "next" at random leave at most one of them waiting with nobody to meet."""
    matching, _ = new_matching()
    people = [f"p{number}" for number in range(1000)]
    for who in people:
        matching.seek(who)
    assert matching.pairs == 500
    for who in chance.choices(people, k=300):  # type: ignore[attr-defined]
        left = matching.leave(who)
        for each in (who, left):
            if each is not None:
                matching.seek(each)
        waiting = list(matching.waiting())
        assert len(waiting) <= 2
        assert not any(matching._may_meet(one, other) for one in waiting for other in waiting)
        assert matching.pairs * 2 + len(waiting) == 1000
