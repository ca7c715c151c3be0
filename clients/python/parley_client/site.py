"""A server of Parley, over plain HTTP."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from parley_client.errors import Refused, Unreachable
from parley_client.wire import FaultAnswer, decode_as, encode

PATIENCE = 15.0
"""Seconds that an ordinary call may take."""

NO_LIMIT = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE)

Query = Iterable[tuple[str, str | int]]


def room_path(name: str) -> str:
    """The address of a room, as a path; its name may hold any letters."""
    return f"/api/rooms/{quote(name, safe='')}"


class Site:
    """`address` is like "https://chat.example.org"; `token` says who one is."""

    def __init__(self, address: str, *, token: str | None = None, ssl: SSLContext | None = None) -> None:
        self.address = address.rstrip("/")
        self.token = token
        self.ssl = ssl
        self._session: aiohttp.ClientSession | None = None

    @property
    def socket_address(self) -> str:
        return "ws" + self.address.removeprefix("http")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self, method: str, path: str, *, query: Query = (), body: Any = None, patience: float = PATIENCE
    ) -> bytes:
        """The body of the answer, within `patience` seconds; raises Refused, Unreachable."""
        timeout = aiohttp.ClientTimeout(total=patience)
        async with self._request(method, path, query, body, timeout) as response:
            try:
                return await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise Unreachable(f"The answer broke off: {error!r}") from error

    @asynccontextmanager
    async def stream(self, path: str, *, query: Query = ()) -> AsyncIterator[aiohttp.StreamReader]:
        """The body of an answer that comes little by little; raises Refused, Unreachable."""
        async with self._request("GET", path, query, None, NO_LIMIT) as response:
            yield response.content

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, query: Query, body: Any, timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            # Who one is stands in a header, so a cookie could only contradict it.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        pairs = urlencode([(name, str(value)) for name, value in query])
        address = URL(self.address + path + ("?" + pairs if pairs else ""), encoded=True)
        headers = self.headers | ({} if body is None else {"Content-Type": "application/json"})
        data = None if body is None else encode(body)
        try:
            response = await self._session.request(
                method, address, data=data, headers=headers, timeout=timeout, ssl=self.ssl or True
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"The server cannot be reached: {error!r}") from error
        async with response:
            if response.status >= 400:
                raise await _refusal(response)
            yield response


async def _refusal(response: aiohttp.ClientResponse) -> Refused | Unreachable:
    try:
        fault = decode_as(await response.read(), FaultAnswer).error
    except (Unreachable, aiohttp.ClientError, TimeoutError, OSError):
        return Unreachable(f"The answer was {response.status}, and not one of Parley.")
    return Refused(
        fault.code,
        fault.reason,
        status=response.status,
        retry_after=seconds(response.headers.get("Retry-After")),
        room=fault.room,
    )


def seconds(header: str | None) -> float | None:
    """The wait in a `Retry-After`, where it is given in seconds."""
    try:
        return float(header or "")
    except ValueError:
        return None
