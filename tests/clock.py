"""Clocks that do not make a test wait."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any


class Timer:
    """As `asyncio.TimerHandle`."""

    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class FakeClock:
    """Goes only when a test says so. Stands for `call_later` of an event loop. Times are seconds since it was made."""

    def __init__(self) -> None:
        self.now = 0.0
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, Timer, Callable[..., object], tuple[Any, ...]]] = []

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> Any:
        timer = Timer()
        self._timers.append((self.now + delay, next(self._numbers), timer, callback, args))
        return timer

    def advance(self, seconds: float) -> None:
        """Lets time pass, and does what falls into it in its order."""
        end = self.now + seconds
        while due := [timer for timer in self._timers if timer[0] <= end]:
            first = min(due)
            self._timers.remove(first)
            self.now, _, timer, callback, args = first
            if not timer.is_cancelled:
                callback(*args)
        self.now = end

    @property
    def waiting(self) -> int:
        """How many timers have neither run nor been cancelled."""
        return sum(not timer.is_cancelled for _, _, timer, _, _ in self._timers)


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time leaps to the next timer when nothing else is to be done.

    However busy the machine, things happen at the very moment they are due. It is for tests without sockets.
    """

    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        super()._run_once()
