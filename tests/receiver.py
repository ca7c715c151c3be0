"""A receiver of webhooks on a port of its own, in the test's event loop."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from tests.waiting import until


class Receiver:
    """Answers each delivery with the next of `answers`, then 204; remembers what came, whatever it answered."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.bodies: list[dict[str, Any]] = []
        self.raw: list[tuple[HTTPHeaders, bytes]] = []
        self.gate: asyncio.Event | None = None
        self.length = 10_000
        listening, port = bind_unused_port()
        self.url = f"http://127.0.0.1:{port}/hook"
        self._server = HTTPServer(Application([(r"/.*", _Handler, {"receiver": self})], log_function=lambda _: None))
        self._server.add_socket(listening)

    @property
    def texts(self) -> list[str | None]:
        return [body["entry"].get("text") for body in self.bodies]

    async def has(self, count: int) -> None:
        """Waits until so many deliveries have come."""
        await until(lambda: len(self.bodies) >= count)

    def close(self) -> None:
        self._server.stop()


class _Handler(RequestHandler):
    def initialize(self, receiver: Receiver) -> None:
        self.receiver = receiver

    async def post(self) -> None:
        receiver = self.receiver
        receiver.raw.append((self.request.headers, self.request.body))
        receiver.bodies.append(json.loads(self.request.body))
        status = receiver.answers.pop(0) if receiver.answers else 204
        if receiver.gate is not None:
            await receiver.gate.wait()
        self.set_status(status)
        if status == 302:
            self.set_header("Location", "/elsewhere")
        if status == 200:
            self.write("x" * receiver.length)


def is_signed(headers: HTTPHeaders, body: bytes, secret: str) -> bool:
    """As docs/extending.md tells receivers to look at it."""
    parts = dict(part.split("=", 1) for part in headers["X-Parley-Signature"].split(","))
    wanted = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, parts["v1"])
