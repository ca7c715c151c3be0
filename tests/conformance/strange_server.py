"""A server that has grown: between a client and a real one it adds what the client has never heard of."""

import asyncio
import json
from contextlib import suppress
from typing import Any, Self

import aiohttp
from aiohttp import web

UNHEARD_OF = {"type": "unheard-of", "room": "unheard-of", "id": "unheard-of", "seq": 10**6, "data": {"a": [1, None]}}
ALLOWED = "Access-Control-Allow-Origin"
_HOP = frozenset({"transfer-encoding", "content-length", "connection", "content-encoding"})


class StrangeServer:
    """Passes on what is asked as it is, and answers with unknown fields in every object and unknown messages among the
    known. An entry whose text is "strange" becomes one of an unknown type."""

    def __init__(self, address: str) -> None:
        self._upstream = address
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        self._runner = web.AppRunner(self._app(), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._client.close()

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ws", self._socket)
        app.router.add_route("*", "/{rest:.*}", self._request)
        return app

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        headers = self._headers(request)
        protocols = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if name]
        async with self._client.ws_connect(f"{self._upstream}/ws", headers=headers, protocols=protocols) as ahead:
            behind = web.WebSocketResponse(protocols=["parley"])
            await behind.prepare(request)
            both = [asyncio.create_task(_commands(behind, ahead)), asyncio.create_task(_messages(ahead, behind))]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in both:
                task.cancel()
            await behind.close()
        return behind

    async def _request(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with self._client.request(
            request.method, self._upstream + request.raw_path, data=body or None, headers=self._headers(request)
        ) as answer:
            head = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            if answer.content_type == "text/event-stream":
                return await self._stream(request, answer, head)
            content = await answer.read()
            if answer.content_type == "application/json":
                content = json.dumps(grown(json.loads(content))).encode()
            return web.Response(status=answer.status, body=content, headers=head)

    async def _stream(
        self, request: web.Request, answer: aiohttp.ClientResponse, head: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=head)
        await response.prepare(request)
        waiting = b""
        with suppress(ConnectionError):  # the client has gone
            async for chunk in answer.content.iter_any():
                *events, waiting = (waiting + chunk).split(b"\n\n")
                for event in events:
                    await response.write(b"event: message\n" + _grown_event(event) + b"\n\n")
                    await response.write(b"data: " + json.dumps(UNHEARD_OF).encode() + b"\n\n")
        return response

    def _headers(self, request: web.Request) -> dict[str, str]:
        kept = ("Authorization", "Content-Type", "Origin", "Access-Control-Request-Method")
        return {name: request.headers[name] for name in kept if name in request.headers}


def grown(value: Any) -> Any:
    """The same with what nobody has heard of in it."""
    if isinstance(value, list):
        return [grown(each) for each in value]
    if not isinstance(value, dict):
        return value
    more = {name: each if name in ("data", "reactions", "rooms") else grown(each) for name, each in value.items()}
    if isinstance(value.get("rooms"), dict):
        more["rooms"] = {name: grown(each) for name, each in value["rooms"].items()}
    if value.get("text") == "strange":
        more["type"] = "unheard-of"
    return more | {"unheard_of": {"a": [1, None]}}


def _grown_event(event: bytes) -> bytes:
    lines = event.split(b"\n")
    return b"\n".join(
        b"data: " + json.dumps(grown(json.loads(line[5:]))).encode() if line.startswith(b"data:") else line
        for line in lines
    )


async def _commands(behind: web.WebSocketResponse, ahead: aiohttp.ClientWebSocketResponse) -> None:
    async for message in behind:
        await ahead.send_str(message.data)


async def _messages(ahead: aiohttp.ClientWebSocketResponse, behind: web.WebSocketResponse) -> None:
    async for message in ahead:
        await behind.send_str(json.dumps(grown(json.loads(message.data))))
        await behind.send_str(json.dumps(UNHEARD_OF))
