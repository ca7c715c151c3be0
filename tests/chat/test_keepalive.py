"""Keepalive: pings with jitter, and who counts as lost. The time of these tests leaps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tornado.testing import ExpectLog

from chat.keepalive import STEPS, Keepalive

pytestmark = pytest.mark.leaping


def now() -> float:
    return asyncio.get_running_loop().time()


class Client:
    """Answers each ping after some seconds, or never."""

    def __init__(self, answers_after: float | None = None, *, failing: bool = False) -> None:
        self.heard = 0.0
        self.pinged: list[float] = []
        self.lost_at: float | None = None
        self.dismissals = 0
        self._answers_after = answers_after
        self._failing = failing

    def ping(self) -> None:
        self.pinged.append(now())
        if self._failing:
            raise RuntimeError("a ping of the test fails")
        if self._answers_after is not None:
            asyncio.get_running_loop().call_later(self._answers_after, self._answer)

    def _answer(self) -> None:
        self.heard = now()

    def lost(self) -> None:
        if self.lost_at is None:
            self.lost_at = now()

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
    """Who answers nothing is found in that time, however many there are, and who answers is not."""
    async with keepalive(25, 20) as running:
        silent, lively = [Client() for _ in range(50)], [Client(answers_after=19.9) for _ in range(50)]
        for client in (*silent, *lively):
            running.add(client)
        await asyncio.sleep(200)
        assert all(client.lost_at is not None and 20 <= client.lost_at <= 25 + 20 + 1e-6 for client in silent)
        assert all(client.pinged and client.lost_at is None for client in lively)


async def test_one_who_answers_too_late_is_lost() -> None:
    """An answer after the timeout does not count, nor does one to an earlier ping."""
    async with keepalive(25, 20) as running:
        late = Client(answers_after=20.1)
        running.add(late)
        await asyncio.sleep(50)
        assert late.lost_at == pytest.approx(late.pinged[0] + 20)


async def test_pings_once_in_an_interval() -> None:
    """A client is pinged again and again, an interval apart."""
    async with keepalive(25, 20) as running:
        client = Client(answers_after=0.1)
        running.add(client)
        await asyncio.sleep(150)
        apart = [later - earlier for earlier, later in zip(client.pinged, client.pinged[1:], strict=False)]
        assert len(apart) >= 4
        assert apart == pytest.approx([25] * len(apart))


async def test_pings_are_spread() -> None:
    """Of many clients that came at once no turn of the wheel pings more than a part, and all have had their turn."""
    async with keepalive(25, 20) as running:
        clients = [Client(answers_after=0.1) for _ in range(10_000)]
        for client in clients:
            running.add(client)
        await asyncio.sleep(25.5)
        turns = [client.pinged[0] for client in clients]
        assert len(set(turns)) == STEPS
        assert max(turns.count(turn) for turn in set(turns)) < 100


@pytest.mark.parametrize("timeout", [25.1, 60])
async def test_a_timeout_above_the_interval_costs_no_prompt_client(timeout: float) -> None:
    """The next ping takes nothing from the time that a client has for an answer."""
    async with keepalive(25, timeout) as running:
        prompt, silent = [Client(answers_after=1) for _ in range(20)], Client()
        for client in (*prompt, silent):
            running.add(client)
        await asyncio.sleep(400)
        assert silent.lost_at is not None
        assert all(len(client.pinged) > 10 and client.lost_at is None for client in prompt)


async def test_one_who_has_gone_is_not_lost() -> None:
    """Removing is harmless when repeated, and nothing more happens to who is removed."""
    async with keepalive(25, 60) as running:
        gone, other = Client(), Client()
        running.add(gone)
        running.add(other)
        await asyncio.sleep(25.5)
        running.remove(gone)
        running.remove(gone)
        count = len(gone.pinged)
        await asyncio.sleep(100)
        assert count > 0 and other.lost_at is not None
        assert (gone.lost_at, len(gone.pinged)) == (None, count)


async def test_a_failing_client_costs_the_others_nothing() -> None:
    """An exception in a ping is logged, and the others are pinged."""
    with ExpectLog("parley.keepalive", "a ping failed"):
        async with keepalive(25, 20) as running:
            bad, good = Client(failing=True), Client(answers_after=0.1)
            running.add(bad)
            running.add(good)
            await asyncio.sleep(60)
            assert len(bad.pinged) >= 2 and len(good.pinged) >= 2


async def test_stopping_dismisses_everybody() -> None:
    """Everybody is let go of once, and nobody is pinged any more."""
    running = Keepalive(interval=25, timeout=20)
    client = Client(answers_after=0.1)
    running.add(client)
    running.start()
    await asyncio.sleep(30)
    running.stop()
    count = len(client.pinged)
    await asyncio.sleep(100)
    assert count > 0
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
