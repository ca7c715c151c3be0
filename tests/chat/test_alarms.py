"""Alarms: timers that share those of the loop."""

import asyncio

from tornado.testing import ExpectLog

from chat.alarms import GRAIN, Alarms


async def test_goes_off_after_its_delay() -> None:
    """An alarm goes off not before its delay has passed, in order, with its arguments."""
    loop = asyncio.get_running_loop()
    alarms, heard, done = Alarms(loop), [], asyncio.Event()
    begun = loop.time()
    alarms.call_later(3 * GRAIN, lambda: (heard.append("late"), done.set()))
    alarms.call_later(GRAIN, heard.append, "early")
    await done.wait()
    assert heard == ["early", "late"]
    assert loop.time() - begun >= 3 * GRAIN


async def test_a_cancelled_one_stays_silent() -> None:
    """A cancelled alarm does not go off, even if one of the same moment cancels it; cancelling late is harmless."""
    alarms, heard, done = Alarms(asyncio.get_running_loop()), [], asyncio.Event()
    second = None

    def first() -> None:
        heard.append("first")
        assert second is not None
        second.cancel()

    one = alarms.call_later(0, first)
    second = alarms.call_later(0, heard.append, "second")
    alarms.call_later(2 * GRAIN, done.set)
    await done.wait()
    one.cancel()
    assert heard == ["first"]


async def test_one_that_fails_costs_the_others_nothing() -> None:
    """An alarm that raises is logged, and those of the same moment go off."""

    def fail() -> None:
        raise RuntimeError("no")

    alarms, done = Alarms(asyncio.get_running_loop()), asyncio.Event()
    alarms.call_later(0, fail)
    alarms.call_later(0, done.set)
    with ExpectLog("parley.alarms", "an alarm failed"):
        await done.wait()
