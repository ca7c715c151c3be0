"""Timers for what need not be punctual and is nearly always cancelled: waits of polls, lingering, held names."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

log = logging.getLogger("parley.alarms")

# How late an alarm may be (seconds): nobody notices, and all that fall into it share one timer of the loop.
GRAIN = 0.05


class Alarm:
    """What `Alarms.call_later` gives: it can be cancelled, also after it has gone off."""

    __slots__ = ("_bucket",)

    def __init__(self, bucket: "dict[Alarm, Callable[[], object]]") -> None:
        self._bucket = bucket

    def cancel(self) -> None:
        self._bucket.pop(self, None)


class Alarms:
    """Calls back after a delay, like the loop's own `call_later`, for a third of its cost.

    A poll sets three of them and cancels them all, so their cost is a good part of a poll's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buckets: dict[int, dict[Alarm, Callable[[], object]]] = {}

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> Alarm:
        """Calls `callback(*args)` after `delay` seconds and up to GRAIN more."""
        due = int((self._loop.time() + delay) / GRAIN) + 1
        bucket = self._buckets.get(due)
        if bucket is None:
            bucket = self._buckets[due] = {}
            self._loop.call_at(due * GRAIN, self._go_off, due)
        alarm = Alarm(bucket)
        bucket[alarm] = partial(callback, *args) if args else callback
        return alarm

    def _go_off(self, due: int) -> None:
        bucket = self._buckets.pop(due)
        while bucket:  # not in a loop over it: an alarm may cancel another
            alarm = next(iter(bucket))
            call = bucket.pop(alarm)
            try:
                call()
            except Exception:
                log.exception("an alarm failed")
