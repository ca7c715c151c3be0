"""Attempts: wrong passwords and other wrong secrets are slowed down, and then refused for a time."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from chat.errors import RateLimited, Unauthenticated

# Wrong attempts that cost nothing but themselves: people mistype.
FREE = 3
# An attempt waits this long at most (seconds).
LONGEST_DELAY = 2.0


class _Tally:
    __slots__ = ("under_way", "wrong")

    def __init__(self, limit: int) -> None:
        self.under_way = 0
        self.wrong: deque[float] = deque(maxlen=limit)


class Attempts:
    """Counts wrong attempts by key: the address they come from, the name they are about.

    After `limit` of them within `window` seconds a key is refused until the first is that old; before that each waits
    longer than the last, from `delay` seconds on. At most `kept` keys are in memory; those whose last wrong attempt is
    longest ago are forgotten first.
    """

    def __init__(
        self,
        *,
        limit: int,
        window: float,
        delay: float,
        kept: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._limit = limit
        self._window = window
        self._delay = delay
        self._kept = kept
        self._clock = clock
        self._sleep = sleep
        self._tallies: dict[str, _Tally] = {}
        self._ended = asyncio.Event()

    def __len__(self) -> int:
        return len(self._tallies)

    @asynccontextmanager
    async def trying(self, *keys: str) -> AsyncIterator[None]:
        """Around one attempt, which is wrong if it raises Unauthenticated; raises RateLimited.

        Attempts under way may all turn out wrong, so together with the wrong ones they are never more than the limit:
        the others wait for them.
        """
        while not self._has_room(keys):
            await self._ended.wait()
        tallies = [self._tally(key) for key in keys]
        for tally in tallies:
            tally.under_way += 1
        try:
            wait = max(self._wait(tally) for tally in tallies)
            if wait:
                await self._sleep(wait)
            yield
        except Unauthenticated:
            self._count(keys)
            raise
        finally:
            for tally in tallies:
                tally.under_way -= 1
            self._forget(keys)
            self._ended.set()
            self._ended = asyncio.Event()

    def wrong(self, *keys: str) -> None:
        """Counts a wrong attempt that nobody had to wait for; raises RateLimited when there are too many."""
        self._has_room(keys)
        self._count(keys)

    def _has_room(self, keys: tuple[str, ...]) -> bool:
        """Whether one more attempt may begin; raises RateLimited when too many were wrong already."""
        now = self._clock()
        free = True
        for key in keys:
            tally = self._tallies.get(key)
            if tally is None:
                continue
            while tally.wrong and now - tally.wrong[0] >= self._window:
                tally.wrong.popleft()
            if len(tally.wrong) >= self._limit:
                wait = tally.wrong[0] + self._window - now
                raise RateLimited("Too many wrong attempts; wait a while.", retry_after=wait)
            free &= len(tally.wrong) + tally.under_way < self._limit
        return free

    def _tally(self, key: str) -> _Tally:
        """The tally of that key, in memory from now on as the last to be forgotten."""
        tally = self._tallies.pop(key, None) or _Tally(self._limit)
        self._tallies[key] = tally
        if len(self._tallies) > self._kept:
            del self._tallies[next(iter(self._tallies))]
        return tally

    def _count(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            self._tally(key).wrong.append(self._clock())

    def _forget(self, keys: tuple[str, ...]) -> None:
        """Keeps nothing of keys with which all is well."""
        for key in keys:
            tally = self._tallies.get(key)
            if tally is not None and not tally.wrong and not tally.under_way:
                del self._tallies[key]

    def _wait(self, tally: _Tally) -> float:
        return min(self._delay * 2 ** (len(tally.wrong) - FREE), LONGEST_DELAY) if len(tally.wrong) >= FREE else 0.0
