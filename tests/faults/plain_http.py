"""HTTP/1.1 and server-sent events over asyncio streams: small enough to know exactly what goes over the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

LINE_LIMIT = 4 * 1024 * 1024


class Address(NamedTuple):
    host: str
    port: int


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The error's code, or the status where the body is no error of the contract."""
        try:
            return str(self.json()["error"]["code"])
        except (ValueError, KeyError, TypeError):
            return str(self.status)


class Event(NamedTuple):
    """An event of a stream."""

    id: str
    data: Any


class HttpConnection:
    """One connection, used for one request after another. Raises OSError when it breaks."""

    def __init__(self, address: Address, headers: Mapping[str, str] | None = None) -> None:
        self._address = address
        self._headers = dict(headers or {})

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(*self._address, limit=LINE_LIMIT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._writer.transport.abort()

    async def request(self, method: str, path: str, body: Any = None) -> Answer:
        """Sends a request, its body as JSON, and reads the whole answer."""
        self._write(method, path, body)
        status, headers = await self._head()
        if headers.get("transfer-encoding") == "chunked":
            content = b"".join([part async for part in self._chunks()])
        else:
            content = await self._exactly(int(headers.get("content-length", 0)))
        return Answer(status, headers, content)

    async def events(self, path: str) -> AsyncIterator[Event]:
        """The events of a stream until it ends; raises Refused if it does not begin."""
        self._write("GET", path, None)
        status, headers = await self._head()
        if status != 200:
            raise Refused(Answer(status, headers, await self._exactly(int(headers.get("content-length", 0)))))
        buffer = b""
        async for part in self._chunks():
            buffer += part
            *whole, buffer = buffer.split(b"\n\n")
            for block in whole:
                fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
                if b"data" in fields:
                    yield Event(fields.get(b"id", b"").decode(), json.loads(fields[b"data"]))

    def _write(self, method: str, path: str, body: Any) -> None:
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._address.host}:{self._address.port}"]
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        if method != "GET":
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + content)

    async def _head(self) -> tuple[int, dict[str, str]]:
        start = await self._line()
        headers = {}
        while line := await self._line():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(start.split()[1]), headers

    async def _line(self) -> str:
        line = await self._reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the connection ended within an answer")
        return line.decode().rstrip("\r\n")

    async def _exactly(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise ConnectionError("the connection ended within an answer") from None

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self._line(), 16):
            yield await self._exactly(size)
            await self._line()
        await self._line()


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.error)
        self.answer = answer


async def ask(
    address: Address, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request over a connection of its own."""
    async with HttpConnection(address, headers) as connection:
        return await connection.request(method, path, body)


async def sign_in(address: Address, name: str) -> dict[str, str]:
    """The headers of a new guest of that name."""
    answer = await ask(address, "POST", "/api/session", {"name": name})
    if answer.status != 200:
        raise Refused(answer)
    return {"Authorization": f"Bearer {answer.json()['token']}"}
