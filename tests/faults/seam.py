"""Joining while others publish: 10,000 joins, each with the entries it was given and those that came live after."""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.faults.changes import line_of
from tests.faults.checker import check, count_checked
from tests.faults.journal import Journal
from tests.faults.load import FULL, STEADY, Load, read_history
from tests.faults.plain_http import Address, HttpConnection, sign_in
from tests.faults.processes import Server
from tests.faults.report import Outcome
from tests.faults.stage import Options, folder

ROOM = "room-0"
JOINERS = 20
WRITERS = STEADY._replace(socket=20, poll=0, stream=0, rooms=1, pace=0.1, changes=FULL.changes)
# How far back a join begins: mostly within memory, now and then beyond it, where the log is read.
NEAR = 20
FAR = 400
# Live entries that a join waits for, so that the seam has two sides.
LIVE = 2


class Joiner:
    """Joins and leaves one room again and again; each join is a client of its own in the journal."""

    def __init__(self, name: str, address: Address, journal: Journal, seed: int) -> None:
        self.joins = 0
        self.longest = 0.0
        self._name = name
        self._address = address
        self._journal = journal
        self._random = random.Random(f"{seed}/{name}")
        self._end = 0

    async def run(self, joins: int) -> None:
        """Does as many joins, one in ten by poll, the rest by socket."""
        headers = await sign_in(self._address, self._name)
        uri = f"ws://{self._address.host}:{self._address.port}/ws"
        async with (
            connect(uri, additional_headers=headers, compression=None, proxy=None) as socket,
            HttpConnection(self._address, headers) as polling,
        ):
            for number in range(joins):
                name = f"{self._name}/{number}"
                after = max(0, self._end - self._random.randrange(FAR if self._random.random() < 0.05 else NEAR))
                self._journal.log(name, "start", ROOM, after)
                async with asyncio.timeout(20):
                    if number % 10 == 9:
                        await self._by_polls(polling, name, after)
                    else:
                        await self._by_socket(socket, name, after)
                self._journal.log(name, "left", ROOM)
                self.joins += 1

    async def _by_socket(self, socket: ClientConnection, name: str, after: int) -> None:
        began = time.monotonic()
        await socket.send(json.dumps({"type": "subscribe", "room": ROOM, "after": after}))
        live = 0
        leaving = False
        while True:
            said: dict[str, Any] = json.loads(await socket.recv())
            match said["type"]:
                case "subscribed":
                    self.longest = max(self.longest, time.monotonic() - began)
                    self._take(name, said)
                case "message" | "edit" | "delete" | "reaction":
                    self._receive(name, said)
                    live += 1
                case "unsubscribed":
                    return
                case "error":
                    raise AssertionError(f"{name}: {said}")
            if live >= LIVE and not leaving:
                leaving = True
                await socket.send(json.dumps({"type": "unsubscribe", "room": ROOM}))

    async def _by_polls(self, polling: HttpConnection, name: str, after: int) -> None:
        """Two polls: what was there, and what came."""
        for _ in range(2):
            answer = await polling.request("GET", f"/api/poll?room={ROOM}&after={after}&wait=10")
            said = answer.json()["rooms"][ROOM]
            self._take(name, said)
            after = said["seq"]

    def _take(self, name: str, said: Mapping[str, Any]) -> None:
        if said["gap"]:
            self._journal.log(name, "gap", ROOM, said["gap"][1], note=str(said["gap"][0]))
        for entry in said["entries"]:
            self._receive(name, entry)
        self._journal.log(name, "told", ROOM, said["seq"])
        self._end = said["seq"]

    def _receive(self, name: str, entry: Mapping[str, Any]) -> None:
        self._journal.log(name, "receipt", ROOM, entry["seq"], text=line_of(entry))
        self._end = entry["seq"]


async def seam(options: Options) -> Outcome:
    """10,000 joins of a room in which some 200 messages a second are written."""
    wanted = 500 if options.short else 10_000
    journal = Journal()
    async with folder("seam") as base, Server(base) as server:
        load = Load(WRITERS, server.address, journal, options.seed)
        joiners = [Joiner(f"joiner-{index}", server.address, journal, options.seed) for index in range(JOINERS)]
        try:
            await load.start()
            began = time.monotonic()
            await asyncio.gather(*[joiner.run(wanted // JOINERS) for joiner in joiners])
            took = time.monotonic() - began
            await load.settle(30)
            headers = await sign_in(server.address, "reader")
            history = {ROOM: await read_history(server.address, ROOM, headers)}
        finally:
            await load.stop()
        found = check(journal.events, history)
    joins = sum(joiner.joins for joiner in joiners)
    return Outcome(
        "seam",
        checked=count_checked(journal.events),
        violations=found,
        remarks=[
            f"{joins:,} joins in {took:.0f} s among {len(history[ROOM]):,} messages",
            f"slowest join {max(joiner.longest for joiner in joiners):.2f} s",
        ],
    )
