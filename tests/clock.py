"""A clock that goes only when a test says so."""

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
    """Stands for `call_later` of an event loop. Times are seconds since it was made."""

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
