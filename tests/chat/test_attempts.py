"""Attempts: wrong secrets are slowed down and then refused."""

import asyncio

import pytest

from chat.attempts import Attempts
from chat.errors import RateLimited, Unauthenticated


class Clock:
    """Goes when a test says so, or when somebody sleeps by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def attempts_and_clock(*, limit: int = 10, kept: int = 100) -> tuple[Attempts, Clock]:
    clock = Clock()
    attempts = Attempts(limit=limit, window=180, delay=0.1, kept=kept, clock=clock.time, sleep=clock.sleep)
    return attempts, clock


async def guess(attempts: Attempts, *keys: str, right: bool = False) -> None:
    async with attempts.trying(*keys):
        if not right:
            raise Unauthenticated("Wrong.")


async def wrong(attempts: Attempts, *keys: str) -> None:
    with pytest.raises(Unauthenticated):
        await guess(attempts, *keys)


async def test_refuses_after_so_many() -> None:
    """After ten within three minutes every attempt is refused, until the first is that old."""
    attempts, clock = attempts_and_clock()
    await wrong(attempts, "ann")
    clock.now = 100
    for _ in range(9):
        await wrong(attempts, "ann")
    with pytest.raises(RateLimited) as refused:
        await guess(attempts, "ann", right=True)
    assert refused.value.retry_after == pytest.approx(180 - clock.now)
    await guess(attempts, "bob", right=True)
    clock.now = 180
    await wrong(attempts, "ann")
    with pytest.raises(RateLimited):
        await guess(attempts, "ann")


async def test_every_key_counts() -> None:
    """An attempt is refused for its address or its name, whichever has had too many."""
    attempts, _ = attempts_and_clock(limit=2)
    for n in range(2):
        await wrong(attempts, "address", f"name {n}")
    with pytest.raises(RateLimited):
        await guess(attempts, "address", "another name")
    await wrong(attempts, "another address", "name 0")
    with pytest.raises(RateLimited):
        await guess(attempts, "a third address", "name 0")


async def test_slows_down() -> None:
    """The first mistakes cost nothing; then each waits twice as long as the last, up to two seconds, right or wrong."""
    attempts, clock = attempts_and_clock()
    for _ in range(9):
        await wrong(attempts, "ann")
    assert clock.slept == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0])
    await guess(attempts, "ann", right=True)
    assert clock.slept[-1] == 2.0


async def test_only_wrong_ones_count() -> None:
    """Right attempts, and those that fail for another reason, leave nothing behind."""
    attempts, _ = attempts_and_clock(limit=2)
    for _ in range(5):
        await guess(attempts, "ann", right=True)
        with pytest.raises(ValueError, match="other"):
            async with attempts.trying("ann"):
                raise ValueError("other")
    assert len(attempts) == 0
    await wrong(attempts, "ann")
    assert len(attempts) == 1


async def test_together_they_are_never_more() -> None:
    """What is under way may turn out wrong: others wait for it, and go on if it was right."""
    attempts, _ = attempts_and_clock(limit=2)
    open_, outcomes = asyncio.Event(), []

    async def attempt(right: bool) -> None:
        try:
            async with attempts.trying("ann"):
                outcomes.append("begun")
                await open_.wait()
                if not right:
                    raise Unauthenticated("Wrong.")
        except (Unauthenticated, RateLimited) as error:
            outcomes.append(error.code)

    tasks = [asyncio.create_task(attempt(right)) for right in (True, False, False, True, True)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert outcomes == ["begun"] * 2
    open_.set()
    await asyncio.gather(*tasks)
    assert outcomes.count("begun") == 3
    assert outcomes.count("unauthenticated") == outcomes.count("rate_limited") == 2


async def test_one_who_goes_away_counts_no_more() -> None:
    """A cancelled attempt makes room for those that wait."""
    attempts, _ = attempts_and_clock(limit=1)

    async def hang() -> None:
        async with attempts.trying("ann"):
            await asyncio.sleep(60)

    hanging = asyncio.create_task(hang())
    await asyncio.sleep(0)
    waiting = asyncio.create_task(guess(attempts, "ann", right=True))
    await asyncio.sleep(0)
    assert not waiting.done()
    hanging.cancel()
    await waiting
    assert len(attempts) == 0


def test_counts_what_nobody_waits_for() -> None:
    """Wrong tokens count without being tried; those refused count no further."""
    attempts, clock = attempts_and_clock(limit=2)
    for _ in range(2):
        attempts.wrong("address")
    for _ in range(5):
        with pytest.raises(RateLimited):
            attempts.wrong("address")
    clock.now = 180
    attempts.wrong("address")


async def test_remembers_so_many() -> None:
    """Beyond that those whose last wrong attempt is longest ago are forgotten."""
    attempts, _ = attempts_and_clock(limit=1, kept=3)
    for n in range(3):
        await wrong(attempts, f"name {n}")
    await wrong(attempts, "name 3")
    assert len(attempts) == 3
    for n in (1, 2, 3):
        with pytest.raises(RateLimited):
            await guess(attempts, f"name {n}")
    await guess(attempts, "name 0", right=True)
