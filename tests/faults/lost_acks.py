"""A lost acknowledgement: a proxy cuts the connection after the commit, and ten copies ask over two transports."""

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress

from websockets.asyncio.client import connect

from tests.faults.checker import check, count_checked
from tests.faults.client import TROUBLE
from tests.faults.journal import Journal
from tests.faults.load import read_history
from tests.faults.plain_http import Address, ask, sign_in
from tests.faults.processes import Server
from tests.faults.proxy import Proxy
from tests.faults.report import Outcome
from tests.faults.stage import Options, folder

ROOM = "lost"
COPIES = 10


class _Sender:
    """Sends one message with one key, over either transport, through whatever address."""

    def __init__(self, journal: Journal, headers: Mapping[str, str], text: str) -> None:
        self._journal = journal
        self._headers = dict(headers)
        self._text = text
        self._key = str(uuid.uuid4())

    async def by_frame(self, address: Address) -> None:
        async with connect(
            f"ws://{address.host}:{address.port}/ws",
            additional_headers=self._headers,
            compression=None,
            proxy=None,
            close_timeout=0.2,
        ) as socket:
            self._sent("socket")
            command = {"type": "send", "room": ROOM, "key": self._key, "text": self._text}
            await socket.send(json.dumps(command))
            async for frame in socket:
                said = json.loads(frame)
                if said["type"] in ("ack", "error"):
                    self._answered(said["type"] == "ack", said, "socket")
                    return

    async def by_post(self, address: Address) -> None:
        self._sent("post")
        body = {"key": self._key, "text": self._text}
        answer = await ask(address, "POST", f"/api/rooms/{ROOM}/messages", body, self._headers)
        said = answer.json()
        self._answered(answer.status in (200, 201), said | {"code": answer.error}, "post")

    def _sent(self, transport: str) -> None:
        self._journal.log("sender", "send", ROOM, text=self._text, note=transport)

    def _answered(self, acked: bool, said: dict[str, object], transport: str) -> None:
        if acked:
            self._journal.log("sender", "ack", ROOM, int(str(said["seq"])), text=self._text, note=transport)
        else:
            self._journal.log("sender", "refusal", ROOM, text=self._text, note=str(said["code"]))


def _is_answer(data: bytes) -> bool:
    """Whether the server says that the message is stored: only now the connection is cut."""
    return b'"type":"ack"' in data or data.startswith(b"HTTP/1.1 20")


async def lost_ack(options: Options) -> Outcome:
    """The answer is cut off after the commit; then ten copies at once, half as frames, half as requests."""
    journal = Journal()
    recoveries = []
    async with folder("lost-ack") as base, Server(base) as server, Proxy(server.address, _is_answer) as proxy:
        headers = await sign_in(server.address, "sender")
        rounds = 10 if options.short else 60
        for number in range(rounds):
            sender = _Sender(journal, headers, f"message {number} of {options.seed}")
            first = sender.by_frame if number % 2 else sender.by_post
            if number % 3:  # every third time all copies are the first, and race
                with suppress(*TROUBLE):
                    await first(proxy.address)
            began = time.monotonic()
            copies = [sender.by_frame if index % 2 else sender.by_post for index in range(COPIES)]
            await asyncio.gather(*[copy(server.address) for copy in copies])
            recoveries.append(time.monotonic() - began)
        history = {ROOM: await read_history(server.address, ROOM, headers)}
        found = check(journal.events, history)
    return Outcome(
        "lost-ack",
        checked=count_checked(journal.events),
        violations=found,
        recoveries=recoveries,
        remarks=[f"{proxy.cuts} answers cut off", f"{len(history[ROOM])} entries for {rounds} messages"],
    )
