"""Tornado's connection of a client of HTTP, for clients that ask the same again and again.

A poll is little more than its request: what is done for each counts.
"""

import asyncio
from collections.abc import Awaitable
from typing import NamedTuple

from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerConnectionDelegate
from tornado.iostream import StreamClosedError, UnsatisfiableReadError
from tornado.log import gen_log

from chat.framing import direct_send, send_now


class Head(NamedTuple):
    """The headers of a request, as they were sent and as they are read."""

    sent: bytes
    headers: HTTPHeaders


class Connection(HTTP1Connection):
    """One request and its answer."""

    def __init__(self, client: "ServerConnection") -> None:
        super().__init__(client.stream, False, client.params, client.context)
        self._client = client

    def _parse_headers(self, data: bytes) -> tuple[str, HTTPHeaders]:
        """The first line and the headers; what a client sends as it sent it before is not read again."""
        start, _, sent = data.partition(b"\n")
        head = self._client.head
        if not start.startswith(b"GET ") or head is None or head.sent != sent:
            line, headers = super()._parse_headers(data)
            if start.startswith(b"GET "):
                self._client.head = Head(sent, headers)
            return line, headers
        return start.decode("latin1").rstrip("\r"), head.headers

    def _read_body(self, code: int, headers: HTTPHeaders, delegate: HTTPMessageDelegate) -> Awaitable[None] | None:
        """A body that is longer than any may be is not read: its handler says so, and the connection ends with the
        answer. Tornado's own answer is empty."""
        if self._write_finished or not _is_longer(headers, self._max_body_size):
            return super()._read_body(code, headers, delegate)
        self._disconnect_on_finish = True
        return None

    def has_come(self) -> None:
        """The request has no body: from now on the client waits for us."""
        self._read_finished = True

    def send(self, answer: bytes) -> None:
        """Sends a whole answer, head and body, past Tornado's own way of writing one; nothing more comes after it."""
        stream = self.stream
        if not stream.closed():
            rest = answer if stream.writing() else send_now(direct_send(stream), answer)
            if rest is None:
                stream.close()
            elif rest:
                stream.write(rest)
        self._write_finished = True
        self._finish_future.set_result(None)


def _is_longer(headers: HTTPHeaders, limit: int) -> bool:
    """Whether a body is said to have more bytes; what is no number Tornado refuses."""
    length = headers.get("Content-Length", "")
    return length.isascii() and length.isdigit() and (len(length) > 16 or int(length) > limit)


class ServerConnection(HTTP1ServerConnection):
    """The requests of a connection, one after the other."""

    head: Head | None = None

    async def _server_request_loop(self, delegate: HTTPServerConnectionDelegate) -> None:
        """As Tornado's own, but the next request is waited for in the very turn in which the one before was answered.

        Tornado lets the loop turn once more. The next request of a client that polls comes in this time, when nobody
        reads: that costs two changes of what the loop watches, for each poll.
        """
        try:
            while True:
                connection = Connection(self)
                try:
                    goes_on = await connection.read_response(delegate.start_request(self, connection))
                except (StreamClosedError, UnsatisfiableReadError, asyncio.CancelledError):
                    return
                except Exception:
                    gen_log.error("Uncaught exception", exc_info=True)
                    connection.close()
                    return
                if not goes_on:
                    return
                if self.stream._read_buffer_size:  # one who sends many requests at once takes turns with the others
                    await asyncio.sleep(0)
        finally:
            delegate.on_close(self)
