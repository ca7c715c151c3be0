"""The pace of a room in slow mode: when each person wrote last."""

import math
import time
from collections.abc import Callable

# People remembered; of those who wrote longest ago the oldest are forgotten first, as their time is over soonest.
REMEMBERED = 10_000


class Pace:
    """Lets each person go ahead once in so many seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, tuple[float, str]] = {}

    def wait(self, who: str, interval: float, key: str) -> float:
        """Seconds that are to be waited; 0 lets them go ahead, and counts. What has gone ahead may do so again: it was
        perhaps not stored."""
        now = self._clock()
        last, passed = self._last.get(who, (-math.inf, ""))
        if key == passed:
            return 0
        if now - last < interval:
            return interval - (now - last)
        self.note(who, key)
        return 0

    def note(self, who: str, key: str) -> None:
        """They have just written something with this key, perhaps at another process."""
        self._last.pop(who, None)
        self._last[who] = (self._clock(), key)
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
