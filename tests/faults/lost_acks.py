"""A lost acknowledgement: a proxy cuts the connection after the commit, and ten copies ask over two transports."""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from contextlib import suppress

from websockets.asyncio.client import connect

from tests.faults.checker import check, count_checked
from tests.faults.client import TROUBLE
from tests.faults.journal import Journal
from tests.faults.load import FULL, read_history
from tests.faults.outgoing import Outgoing
from tests.faults.plain_http import Address, ask, sign_in
from tests.faults.processes import Server
from tests.faults.proxy import Proxy
from tests.faults.report import Outcome
from tests.faults.stage import Options, folder
from tests.faults.writing import Writing

ROOM = "lost"
NAME = "sender"
COPIES = 10


class _Sender:
    """Sends one message or change with one key, over either transport, through whatever address."""

    def __init__(self, journal: Journal, headers: Mapping[str, str], sent: Outgoing) -> None:
        self.seq = 0
        """Where it is stored, by the acknowledgement."""
        self._journal = journal
        self._headers = dict(headers)
        self._sent = sent

    async def by_frame(self, address: Address) -> None:
        async with connect(
            f"ws://{address.host}:{address.port}/ws",
            additional_headers=self._headers,
            compression=None,
            proxy=None,
            close_timeout=0.2,
        ) as socket:
            self._log_send("socket")
            await socket.send(json.dumps({"room": ROOM, **self._sent.command}))
            async for frame in socket:
                said = json.loads(frame)
                if said["type"] in ("ack", "error"):
                    self._answered(said["type"] == "ack", said, "socket")
                    return

    async def by_post(self, address: Address) -> None:
        self._log_send("post")
        answer = await ask(address, "POST", *self._sent.request(ROOM), self._headers)
        said = answer.json()
        self._answered(answer.status in (200, 201), said | {"code": answer.error}, "post")

    def _log_send(self, transport: str) -> None:
        self._journal.log(NAME, "send", ROOM, text=self._sent.line, note=transport)

    def _answered(self, acked: bool, said: dict[str, object], transport: str) -> None:
        if acked:
            self.seq = int(str(said["seq"]))
            self._journal.log(NAME, "ack", ROOM, self.seq, text=self._sent.line, note=transport)
        else:
            self._journal.log(NAME, "refusal", ROOM, text=self._sent.line, note=str(said["code"]))


def _is_answer(data: bytes) -> bool:
    """Whether the server says that the message is stored: only now the connection is cut."""
    return b'"type":"ack"' in data or data.startswith(b"HTTP/1.1 20")


async def lost_ack(options: Options) -> Outcome:
    """The answer is cut off after the commit; then ten copies at once, half as frames, half as requests."""
    journal = Journal()
    recoveries = []
    async with folder("lost-ack") as base, Server(base) as server, Proxy(server.address, _is_answer) as proxy:
        headers = await sign_in(server.address, NAME)
        rounds = 20 if options.short else 60
        writing = Writing(NAME, random.Random(options.seed), part=FULL.changes, glyph="", padding=0)
        for number in range(rounds):
            sent = writing.next()
            sender = _Sender(journal, headers, sent)
            first = sender.by_frame if number % 2 else sender.by_post
            if number % 3:  # every third time all copies are the first, and race
                with suppress(*TROUBLE):
                    await first(proxy.address)
            began = time.monotonic()
            copies = [sender.by_frame if index % 2 else sender.by_post for index in range(COPIES)]
            await asyncio.gather(*[copy(server.address) for copy in copies])
            recoveries.append(time.monotonic() - began)
            writing.saw(sender.seq, sent.line)
            writing.stored(sent, sender.seq)
        history = {ROOM: await read_history(server.address, ROOM, headers)}
        found = check(journal.events, history)
    return Outcome(
        "lost-ack",
        checked=count_checked(journal.events),
        violations=found,
        recoveries=recoveries,
        remarks=[f"{proxy.cuts} answers cut off", f"{rounds} changes, of which {len(history[ROOM])} are messages"],
    )
