"""The load: a crowd of clients in a few rooms, and what they are to agree about at the end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.faults.changes import line_of, state_of
from tests.faults.checker import Message
from tests.faults.client import TROUBLE, Client, Transport
from tests.faults.journal import Journal
from tests.faults.plain_http import Address, HttpConnection, Refused, sign_in

STARTING = 100
START_TIMEOUT = 30.0


class Crowd(NamedTuple):
    """How many clients of each kind, in how many rooms.

    The first `writers` of them write (0: all), a message each `pace` seconds; each stays with a transport for `stay`
    seconds on average. A session is on another transport than the client's own with the probability `wander`.
    `changes` is the part of what is written that edits, deletes or reacts to what is there.
    """

    socket: int = 100
    poll: int = 30
    stream: int = 10
    rooms: int = 10
    pace: float = 1.2
    padding: int = 0
    stay: float = 8.0
    writers: int = 0
    wander: float = 0.25
    changes: float = 0.3


FULL = Crowd()
STEADY = Crowd(stay=1e6, wander=0, changes=0)
"""Clients that stay as they are, and write messages alone."""
SHORT = Crowd(socket=20, poll=6, stream=4, rooms=3, pace=0.5)


class Load:
    """Runs a crowd against a server, or several that share its rooms."""

    def __init__(
        self, crowd: Crowd, address: Address, journal: Journal, seed: int, elsewhere: Sequence[Address] = ()
    ) -> None:
        self.journal = journal
        self.address = address
        self.rooms = [f"room-{index}" for index in range(crowd.rooms)]
        rooms = cycle(self.rooms)
        kinds: list[tuple[Transport, int]] = [("socket", crowd.socket), ("poll", crowd.poll), ("stream", crowd.stream)]
        self.clients = [
            Client(
                f"{kind}-{index}",
                next(rooms),
                address,
                journal,
                home=kind,
                pace=crowd.pace,
                stay=crowd.stay,
                wander=crowd.wander,
                padding=crowd.padding,
                changes=crowd.changes,
                seed=seed,
                elsewhere=elsewhere,
            )
            for kind, count in kinds
            for index in range(count)
        ]
        for client in self.clients[crowd.writers :] if crowd.writers else []:
            client.writing = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Returns when every client has received a message. They come at most STARTING at a time."""
        began = self.journal.clock()
        for first in range(0, len(self.clients), STARTING):
            starting = self.clients[first : first + STARTING]
            self._tasks += [asyncio.create_task(client.run()) for client in starting]
            await self._until(partial(_have_begun, starting), START_TIMEOUT)
        await self.recovered(began)

    async def recovered(self, since: float, timeout: float = 60) -> None:
        """Returns when a message first sent after that moment has reached every client; raises TimeoutError."""
        names = [client.name for client in self.clients]
        stale = names

        def all_fresh() -> bool:
            nonlocal stale
            stale = self.journal.stale(stale, since)
            return not stale

        if not await self._until(all_fresh, timeout):
            raise TimeoutError(f"after {timeout:.0f} s {len(stale)} clients have heard nothing new, as {stale[:3]}")

    async def written(self, count: int, timeout: float = 120) -> None:
        """Returns when so many messages have been sent; raises TimeoutError."""
        if not await self._until(lambda: len(self.journal.first_sent) >= count, timeout):
            raise TimeoutError(f"{len(self.journal.first_sent)} messages sent in {timeout:.0f} s")

    async def settle(self, timeout: float = 60) -> list[str]:
        """Writes nothing new; returns when every message is answered and every client at the end of its room, or the
        clients that are not."""
        for client in self.clients:
            client.writing = False
        await self._until(lambda: not any(client.unanswered for client in self.clients), timeout)
        left = [f"{client.name} has {client.unanswered} unanswered" for client in self.clients if client.unanswered]
        headers = await _patiently_sign_in(self.address)
        ends = {room: await end_of(self.address, room, headers) for room in self.rooms}

        def behind() -> list[Client]:
            return [client for client in self.clients if (client.cursor or 0) < ends[client.room]]

        await self._until(lambda: not behind(), timeout)
        return left + [f"{client.name} is at {client.cursor} of {ends[client.room]}" for client in behind()]

    async def _until(self, true: Callable[[], bool], timeout: float) -> bool:
        end = time.monotonic() + timeout
        while not true():
            for task in self._tasks:
                if task.done():
                    task.result()
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.02)
        return True

    async def histories(self) -> dict[str, list[Message]]:
        """The history of each room, read page by page."""
        headers = await _patiently_sign_in(self.address)
        return {room: await read_history(self.address, room, headers) for room in self.rooms}

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _have_begun(clients: list[Client]) -> bool:
    return all(client.begun for client in clients)


async def _patiently_sign_in(address: Address) -> dict[str, str]:
    for attempt in range(20):
        with suppress(*TROUBLE):
            return await sign_in(address, f"reader-{attempt}-{time.monotonic_ns()}"[:32])
        await asyncio.sleep(0.25)
    return await sign_in(address, "reader")


async def read_history(address: Address, room: str, headers: dict[str, str]) -> list[Message]:
    """All messages of a room as they are by now, in order."""
    found: list[Message] = []
    before = ""
    async with HttpConnection(address, headers) as connection:
        while (page := await _page(connection, room, f"limit=200{before}"))["entries"]:
            found = [
                Message(each["seq"], line_of(each), each["at"], state_of(each)) for each in page["entries"]
            ] + found
            if not page["more"]:
                break
            before = f"&before={found[0].seq}"
    return found


async def end_of(address: Address, room: str, headers: dict[str, str]) -> int:
    """The number of the last entry of a room, 0 of one that nobody has made."""
    async with HttpConnection(address, headers) as connection:
        return int((await _page(connection, room, "limit=1"))["seq"])


async def _page(connection: HttpConnection, room: str, query: str) -> Any:
    """A page of the history; tries again while the server says `unavailable`."""
    for _ in range(20):
        answer = await connection.request("GET", f"/api/rooms/{quote(room)}/messages?{query}")
        if answer.status == 404:
            return {"entries": [], "more": False, "seq": 0}
        if answer.status == 200:
            return answer.json()
        await asyncio.sleep(0.5)
    raise Refused(answer)
