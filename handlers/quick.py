"""Answers that are sent with a ready-made head, past what Tornado's handlers do for every answer."""

import time
from asyncio import Future
from functools import lru_cache
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import format_timestamp
from tornado.util import ObjectDict

from chat.framing import direct_send, send_now
from handlers.base import ApiHandler
from handlers.headers import CALL_HEADERS, JSON_HEADERS


@lru_cache(maxsize=4)
def _head(second: int, strict_transport: str) -> bytes:
    headers = {"Date": format_timestamp(second), **CALL_HEADERS, **JSON_HEADERS}
    if strict_transport:
        headers["Strict-Transport-Security"] = strict_transport
    return "".join(["HTTP/1.1 200 OK\r\n", *(f"{name}: {value}\r\n" for name, value in headers.items())]).encode()


class QuickHandler(ApiHandler):
    """A handler that is called so often that its headers matter: making and writing them is a third of a poll's time.

    They are only made where they are needed: for an error, for clients that want the connection
    closed, and for pages of other sites.
    """

    _made = False
    _answered = False
    _status_code = 200  # Tornado sets it where headers are made

    def clear(self) -> None:
        if self._made:
            super().clear()
        self._made = True

    def answer_at_once(self, body: bytes) -> None:
        """Sends a 200 with that JSON."""
        connection = cast(HTTP1Connection, self.request.connection)
        stream = connection.stream
        if stream.closed():
            self._answered = True
        elif self._is_plain():
            connection.set_close_callback(None)
            strict_transport = self.settings["hsts"] if self.request.protocol == "https" else ""
            head = _head(int(time.time()), strict_transport)
            answer = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
            rest = answer if stream.writing() else send_now(direct_send(stream), answer)
            if rest is None:
                stream.close()
            elif rest:
                stream.write(rest)
            connection.finish()
            self._answered = True
            self.ui = ObjectDict()  # it refers back to the handler, which would wait for the garbage collector
        else:
            self.clear()
            self.finish(body)

    def _is_plain(self) -> bool:
        """Whether the ready-made head fits: the connection stays open, and no page of another site reads the answer."""
        if self.settings["origins"].shares(self.request):
            return False
        wanted = self.request.headers.get_list("Connection")
        return self.request.version == "HTTP/1.1" and (not wanted or wanted[0].lower() == "keep-alive")

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> "Future[None]":
        if not self._answered:
            return super().finish(chunk)
        self._log()
        done: Future[None] = Future()
        done.set_result(None)
        return done
