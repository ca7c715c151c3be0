"""Slow readers: 50 sockets that never read. The others do not notice; the slow ones are closed, and resume later."""

import asyncio
import json
import socket
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.faults.bounds import percentile
from tests.faults.checker import Violation, check, count_checked
from tests.faults.journal import Event, Journal
from tests.faults.load import STEADY, Load, read_history
from tests.faults.plain_http import Address, sign_in
from tests.faults.processes import Server
from tests.faults.report import Outcome
from tests.faults.stage import Options, folder

ROOM = "room-0"
SLOW_CONSUMER = 4008
# The kernel takes up to 4 MiB for a connection that does not read (tcp_wmem), and the server 1 MiB: with texts of some
# 12 KB, 80 a second, that is used up within six seconds.
PADDING = 3900
GLYPH = "𝕏"
# Kept in memory where there is a place for it: the others' times are compared, and what a busy disk adds to them has
# nothing to do with slow readers.
MEMORY = Path("/dev/shm")
READERS = STEADY._replace(socket=8, poll=2, stream=2, rooms=1, pace=0.15, padding=PADDING)
PHASE = 6.5
CALM_PHASE = 4.0


class SlowReader:
    """Subscribes, and then reads nothing until it is told to."""

    def __init__(self, name: str, address: Address, journal: Journal) -> None:
        self.name = name
        self.cursor = 0
        self.code: int | None = None
        self.refused: list[str] = []
        self.resumed_in = 0.0
        self._address = address
        self._journal = journal
        self._epoch = ""
        self._headers: dict[str, str] = {}
        self._socket: ClientConnection | None = None

    async def join(self) -> None:
        self._headers = await sign_in(self._address, self.name)
        self._socket = await self._connect()
        said = await self._subscribe(self._socket, {"history": 0})
        self.cursor = said["seq"]
        self._journal.log(self.name, "start", ROOM, self.cursor)

    async def read_to_the_end(self) -> None:
        """Reads what is there, the close at its end, and resumes from its cursor up to the end of the log."""
        assert self._socket is not None
        self._socket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        with suppress(ConnectionClosed):
            async with asyncio.timeout(30):
                while True:
                    self._hear(json.loads(await self._socket.recv()))
        self.code = self._socket.close_code
        resumed = await self._connect()
        try:
            began = time.monotonic()
            self._hear(await self._subscribe(resumed, {"after": self.cursor, "epoch": self._epoch}))
            self.resumed_in = time.monotonic() - began
        finally:
            resumed.transport.abort()
        self._journal.log(self.name, "left", ROOM)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()

    async def _connect(self) -> ClientConnection:
        """With small buffers of its own, so that not reading is soon felt."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, self._address)
        return await connect(
            f"ws://{self._address.host}:{self._address.port}/ws",
            sock=raw,
            additional_headers=self._headers,
            compression=None,
            proxy=None,
            ping_interval=None,
            max_queue=1,
            max_size=None,
        )

    async def _subscribe(self, connection: ClientConnection, cursor: dict[str, Any]) -> dict[str, Any]:
        """The answer; asks again when the server has no time, as all may ask for much at once."""
        while True:
            await connection.send(json.dumps({"type": "subscribe", "room": ROOM, **cursor}))
            said = await self._answer(connection)
            if said["type"] == "subscribed":
                self._epoch = said["epoch"]
                return said
            self.refused.append(said["code"])
            await asyncio.sleep(said["retry_after"])  # what has none is never answered otherwise

    async def _answer(self, connection: ClientConnection) -> dict[str, Any]:
        while True:
            said: dict[str, Any] = json.loads(await connection.recv())
            if said["type"] in ("subscribed", "error"):
                return said

    def _hear(self, said: dict[str, Any]) -> None:
        if said["type"] == "subscribed":
            if said["gap"]:
                self._journal.log(self.name, "gap", ROOM, said["gap"][1], note=str(said["gap"][0]))
            for entry in said["entries"]:
                self._hear(entry)
            self._journal.log(self.name, "told", ROOM, said["seq"])
        elif said["type"] == "message":
            self.cursor = said["seq"]
            self._journal.log(self.name, "receipt", ROOM, said["seq"], text=said["text"])


async def slow_readers(options: Options) -> Outcome:
    """Phases with and without them, in turns: the others' p99 within 20%, and all slow ones closed with 4008."""
    journal = Journal()
    crowds: list[list[SlowReader]] = []
    calm, slow = [], []
    async with folder("slow-readers", MEMORY) as base, Server(base) as server:
        load = Load(READERS, server.address, journal, options.seed)
        for client in load.clients:
            client.write_in(GLYPH)
        try:
            await load.start()
            calm.append(await _phase(journal, 2 if options.short else CALM_PHASE))
            for turn in range(1 if options.short else 3):
                crowd = [
                    SlowReader(f"slow-{turn}-{index}", server.address, journal)
                    for index in range(5 if options.short else 50)
                ]
                crowds.append(crowd)
                await asyncio.gather(*[each.join() for each in crowd])
                slow.append(await _phase(journal, PHASE))
                await asyncio.gather(*[each.read_to_the_end() for each in crowd])
                calm.append(await _phase(journal, 2 if options.short else CALM_PHASE))
            await load.settle(30)
            headers = await sign_in(server.address, "reader")
            history = {ROOM: await read_history(server.address, ROOM, headers)}
            errors = server.errors()
        finally:
            await load.stop()
            everyone = list(chain.from_iterable(crowds))
            for each in everyone:
                each.close()
    found = check(journal.events, history) + _compare(calm, slow, options.short)
    found += [Violation(0, f"the server's log: {line}") for line in errors[:5]]
    unclosed = [each.code for each in everyone if each.code != SLOW_CONSUMER]
    if unclosed:
        found.append(Violation(0, f"{len(unclosed)} of {len(everyone)} slow readers were closed with {set(unclosed)}"))
    refused = list(chain.from_iterable(each.refused for each in everyone))
    return Outcome(
        "slow-readers",
        checked=count_checked(journal.events),
        violations=found,
        remarks=[
            f"{len(everyone) - len(unclosed)} closed with {SLOW_CONSUMER} and resumed, "
            f"the slowest in {max(each.resumed_in for each in everyone):.1f} s",
            *([f"{len(refused)} times asked to come again ({', '.join(sorted(set(refused)))})"] if refused else []),
            f"the others' p99 {_shown(slow)} ms, without slow ones {_shown(calm)} ms",
        ],
    )


def _compare(calm: list[float], slow: list[float], short: bool) -> list[Violation]:
    """The median p99 may be 20% above that of the calm phases, and as much again as these differ among themselves.

    So much is the machine's own noise. A short run has too few phases for that and is allowed three times the worst.
    """
    allowed = 3 * max(calm) + 0.05 if short else 1.2 * percentile(calm, 50) + max(calm) - min(calm)
    if percentile(slow, 50) > allowed:
        return [Violation(5, f"the others' p99 was {_shown(slow)} ms, without slow readers {_shown(calm)} ms")]
    return []


def _shown(times: list[float]) -> str:
    return ", ".join(f"{time * 1000:.0f}" for time in times)


async def _phase(journal: Journal, seconds: float) -> float:
    """The 99th percentile of the delivery times of one phase, seconds."""
    await asyncio.sleep(0.5)
    begin = len(journal.events)
    await asyncio.sleep(seconds)
    return percentile(delivery_times(journal.events[begin:]), 99)


def delivery_times(events: list[Event]) -> list[float]:
    """Seconds from each message's first attempt to each receipt of it."""
    sent: dict[str, float] = {}
    found = []
    for event in events:
        if event.kind == "send":
            sent.setdefault(event.text, event.at)
        elif event.kind == "receipt" and event.text in sent:
            found.append(event.at - sent[event.text])
    return found
