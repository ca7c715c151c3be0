"""Clients that keep a connection without using it: those who send a request, or take its answer, drop by drop.

Each holds one of the files that the process may open, so many of them would leave none for others ("slow loris").
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from enum import IntEnum, auto
from typing import NamedTuple

from tornado.http1connection import HTTP1Connection

log = logging.getLogger("parley.overdue")

# How late after its time a connection may be cut: looked for so many times within the shortest of the times allowed.
LOOKS = 4
# Looked at in one turn of the loop: a millisecond of its time.
AT_ONCE = 1_000

Under = tuple[HTTP1Connection, bool]
"""What is under way on a connection of HTTP, and whether another request was answered there before."""


class Patience(NamedTuple):
    """How long (seconds) a client may take for what the server waits for."""

    header: float
    body: float
    idle: float
    answer: float


class Phase(IntEnum):
    """What is waited for, where the server waits for the client."""

    HEADER = auto()
    BODY = auto()
    IDLE = auto()
    ANSWER = auto()


Waited = tuple[Phase, float]
"""What a client is waited for, and since when."""


class Overdue:
    """Cuts connections on which the server has waited too long for the client, however busily that one sends.

    Sockets, event streams and polls that wait are not among them: there the client waits for the server.
    """

    def __init__(self, requests: Mapping[object, Under], patience: Patience) -> None:
        self._requests = requests
        self._allowed = {
            Phase.HEADER: patience.header,
            Phase.BODY: patience.body,
            Phase.IDLE: patience.idle,
            Phase.ANSWER: patience.answer,
        }
        self._since: dict[HTTP1Connection, Waited] = {}

    async def run(self) -> None:
        """Looks again and again, at some of the connections in each turn of the loop."""
        pause = min(self._allowed.values()) / LOOKS
        while True:
            await asyncio.sleep(pause)
            cut = 0
            before, self._since = self._since, {}
            requests = list(self._requests.values())
            for first in range(0, len(requests), AT_ONCE):
                cut += self._look_at(requests[first : first + AT_ONCE], before, time.monotonic())
                await asyncio.sleep(0)
            if cut:
                log.info("%d slow connections were cut", cut)

    def look(self, now: float) -> int:
        """Cuts what is overdue at `now` (seconds of the monotonic clock); returns how many."""
        before, self._since = self._since, {}
        return self._look_at(list(self._requests.values()), before, now)

    def _look_at(self, requests: Sequence[Under], before: Mapping[HTTP1Connection, Waited], now: float) -> int:
        allowed, since, cut = self._allowed, self._since, 0
        for request, again in requests:
            phase = _phase(request, again)
            if phase is None:
                continue
            known = before.get(request)
            if known is None or known[0] is not phase:
                known = phase, now
            if now - known[1] > allowed[phase]:
                request.stream.close()
                cut += 1
            else:
                since[request] = known
        return cut


def _phase(request: HTTP1Connection, again: bool) -> Phase | None:
    """By the state of Tornado's connection, which has no public name for it."""
    if request.stream is None:
        return None  # a socket now
    if request._read_finished:
        return Phase.ANSWER if request._write_finished else None
    if request._request_start_line is not None:
        return Phase.BODY
    return Phase.IDLE if again and not request.stream._read_buffer_size else Phase.HEADER
