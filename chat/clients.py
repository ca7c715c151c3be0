"""The connected clients of all transports: how many there are, what waits for them, and whether there is room for
more."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

from chat.addresses import address_key
from chat.callers import Caller
from chat.errors import ChatError, RateLimited, Unavailable
from chat.protocol import CloseCode
from chat.streaming import StreamingWaiter
from chat.waiter import Waiter

# What waits for all together is looked at so often (seconds): past its limit it grows for no longer than that, and a
# look costs nothing while every connection takes what it is given.
RELIEF_INTERVAL = 0.25
# One who finds the server full tries again after this time (seconds); clients spread it out themselves.
FULL_RETRY = 5.0


class Clients:
    """Takes in at most `limit` clients, `address_limit` of them from one address; at most `backlog_limit` bytes may
    wait for all together."""

    def __init__(self, *, limit: int, address_limit: int, backlog_limit: int) -> None:
        self._limit = limit
        self._address_limit = address_limit
        self._backlog_limit = backlog_limit
        self._waiters: dict[Waiter, None] = {}
        self._behind: set[Waiter] = set()
        self._came: Callable[[Waiter], object] | None = None
        self._went: Callable[[Waiter], object] | None = None
        self._at: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def count(self, transport: str) -> int:
        """How many clients a transport has."""
        return sum(waiter.transport == transport for waiter in self._waiters)

    def by_transport(self) -> Counter[str]:
        """How many clients each transport has."""
        return Counter(waiter.transport for waiter in self._waiters)

    def backlog(self) -> int:
        """Bytes that wait for all of them together."""
        return sum(waiter.backlog for waiter in self._behind)

    def admit(self, address: str) -> None:
        """Raises Unavailable if there is no room for one more, RateLimited if there is none for one more from there."""
        if len(self._waiters) >= self._limit:
            raise Unavailable("The server is full; try again in a moment.", retry_after=FULL_RETRY)
        if self._at.get(address_key(address), 0) >= self._address_limit:
            raise RateLimited("Too many connections from your address; close some.", retry_after=FULL_RETRY)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(self._waiters)

    def watch(self, came: Callable[[Waiter], object], went: Callable[[Waiter], object]) -> None:
        """`came` and `went` are called with each client that comes and goes."""
        self._came, self._went = came, went

    def add(self, waiter: Waiter) -> None:
        """A waiter that is not there yet."""
        self._waiters[waiter] = None
        waiter.watch_backlog(self._behind.add)
        if self._came is not None:
            self._came(waiter)
        place = address_key(waiter.caller.address)
        self._at[place] = self._at.get(place, 0) + 1

    def remove(self, waiter: Waiter) -> None:
        """Harmless when repeated."""
        if waiter not in self._waiters:
            return
        del self._waiters[waiter]
        self._behind.discard(waiter)
        if self._went is not None:
            self._went(waiter)
        place = address_key(waiter.caller.address)
        self._at[place] -= 1
        if not self._at[place]:
            del self._at[place]

    def end(self, which: Callable[[Caller], bool], error: ChatError, code: CloseCode = CloseCode.NOT_SIGNED_IN) -> None:
        """Puts out all clients of the callers that fit: sockets with the code, polls with the error as their answer."""
        for waiter in list(self._waiters):
            if which(waiter.caller):
                waiter.refuse(error, code)

    def recall(self, which: Callable[[Caller], bool]) -> None:
        """Lets all clients of the callers that fit come back: sockets close with 1012, polls are answered."""
        for waiter in list(self._waiters):
            if which(waiter.caller):
                waiter.dismiss()

    async def keep_relieved(self) -> None:
        """Runs for ever."""
        while True:
            await asyncio.sleep(RELIEF_INTERVAL)
            self.relieve()

    def relieve(self) -> None:
        """Closes the slowest while more than the limit waits for all together. None of them is given time to read why,
        nor goes on having it: what waits for them is to go."""
        self._behind.difference_update([waiter for waiter in self._behind if not waiter.is_behind])
        total = self.backlog()
        if total <= self._backlog_limit:
            return
        streaming = [waiter for waiter in self._behind if isinstance(waiter, StreamingWaiter)]
        for waiter in sorted(streaming, key=lambda waiter: -waiter.backlog):
            if total <= self._backlog_limit:
                return
            total -= waiter.backlog
            waiter.close(CloseCode.SLOW_CONSUMER, "Too slow, and the server has too much waiting.", grace=False)
