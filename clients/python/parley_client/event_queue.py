"""What a room's reader has not taken yet, within a bound."""

import asyncio
from collections import deque

from parley_client.errors import ParleyError
from parley_client.events import Entry, Event, Gap, Reset


class EventQueue:
    """Events in order, at most `limit` of them. It has one reader.

    A reader that falls behind is not waited for, as the acknowledgements of what it says come over the same connection.
    Past the limit what passes is dropped; the entries become a gap, as if the server had not been able to give them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: deque[Event] = deque()
        self._end: ParleyError | None = None
        self._is_over = False
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: Event) -> None:
        if self._is_over:
            return
        if len(self._events) >= self._limit:
            if not isinstance(event, Entry | Gap | Reset):
                return
            self._collapse()
        self._events.append(event)
        self._changed.set()

    def end(self, error: ParleyError | None) -> None:
        """Nothing more comes: once all is taken, `get` raises the error, if there is one."""
        if not self._is_over:
            self._is_over, self._end = True, error
            self._changed.set()

    async def get(self) -> Event | None:
        """The next event; None where no more comes."""
        while not self._events:
            if self._end is not None:
                raise self._end
            if self._is_over:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()

    def _collapse(self) -> None:
        reset: Reset | None = None
        gap: Gap | None = None
        for event in self._events:
            if isinstance(event, Reset):
                reset, gap = event, None
            elif isinstance(event, Gap):
                gap = Gap(event.room, gap.first if gap else event.first, event.last)
            elif isinstance(event, Entry):
                gap = Gap(event.room, gap.first if gap else event.seq, event.seq)
        self._events = deque(event for event in (reset, gap) if event is not None)
