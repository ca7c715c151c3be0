"""Accepting connections, and what is done when there can be no more."""

import asyncio
import errno
import logging
import resource
import socket
import ssl
import sys
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, SSLIOStream

from handlers.headers import CALL_HEADERS, JSON_HEADERS

log = logging.getLogger("parley.listener")

# Kept back for MongoDB's connections, files of static/, and answering those who are refused.
RESERVED_FILES = 128
# Accepted in one turn of the loop, so that those who are connected already get their turn.
ACCEPTED_AT_ONCE = 128
# How long no connection is accepted when not even one to be refused can be opened (seconds).
PAUSE = 0.5

FULL = (
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in (CALL_HEADERS | JSON_HEADERS).items())
    + '\r\n{"error":{"code":"unavailable","reason":"The server is full; try again in a moment."}}'
).encode()


def raise_file_limit() -> int:
    """Lets the process open as many files as the system allows it; returns how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS calls it unlimited and then does not allow that
        return soft
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


class Listener:
    """Hands new connections to the server.

    At the limit of open files they are answered 503, and the loop does not spin. With a `tls` context they are
    encrypted; another one counts for those who come from then on.
    """

    def __init__(
        self,
        server: HTTPServer,
        sockets: list[socket.socket],
        *,
        file_limit: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tls = tls
        self._server = server
        self._sockets = sockets
        # Where few are allowed at all, half of them are for clients.
        self._highest = max(file_limit - RESERVED_FILES, file_limit // 2)
        self._loop = asyncio.get_running_loop()
        self._stopped = False

    def start(self) -> None:
        for listening in self._sockets:
            self._loop.add_reader(listening, self._accept, listening)

    def stop(self) -> None:
        """Accepts no more, and refuses those who try."""
        self._stopped = True
        for listening in self._sockets:
            self._loop.remove_reader(listening)
            listening.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, address = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                log.warning("no connection can be accepted: %s", error.strerror)
                self._pause(listening)
                return
            # The lowest free number is given to a new file, so this one tells how many are open.
            if connection.fileno() < self._highest:
                self._serve(connection, address)
            elif self.tls is None:
                _refuse(connection)
            else:
                connection.close()  # no handshake for the sake of a refusal

    def _serve(self, connection: socket.socket, address: Any) -> None:
        connection.setblocking(False)
        kind: type[IOStream] = IOStream
        if self.tls is not None:
            kind = SSLIOStream
            try:
                connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            except OSError:  # gone already
                connection.close()
                return
        server = self._server
        stream = kind(connection, max_buffer_size=server.max_buffer_size, read_chunk_size=server.read_chunk_size)
        server.handle_stream(stream, address)

    def _pause(self, listening: socket.socket) -> None:
        self._loop.remove_reader(listening)
        self._loop.call_later(PAUSE, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if not self._stopped:
            self._loop.add_reader(listening, self._accept, listening)


def _refuse(connection: socket.socket) -> None:
    with connection:
        try:
            connection.setblocking(False)
            connection.send(FULL)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)  # what was asked; unread, it would turn the answer into a reset
        except OSError:
            pass  # gone already
