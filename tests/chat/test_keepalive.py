"""Keepalive: pings with jitter, and who counts as lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tornado.testing import ExpectLog

from chat.keepalive import Keepalive
from tests.waiting import until


class Client:
    """Answers each ping after some seconds, or never."""

    def __init__(self, answers_after: float | None = None, *, failing: bool = False) -> None:
        self.heard = 0.0
        self.pinged: list[float] = []
        self.was_lost = asyncio.Event()
        self.dismissals = 0
        self._answers_after = answers_after
        self._failing = failing

    def ping(self) -> None:
        self.pinged.append(time.monotonic())
        if self._failing:
            raise RuntimeError("a ping of the test fails")
        if self._answers_after is not None:
            asyncio.get_running_loop().call_later(self._answers_after, self._answer)

    def _answer(self) -> None:
        self.heard = time.monotonic()

    def lost(self) -> None:
        self.was_lost.set()

    def dismiss(self) -> None:
        self.dismissals += 1


@asynccontextmanager
async def keepalive(interval: float, timeout: float) -> AsyncIterator[Keepalive]:
    running = Keepalive(interval=interval, timeout=timeout)
    running.start()
    try:
        yield running
    finally:
        running.stop()


async def test_a_silent_client_is_lost_within_interval_and_timeout() -> None:
    """Who answers nothing is found, and who answers is not."""
    async with keepalive(0.2, 0.1) as running:
        silent, lively = Client(), Client(answers_after=0)
        running.add(silent)
        running.add(lively)
        begin = time.monotonic()
        async with asyncio.timeout(10):
            await silent.was_lost.wait()
        # A turn of the wheel, and room for a busy machine.
        assert time.monotonic() - begin < 0.2 + 0.1 + 0.5
        assert lively.pinged
        assert not lively.was_lost.is_set()


async def test_pings_once_in_an_interval() -> None:
    """A client is pinged again and again, an interval apart."""
    async with keepalive(0.1, 10) as running:
        client = Client(answers_after=0)
        running.add(client)
        await until(lambda: len(client.pinged) >= 4)
        apart = [later - earlier for earlier, later in zip(client.pinged, client.pinged[1:], strict=False)]
        assert min(apart) > 0.08


async def test_pings_are_spread() -> None:
    """Of many clients that came at once no turn of the wheel pings more than a part."""
    async with keepalive(0.25, 10) as running:
        clients = [Client(answers_after=0) for _ in range(500)]
        for client in clients:
            running.add(client)
        await until(lambda: all(client.pinged for client in clients))
        first = sorted(client.pinged[0] for client in clients)
        assert first[-1] - first[0] > 0.15


@pytest.mark.parametrize("timeout", [0.11, 0.25])
async def test_a_timeout_above_the_interval_costs_no_prompt_client(timeout: float) -> None:
    """The next ping takes nothing from the time that a client has for an answer."""
    async with keepalive(0.1, timeout) as running:
        clients = [Client(answers_after=0.04) for _ in range(20)]
        for client in clients:
            running.add(client)
        await until(lambda: min(len(client.pinged) for client in clients) >= 6)
        assert not any(client.was_lost.is_set() for client in clients)


async def test_one_who_has_gone_is_not_lost() -> None:
    """Removing is harmless when repeated, and nothing more happens to who is removed."""
    async with keepalive(0.05, 0.1) as running:
        gone, other = Client(), Client()
        running.add(gone)
        running.add(other)
        await until(lambda: gone.pinged)
        running.remove(gone)
        running.remove(gone)
        count = len(gone.pinged)
        async with asyncio.timeout(10):
            await other.was_lost.wait()
            await asyncio.sleep(0.15)
        assert not gone.was_lost.is_set()
        assert len(gone.pinged) == count


async def test_a_failing_client_costs_the_others_nothing() -> None:
    """An exception in a ping is logged, and the others are pinged."""
    with ExpectLog("parley.keepalive", "a ping failed"):
        async with keepalive(0.05, 10) as running:
            bad, good = Client(failing=True), Client(answers_after=0)
            running.add(bad)
            running.add(good)
            await until(lambda: bad.pinged and good.pinged)


async def test_stopping_dismisses_everybody() -> None:
    """Everybody is let go of once, and nobody is pinged any more."""
    running = Keepalive(interval=0.02, timeout=1)
    client = Client(answers_after=0)
    running.add(client)
    running.start()
    await until(lambda: client.pinged)
    running.stop()
    count = len(client.pinged)
    await asyncio.sleep(0.06)
    assert (client.dismissals, len(client.pinged)) == (1, count)


async def test_stopping_before_starting_is_harmless() -> None:
    """A server that never came up can be stopped."""
    running = Keepalive(interval=1, timeout=1)
    client = Client()
    running.add(client)
    running.stop()
    assert client.dismissals == 1


async def test_says_when_nobody_is_left() -> None:
    """`emptied` is set while there is no connection."""
    running = Keepalive(interval=1, timeout=1)
    client = Client()
    assert running.emptied.is_set()
    running.add(client)
    assert (len(running), running.emptied.is_set()) == (1, False)
    running.remove(client)
    assert (len(running), running.emptied.is_set()) == (0, True)
