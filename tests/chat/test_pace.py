"""Pace: when somebody may write again in slow mode."""

import pytest

from chat import pace as pace_module
from chat.pace import Pace
from tests.rooms import new_key


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_lets_each_go_once_in_an_interval() -> None:
    """One waits for what is left of the interval; the others do not wait for them."""
    clock = Clock()
    pace = Pace(clock)
    assert pace.wait("ann", 10, new_key()) == 0
    clock.now += 4
    assert pace.wait("ann", 10, new_key()) == 6
    assert pace.wait("bob", 10, new_key()) == 0
    clock.now += 6
    assert pace.wait("ann", 10, new_key()) == 0
    assert pace.wait("ann", 10, new_key()) == 10


def test_who_is_told_to_wait_waits_no_longer_for_asking() -> None:
    """Asking in vain does not begin the interval anew."""
    clock = Clock()
    pace = Pace(clock)
    pace.wait("ann", 10, new_key())
    for _ in range(9):
        clock.now += 1
        assert pace.wait("ann", 10, new_key()) > 0
    clock.now += 1
    assert pace.wait("ann", 10, new_key()) == 0


def test_another_interval_holds_at_once() -> None:
    """A shorter one lets them go, a longer one makes them wait."""
    clock = Clock()
    pace = Pace(clock)
    pace.wait("ann", 10, new_key())
    clock.now += 5
    assert pace.wait("ann", 60, new_key()) == 55
    assert pace.wait("ann", 5, new_key()) == 0


def test_remembers_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who wrote longest ago are forgotten first."""
    monkeypatch.setattr(pace_module, "REMEMBERED", 3)
    pace = Pace(Clock())
    for name in ("ann", "bob", "cid", "dan"):
        assert pace.wait(name, 10, new_key()) == 0
    assert pace.wait("bob", 10, new_key()) > 0
    assert pace.wait("ann", 10, new_key()) == 0


def test_the_same_again_goes_ahead() -> None:
    """What has gone ahead may do so again, as it was perhaps not stored; something else waits."""
    pace = Pace(Clock())
    assert pace.wait("ann", 10, "one") == 0
    assert pace.wait("ann", 10, "one") == 0
    assert pace.wait("ann", 10, "two") == 10
