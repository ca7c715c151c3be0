"""Small clients of the wire contract. They know nothing of the server's code, and keep all they are told."""

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.waiting import PATIENCE

Message = dict[str, Any]


class SocketClient:
    """A WebSocket client. `heard` is all it was ever told, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._unread: list[Message] = []
        self._ids = itertools.count(1)
        self.heard: list[Message] = []

    @classmethod
    async def connect(cls, url: str, *, token: str = "", headers: Mapping[str, str] | None = None) -> Self:
        """Raises websockets.InvalidStatus if the handshake is refused."""
        given = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        offered = given.pop("Sec-WebSocket-Protocol", "")
        connection = await connect(
            url,
            additional_headers=given,
            subprotocols=[Subprotocol(name.strip()) for name in offered.split(",")] if offered else None,
            compression=None,
            max_size=None,
            open_timeout=PATIENCE,
        )
        return cls(connection)

    async def say(self, **message: Any) -> None:
        await self._connection.send(json.dumps(message))

    async def say_raw(self, frame: str | bytes) -> None:
        await self._connection.send(frame)

    async def ask(self, **message: Any) -> Message:
        """The reply to a message, whatever comes before it."""
        number = next(self._ids)
        await self.say(**message, id=number)
        return await self.hear_where(lambda heard: heard.get("id") == number)

    async def hear(self, *types: str) -> Message:
        """The next message of one of these types, or of any, that no call has taken yet."""
        return await self.hear_where(lambda heard: not types or heard["type"] in types)

    async def hear_where(self, fits: Callable[[Message], bool]) -> Message:
        for message in self._unread:
            if fits(message):
                self._unread.remove(message)
                return message
        async with asyncio.timeout(PATIENCE):
            while True:
                message = json.loads(await self._connection.recv())
                self.heard.append(message)
                if fits(message):
                    return message
                self._unread.append(message)

    async def settled(self) -> list[Message]:
        """What it has been told and no call has taken, once the server has nothing more on the way."""
        await self.ask(type="ping")
        unread, self._unread = self._unread, []
        return unread

    def told(self, *types: str) -> list[Message]:
        """All of these types that it was ever told."""
        return [message for message in self.heard if message["type"] in types]

    async def closed(self) -> int | None:
        """The code with which the server closes, whatever comes before it; None if it just goes."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    self.heard.append(json.loads(await self._connection.recv()))
            except ConnectionClosed as closing:
                return closing.rcvd.code if closing.rcvd else None

    async def close(self) -> None:
        await self._connection.close()

    def cut(self) -> None:
        """Goes away without a word."""
        self._connection.transport.abort()


class StreamClient:
    """A client of server-sent events that reads the chunks of HTTP itself, and is strict about them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._text = b""
        self._unread: list[tuple[str | None, Message]] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: Any = None
        self.last_id = ""
        self.heard: list[Message] = []

    @classmethod
    async def connect(
        cls, port: int, path: str, *, token: str = "", headers: Mapping[str, str] | None = None, limit: int = 2**16
    ) -> Self:
        """`limit`: bytes that it reads ahead of what it is asked for."""
        client = cls(*await asyncio.open_connection("127.0.0.1", port, limit=limit))
        given = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in given.items())]
        client._writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(PATIENCE):
            head = await client._reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode().strip().split("\r\n")
        client.status = int(first.split()[1])
        client.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        if "content-length" in client.headers:
            client.body = json.loads(await client._reader.readexactly(int(client.headers["content-length"])))
        return client

    async def hear(self, *types: str) -> Message:
        """The next event of one of these types, or of any, that no call has taken yet."""
        return (await self.hear_with_id(*types))[1]

    async def hear_with_id(self, *types: str) -> tuple[str | None, Message]:
        for event in self._unread:
            if not types or event[1]["type"] in types:
                self._unread.remove(event)
                return event
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self._event()
                if not types or event[1]["type"] in types:
                    return event
                self._unread.append(event)

    async def _event(self) -> tuple[str | None, Message]:
        while True:
            block = await self._block()
            fields = dict(line.partition(": ")[::2] for line in block.decode().split("\n"))
            if "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                self.heard.append(json.loads(fields["data"]))
                return fields.get("id"), self.heard[-1]

    async def _block(self) -> bytes:
        """The lines up to an empty one; raises EOFError at the end of the answer."""
        while b"\n\n" not in self._text:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            chunk = await self._reader.readexactly(size + 2)
            assert chunk.endswith(b"\r\n")
            if size == 0:
                raise EOFError
            self._text += chunk[:-2]
        block, _, self._text = self._text.partition(b"\n\n")
        return block

    async def comment(self) -> None:
        """Waits for a comment, which keeps a quiet connection open."""
        async with asyncio.timeout(PATIENCE):
            while not (await self._block()).startswith(b":"):
                pass

    async def ended(self) -> None:
        """Waits for the end of the answer, whatever comes before it."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self._event()
            except (EOFError, asyncio.IncompleteReadError):
                return

    def cut(self) -> None:
        """Goes away."""
        self._writer.transport.abort()
