"""One client under load: one person, one room, one cursor, and a transport that changes now and then."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.faults.changes import line_of
from tests.faults.journal import Journal
from tests.faults.outgoing import Lost, Outgoing
from tests.faults.plain_http import Address, HttpConnection, Refused, ask, sign_in
from tests.faults.writing import Writing

Transport = Literal["socket", "poll", "stream"]
TRANSPORTS: tuple[Transport, ...] = ("socket", "poll", "stream")

# Seconds without any answer to a message after which it is sent again, over whatever transport is there by then.
ANSWER_TIMEOUT = 6.0
# Messages of one client without an answer; it writes no more until some have one.
OUTBOX_LIMIT = 4
# Seconds between two tries to connect, at random within: a crowd that comes back all at once is a fault of its own.
RETRY = (0.05, 0.4)
POLL_WAIT = 10

TROUBLE = (OSError, TimeoutError, WebSocketException, Refused, ValueError)


class Client:
    """Reads its room from where it was, over any transport, and sends each message until it is answered.

    `pace` are the seconds between its messages, `stay` those it stays with a transport, both on average; a session in
    four, with `wander` of 0.25, is on any transport, not the client's own. `padding` times a glyph is appended to each
    text; `changes` is the part of what it writes that is an edit, a deletion or a reaction. Where there are servers
    `elsewhere` as well, each session is with any of them.
    """

    def __init__(
        self,
        name: str,
        room: str,
        address: Address,
        journal: Journal,
        *,
        home: Transport,
        pace: float,
        stay: float = 8.0,
        wander: float = 0.25,
        padding: int = 0,
        changes: float = 0,
        seed: int,
        elsewhere: Sequence[Address] = (),
    ) -> None:
        self.name = name
        self.room = room
        self.address = address
        self.cursor: int | None = None
        self.writing = True
        self._journal = journal
        self._home = home
        self._pace = pace
        self._stay = stay
        self._wander = wander
        self._random = random.Random(f"{seed}/{name}")
        self._texts = Writing(name, self._random, part=changes, glyph="x", padding=padding)
        self._places = [address, *elsewhere]
        self._epoch = ""
        self._headers: dict[str, str] = {}
        self._outbox: dict[str, Outgoing] = {}
        self._written: dict[str, Outgoing] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self._socket: ClientConnection | None = None
        self._open = asyncio.Event()
        self._way: Callable[[Outgoing], Awaitable[None]] = self._by_post
        self._transport: Transport = home

    def write_in(self, glyph: str) -> None:
        """Its texts are padded with that from now on."""
        self._texts.glyph = glyph

    @property
    def unanswered(self) -> int:
        return len(self._outbox)

    @property
    def begun(self) -> bool:
        """Whether it has been in its room."""
        return self.cursor is not None

    def cut(self) -> None:
        """Its socket is gone without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def run(self) -> None:
        """Runs until cancelled."""
        writer = asyncio.create_task(self._write())
        try:
            while True:
                if writer.done():
                    writer.result()
                if not self._headers:
                    with suppress(*TROUBLE):
                        self._headers = await sign_in(self.address, self.name)
                if not self._headers or not await self._one_session():
                    await asyncio.sleep(self._random.uniform(*RETRY))
        finally:
            for task in (writer, *self._deliveries):
                task.cancel()

    # Sessions

    async def _one_session(self) -> bool:
        """Stays with a transport for a while; False if it broke or could not be had."""
        away = self._random.random() < self._wander
        if len(self._places) > 1:
            self.address = self._random.choice(self._places)
        self._transport = self._random.choice(TRANSPORTS) if away else self._home
        session = {"socket": self._by_socket, "poll": self._by_polls, "stream": self._by_stream}[self._transport]
        ended = ""
        try:
            async with asyncio.timeout(self._random.expovariate(1 / self._stay) + 0.5) as stay:
                await session()
                ended = "ended"
        except TROUBLE as error:
            ended = "moved on" if stay.expired() else f"{type(error).__name__}: {error}"
        finally:
            self._open.clear()
            self._journal.log(self.name, "closed", self.room, note=ended)
        return ended == "moved on"

    def _ready(self, way: Callable[[Outgoing], Awaitable[None]]) -> None:
        self._way = way
        self._open.set()
        self._journal.log(self.name, "opened", self.room, note=self._transport)

    async def _by_socket(self) -> None:
        connecting = connect(
            f"ws://{self.address.host}:{self.address.port}/ws",
            additional_headers=self._headers,
            compression=None,
            proxy=None,
            ping_interval=None,
            open_timeout=15,
            close_timeout=1,
        )
        async with connecting as socket:
            self._socket = socket
            resume = {"history": 0} if self.cursor is None else {"after": self.cursor, "epoch": self._epoch}
            await socket.send(json.dumps({"type": "subscribe", "room": self.room, **resume}))
            try:
                async for frame in socket:
                    self._hear(json.loads(frame))
            finally:
                self._give_up_waiting()
        raise ConnectionError(f"closed with {socket.close_code}")

    def _hear(self, said: dict[str, Any]) -> None:
        match said["type"]:
            case "message" | "edit" | "delete" | "reaction":
                self._receive(said)
            case "subscribed":
                self._catch_up(said)
                self._ready(self._by_frame)
            case "ack" | "error" if said.get("key") in self._written:
                self._answered(self._written[said["key"]], said)
            case "error":
                self._journal.log(self.name, "refusal", self.room, note=said["code"])
                raise ConnectionError(f"refused with {said['code']}")

    async def _by_polls(self) -> None:
        async with HttpConnection(self.address, self._headers) as connection:
            self._ready(self._by_post)
            while True:
                after = -1 if self.cursor is None else self.cursor
                path = f"/api/poll?room={quote(self.room)}&after={after}&epoch={self._epoch}&wait={POLL_WAIT}"
                answer = await connection.request("GET", path)
                if answer.status != 200:
                    self._refused(answer.error)
                    raise Refused(answer)
                self._catch_up(answer.json()["rooms"][self.room])

    async def _by_stream(self) -> None:
        path = f"/api/stream?room={quote(self.room)}&history=0"
        if self.cursor is not None:
            path += f"&after={self.cursor}&epoch={self._epoch}"
        async with HttpConnection(self.address, self._headers) as connection:
            try:
                async for event in connection.events(path):
                    self._hear_event(event.id, event.data)
            except Refused as error:
                self._refused(error.answer.error)
                raise

    def _hear_event(self, cursor: str, said: dict[str, Any]) -> None:
        match said["type"]:
            case "message" | "edit" | "delete" | "reaction":
                self._receive(said)
                if cursor != str(said["seq"]):
                    raise AssertionError(f"event {cursor} carries entry {said['seq']}")
            case "subscribed":
                self._take_position(said)
                self._ready(self._by_post)
            case "error":
                self._refused(said["code"])
                raise ConnectionError(f"refused with {said['code']}")

    # What comes

    def _catch_up(self, said: dict[str, Any]) -> None:
        self._take_position(said)
        for entry in said["entries"]:
            self._receive(entry)
        self.cursor = said["seq"]
        self._journal.log(self.name, "told", self.room, said["seq"], note=self._transport)

    def _take_position(self, said: dict[str, Any]) -> None:
        """The epoch, and what the server says about holes."""
        self._epoch = said["epoch"]
        if self.cursor is None:
            self.cursor = said["seq"] - len(said["entries"])
            self._journal.log(self.name, "start", self.room, self.cursor)
        if said["reset"]:
            self._journal.log(self.name, "reset", self.room, note=said["epoch"])
        if said["gap"]:
            first, last = said["gap"]
            self._journal.log(self.name, "gap", self.room, last, note=str(first))

    def _receive(self, entry: dict[str, Any]) -> None:
        line = line_of(entry)
        self._journal.log(self.name, "receipt", self.room, entry["seq"], text=line, note=self._transport)
        self.cursor = entry["seq"]
        self._texts.saw(entry["seq"], line)

    # What goes

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self._pace))
            if self.writing and self._open.is_set() and len(self._outbox) < OUTBOX_LIMIT:
                self.compose()

    def compose(self) -> None:
        """Writes a message or a change, and begins to send it."""
        message = self._texts.next()
        self._outbox[message.key] = self._written[message.key] = message
        task = asyncio.create_task(self._deliver(message))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, message: Outgoing) -> None:
        """Sends it, with one key, until it is acknowledged."""
        while True:
            await self._open.wait()
            message.answer = asyncio.get_running_loop().create_future()
            self._journal.log(self.name, "send", self.room, text=message.line, note=self._transport)
            pause: float | None = self._random.uniform(*RETRY)
            with suppress(Lost, *TROUBLE):
                async with asyncio.timeout(ANSWER_TIMEOUT):
                    await self._way(message)
                    pause = await message.answer
            if pause is None:
                del self._outbox[message.key]
                return
            await asyncio.sleep(pause)

    async def _by_frame(self, message: Outgoing) -> None:
        assert self._socket is not None
        try:
            await self._socket.send(json.dumps({"room": self.room, **message.command}, ensure_ascii=False))
        except ConnectionClosed as error:
            raise Lost from error

    async def _by_post(self, message: Outgoing) -> None:
        answer = await ask(self.address, "POST", *message.request(self.room), self._headers)
        if answer.status in (200, 201):
            self._answered(message, {"type": "ack", **answer.json()})
        else:
            self._answered(message, {"type": "error", "code": answer.error})

    def _answered(self, message: Outgoing, said: dict[str, Any]) -> None:
        acked = said["type"] == "ack"
        if acked:
            self._journal.log(self.name, "ack", self.room, said["seq"], text=message.line, note=self._transport)
            if not message.acked:
                message.acked = True
                self._texts.stored(message, said["seq"])
        else:
            self._journal.log(self.name, "refusal", self.room, text=message.line, note=said["code"])
        if message.answer is not None and not message.answer.done():
            message.answer.set_result(None if acked else self._random.uniform(0.2, 1.0))

    def _refused(self, code: str) -> None:
        self._journal.log(self.name, "refusal", self.room, note=code)

    def _give_up_waiting(self) -> None:
        """The socket is gone; its answers will not come."""
        self._open.clear()
        for message in self._outbox.values():
            if message.answer is not None and not message.answer.done():
                message.answer.set_exception(Lost())
                message.answer.exception()
