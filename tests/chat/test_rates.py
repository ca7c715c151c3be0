"""Rates: token buckets for persons, rooms and addresses."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.callers import Caller
from chat.errors import RateLimited
from chat.people import User
from chat.rates import Buckets, Rate, Rates, RateTable
from settings import Settings
from tests.clock import FakeClock
from tests.rooms import ANN, BOB, CID

RATES = st.builds(Rate, st.floats(0.01, 1000), st.integers(1, 50).map(float))


def table(**values: str) -> RateTable:
    """The rates of the default settings, with some changed."""
    config = Settings(**values)  # type: ignore[arg-type]
    return RateTable(**{name: getattr(config, name) for name in RateTable.__struct_fields__})


def rates(clock: FakeClock | None = None, **values: str) -> tuple[Rates, list[str]]:
    """Rates, and the names of the limits that were met."""
    met: list[str] = []
    now = clock or FakeClock()
    return Rates(table(**values), clock=lambda: now.now, observe=met.append), met


def caller(user: User = ANN, address: str = "203.0.113.7", **fields: Any) -> Caller:
    return Caller(user=user, address=address, **fields)


def test_reads_a_setting() -> None:
    """A rate is written as so many a second, and so many at once."""
    assert Rate.read("0.5/20") == Rate(0.5, 20)


def test_empties_and_fills() -> None:
    """The burst at once, then one for each interval, and never more than the burst."""
    clock = FakeClock()
    buckets = Buckets(Rate(2, 3), clock=lambda: clock.now)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    assert buckets.take("b") == 0
    clock.advance(0.5)
    assert [buckets.take("a") for _ in range(2)] == [0, pytest.approx(0.5)]
    clock.advance(1000)
    assert [buckets.take("a") > 0 for _ in range(4)] == [False, False, False, True]


@given(RATES, st.lists(st.floats(0, 5), max_size=200), st.floats(0, 1e6))
def test_never_more_than_burst_and_rate(rate: Rate, pauses: list[float], start: float) -> None:
    """In any window of time there are at most burst + rate · time tokens, whenever they are asked for."""
    now = start
    buckets = Buckets(rate, clock=lambda: now)
    taken = []
    for pause in pauses:
        now += pause
        if buckets.take("a") == 0:
            taken.append(now)
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            allowed = rate.burst + rate.per_second * (taken[last] - begin)
            assert last - first + 1 <= allowed + 0.01


@given(RATES, st.lists(st.floats(0, 1), max_size=100))
def test_the_wait_is_neither_too_long_nor_too_short(rate: Rate, pauses: list[float]) -> None:
    """After the time that is told there is a token, and shortly before there is none."""
    now = 0.0
    buckets = Buckets(rate, clock=lambda: now)
    for pause in pauses:
        now += pause
        wait = buckets.take("a")
        if wait:
            now += wait * 0.99
            assert buckets.take("a") > 0
            now += wait * 0.01 + 1e-6
            assert buckets.take("a") == 0


def test_remembers_only_so_many() -> None:
    """Full buckets are forgotten first, then those that are nearly full; an empty one stays empty."""
    clock = FakeClock()
    buckets = Buckets(Rate(1, 10), clock=lambda: clock.now, remembered=100)
    while not buckets.take("empty"):
        pass
    for number in range(10_000):
        buckets.take(f"other-{number}")
        assert len(buckets) <= 100
    assert buckets.take("empty") > 0
    clock.advance(60)
    for number in range(101):
        buckets.take(f"late-{number}")
    assert len(buckets) <= 100


def refused(act: Callable[[], object]) -> RateLimited | None:
    try:
        act()
    except RateLimited as error:
        return error
    return None


def test_limits_a_person_an_address_and_a_room() -> None:
    """Each has a bucket of its own, and the answer says how long to wait."""
    limits, met = rates(person_rate="1/2", address_rate="1/3", room_rate="1/1")
    ann, bob = caller(), caller(BOB)
    limits.change(ann)
    limits.change(ann)
    error = refused(lambda: limits.change(ann))
    assert error is not None
    assert error.retry_after == pytest.approx(1)
    assert "Wait" in error.reason
    limits.change(bob)
    assert refused(lambda: limits.change(bob)) is not None
    limits.change(caller(CID, "203.0.113.8"))
    limits.change_in("a")
    assert refused(lambda: limits.change_in("a")) is not None
    limits.change_in("b")
    assert met == ["person", "address", "room"]


def test_a_bot_counts_as_its_maker() -> None:
    """Who has many tokens has no more messages."""
    limits, _ = rates(person_rate="1/1")
    limits.change(caller(User("b-1", "bot"), account="a-1"))
    assert refused(lambda: limits.change(caller(User("b-2", "bot"), account="a-1")))


def test_a_household_is_one_address() -> None:
    """Other addresses of the same network of IPv6 help nobody."""
    limits, _ = rates(sign_in_rate="1/1")
    limits.sign_in("2001:db8::1")
    assert refused(lambda: limits.sign_in("2001:db8::2"))
    limits.sign_in("2001:db8:1::1")


def test_a_household_sends_as_one_address() -> None:
    """Neither do they help anybody to send more."""
    limits, met = rates(address_rate="1/1")
    limits.change(caller(ANN, "2001:db8::1"))
    assert refused(lambda: limits.change(caller(BOB, "2001:db8::2")))
    assert met == ["address"]


def test_limits_all_else() -> None:
    """Notes, sign-ins, accounts, rooms, reports and pictures have limits of their own."""
    names = ("typing", "sign_in", "registration", "making", "report", "picture")
    limits, met = rates(**{f"{name}_rate": "1/1" for name in names})
    ann = caller()
    acts: list[Callable[[], object]] = [
        lambda: limits.passing(ann),
        lambda: limits.sign_in(ann.address),
        lambda: limits.register(ann.address),
        lambda: limits.make_room(ann),
        lambda: limits.report(ann),
        lambda: limits.picture(ann),
    ]
    for act in acts:
        assert refused(act) is None
        assert refused(act) is not None
    assert met == list(names)


def test_a_new_name_makes_no_new_allowance() -> None:
    """Guests that come from one address share what it may make and report."""
    limits, met = rates(making_address_rate="1/2", report_address_rate="1/2")
    for act in (limits.make_room, limits.report):
        act(caller(User("g-1", "a")))
        act(caller(User("g-2", "b")))
        with pytest.raises(RateLimited):
            act(caller(User("g-3", "c")))
    assert met == ["making", "report"]


def test_patience_ends() -> None:
    """So many refusals are borne at once, and then so many a second."""
    clock = FakeClock()
    limits, _ = rates(clock, refusal_rate="1/3")
    assert [limits.patient(caller()) for _ in range(4)] == [True, True, True, False]
    clock.advance(1)
    assert limits.patient(caller())


def test_costs_next_to_nothing() -> None:
    """All that is looked at for a message takes a few microseconds, so it is not felt beside storing it."""
    limits, ann = Rates(table()), caller()
    best = 1.0
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(300):
            limits.change(ann)
            limits.change_in("lobby")
        best = min(best, (time.perf_counter() - began) / 300)
    assert best < 10e-6
