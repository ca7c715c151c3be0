"""The frames that Tornado itself makes."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from tests.waiting import until

HANDSHAKE = "\r\n".join(
    [
        "GET / HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "",
        "",
    ]
).encode()


async def bytes_of_tornado(say: Callable[[WebSocketHandler], Any]) -> bytes:
    """What a client reads when a handler of Tornado's says something and cuts the line."""

    class Handler(WebSocketHandler):
        async def open(self, *_: str, **__: str) -> None:
            say(self)
            assert self.ws_connection is not None
            stream = self.ws_connection.stream
            await until(lambda: not stream.writing())
            stream.close()

    listening, port = bind_unused_port()
    server = HTTPServer(Application([("/", Handler)]))
    server.add_sockets([listening])
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        data = await reader.read()
        writer.close()
        return data
    finally:
        server.stop()
        await server.close_all_connections()
