"""The pace of a room in slow mode: when each person wrote last."""

import time
from collections.abc import Callable

# People remembered; of those who wrote longest ago the oldest are forgotten first, as their time is over soonest.
REMEMBERED = 10_000


class Pace:
    """Lets each person go ahead once in so many seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def wait(self, who: str, interval: float) -> float:
        """Seconds that are to be waited; 0 lets them go ahead, and counts."""
        now = self._clock()
        last = self._last.get(who)
        if last is not None and now - last < interval:
            return interval - (now - last)
        self.note(who)
        return 0

    def note(self, who: str) -> None:
        """They have just written, at another process."""
        self._last.pop(who, None)
        self._last[who] = self._clock()
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
