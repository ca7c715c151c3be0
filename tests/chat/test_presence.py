"""Presence: counted by connections, with a time to linger."""

from hypothesis import given
from hypothesis import strategies as st

from chat.presence import Presence
from tests.clock import FakeClock


def watched(clock: FakeClock) -> tuple[Presence[str], list[str]]:
    """A presence, and what it tells."""
    told: list[str] = []
    presence = Presence[str](clock.call_later, lambda who: told.append(f"+{who}"), lambda who: told.append(f"-{who}"))
    return presence, told


def test_tells_the_first_coming_and_the_last_going() -> None:
    """Of several connections only the first and the last are told."""
    presence, told = watched(FakeClock())
    presence.enter("ann")
    presence.enter("ann")
    presence.leave("ann")
    assert told == ["+ann"]
    assert "ann" in presence
    presence.leave("ann")
    assert told == ["+ann", "-ann"]
    assert "ann" not in presence


def test_lingers() -> None:
    """One who leaves with a time to linger is here until it is over."""
    clock = FakeClock()
    presence, told = watched(clock)
    presence.enter("ann")
    presence.leave("ann", 10)
    clock.advance(9)
    assert list(presence) == ["ann"]
    clock.advance(1)
    assert told == ["+ann", "-ann"]
    assert len(presence) == 0


def test_coming_back_in_time_is_no_coming() -> None:
    """Who comes back while they linger was never gone, and goes by the time of their last leaving."""
    clock = FakeClock()
    presence, told = watched(clock)
    presence.enter("ann")
    presence.leave("ann", 10)
    clock.advance(5)
    presence.enter("ann")
    clock.advance(20)
    presence.leave("ann", 10)
    assert told == ["+ann"]
    clock.advance(10)
    assert told == ["+ann", "-ann"]


def test_leaving_without_being_here_is_harmless() -> None:
    """A leave too many, of a stranger or of one who lingers, changes nothing."""
    clock = FakeClock()
    presence, told = watched(clock)
    presence.leave("nobody")
    presence.enter("ann")
    presence.leave("ann", 10)
    presence.leave("ann")
    assert told == ["+ann"]
    clock.advance(10)
    assert told == ["+ann", "-ann"]


def test_one_who_lingers_can_be_forgotten() -> None:
    """Who is forgotten is gone at once; one who is connected stays, and a stranger is no matter."""
    clock = FakeClock()
    presence, told = watched(clock)
    for who in ("ann", "bob"):
        presence.enter(who)
    presence.leave("ann", 10)
    for who in ("ann", "bob", "nobody"):
        presence.forget(who)
    assert (told, list(presence), clock.waiting) == (["+ann", "+bob", "-ann"], ["bob"], 0)


def test_closing_cancels_its_timers() -> None:
    """After close no timer is left, and nobody is told."""
    clock = FakeClock()
    presence, told = watched(clock)
    presence.enter("ann")
    presence.enter("bob")
    presence.leave("ann", 10)
    assert clock.waiting == 1
    presence.close()
    assert clock.waiting == 0
    clock.advance(20)
    assert told == ["+ann", "+bob"]


@given(st.lists(st.tuples(st.sampled_from(["enter", "leave", "linger", "wait"]), st.sampled_from("ab")), max_size=50))
def test_arrivals_and_goings_alternate(steps: list[tuple[str, str]]) -> None:
    """Whatever happens, each arrival is followed by one going, and who is here has arrived last."""
    clock = FakeClock()
    presence, told = watched(clock)
    for step, who in steps:
        match step:
            case "enter":
                presence.enter(who)
            case "leave":
                presence.leave(who)
            case "linger":
                presence.leave(who, 10)
            case "wait":
                clock.advance(6)
    for who in "ab":
        mine = [sign for sign in told if sign[1] == who]
        assert mine == [f"{sign}{who}" for sign in ("+-" * len(mine))[: len(mine)]]
        assert (who in presence) == (bool(mine) and mine[-1][0] == "+")
