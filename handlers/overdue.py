"""Clients that keep a connection without using it: those who send a request, or take its answer, drop by drop.

Each holds one of the files that the process may open, so many of them would leave none for others ("slow loris").
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple

from tornado.http1connection import HTTP1Connection

log = logging.getLogger("parley.overdue")

# How late after its time a connection may be cut: looked for so many times within the shortest of the times allowed.
LOOKS = 4

Under = tuple[HTTP1Connection, bool]
"""What is under way on a connection of HTTP, and whether another request was answered there before."""


class Patience(NamedTuple):
    """How long (seconds) a client may take for what the server waits for."""

    header: float
    body: float
    idle: float
    answer: float


class Phase(Enum):
    """What is waited for, where the server waits for the client."""

    HEADER = auto()
    BODY = auto()
    IDLE = auto()
    ANSWER = auto()


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
        self._since: dict[HTTP1Connection, tuple[Phase, float]] = {}

    async def run(self) -> None:
        """Looks again and again; costs a millisecond for 20,000 connections."""
        pause = min(self._allowed.values()) / LOOKS
        while True:
            await asyncio.sleep(pause)
            cut = self.look(time.monotonic())
            if cut:
                log.info("%d slow connections were cut", cut)

    def look(self, now: float) -> int:
        """Cuts what is overdue at `now` (seconds of the monotonic clock); returns how many."""
        before, self._since = self._since, {}
        cut = 0
        for request, again in list(self._requests.values()):
            phase = _phase(request, again)
            if phase is None:
                continue
            known, since = before.get(request, (phase, now))
            if known is not phase:
                since = now
            if now - since > self._allowed[phase]:
                request.stream.close()
                cut += 1
            else:
                self._since[request] = phase, since
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
