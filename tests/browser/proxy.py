"""A proxy between the browser and the server, with the habits of bad ones."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

BLOCK = 65536


class Proxy:
    """Passes requests on, one for each connection.

    With `refuses_sockets` it answers every upgrade to a WebSocket with 400; with `holds_streams` it passes on the
    head of an event stream and keeps back the rest until its end, as a proxy does that buffers; while it `is_down` it
    hangs up at once.
    """

    def __init__(self, address: str) -> None:
        self._upstream = (urlsplit(address).hostname, urlsplit(address).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.refuses_sockets = False
        self.holds_streams = False
        self.is_down = False
        self._start(self._accept)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Breaks every connection there is, in the middle of whatever it carries."""
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Returns when nothing of it runs any more."""
        self.is_down = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in list(self._threads):
            thread.join(5)
            assert not thread.is_alive()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), self._kept(client):
            head = _head(client)
            if not head or self.is_down:
                return
            is_upgrade = re.search(rb"\r\nupgrade: *websocket", head, re.IGNORECASE) is not None
            if is_upgrade and self.refuses_sockets:
                client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            is_held = self.holds_streams and head.startswith(b"GET /api/stream")
            with socket.create_connection(self._upstream) as server, self._kept(server):
                server.sendall(head if is_upgrade else _alone(head))
                self._start(_pass_on, client, server)
                if is_held:
                    client.sendall(_head(server).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
                _pass_on(server, None if is_held else client)

    def _kept(self, connection: socket.socket) -> "_Kept":
        return _Kept(connection, self._open, self._lock)


class _Kept:
    """Notes a connection as open, and closes it in the end."""

    def __init__(self, connection: socket.socket, everything: set[socket.socket], lock: threading.Lock) -> None:
        self._connection = connection
        self._all = everything
        self._lock = lock

    def __enter__(self) -> None:
        with self._lock:
            self._all.add(self._connection)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._all.discard(self._connection)
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def _head(sender: socket.socket) -> bytes:
    """A request or an answer as far as it has come with its head, or nothing where the sender went away."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = sender.recv(BLOCK)
        if not block:
            return b""
        data += block
    return data


def _alone(head: bytes) -> bytes:
    """The request as the only one of its connection."""
    return re.sub(rb"\r\nconnection: [^\r]*", b"\r\nConnection: close", head, count=1, flags=re.IGNORECASE)


def _pass_on(source: socket.socket, target: socket.socket | None) -> None:
    """Copies until the source ends, and then ends the target; without one nothing is copied."""
    with suppress(OSError):
        while block := source.recv(BLOCK):
            if target is not None:
                target.sendall(block)
    if target is not None:
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
