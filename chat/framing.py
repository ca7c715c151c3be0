"""The bytes around a JSON text: a WebSocket frame (RFC 6455, section 5.2) or a server-sent event in an HTTP chunk."""

import socket
import struct
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TypeAlias

from tornado.iostream import IOStream, SSLIOStream

Sendable: TypeAlias = bytes | memoryview

_TEXT = 0x81  # FIN and the opcode of a text frame: one message is one frame
PING = b"\x89\x00"


def frame(payload: bytes) -> bytes:
    """An unmasked text frame, the same bytes that Tornado's `write_message` makes without compression."""
    length = len(payload)
    if length < 126:
        return struct.pack("!BB", _TEXT, length) + payload
    if length < 65536:
        return struct.pack("!BBH", _TEXT, 126, length) + payload
    return struct.pack("!BBQ", _TEXT, 127, length) + payload


def event(payload: bytes, cursor: str = "") -> bytes:
    """A server-sent event (HTML standard, section 9.2); `cursor` becomes its id."""
    if cursor:
        return b"id: %b\ndata: %b\n\n" % (cursor.encode(), payload)
    return b"data: %b\n\n" % payload


def chunk(body: bytes) -> bytes:
    """A chunk of a chunked HTTP body (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def direct_send(stream: IOStream) -> Callable[[Sendable], int]:
    """The `send` of a stream's socket, kept so that it is looked up once. Under TLS nothing goes past the stream."""
    return _refuse if isinstance(stream, SSLIOStream) else stream.socket.send


def send_now(send: Callable[[Sendable], int], data: bytes) -> Sendable | None:
    """Hands `data` to the kernel by a stream's `direct_send`; returns what is left for the stream to write, or None
    for a broken connection, whose stream is to be closed.

    The stream must not be writing, or the bytes would be mixed. This and `send_to_all` are the places that go past it
    to its socket: a third of the time of `stream.write` (docs/benchmarks.md).
    """
    try:
        sent = send(data)
    except BlockingIOError:
        return data
    except OSError:
        return None
    return b"" if sent == len(data) else memoryview(data)[sent:]


def send_to_all(connections: Sequence[socket.socket], data: bytes) -> list[tuple[int, Sendable | None]]:
    """The same for the sockets of many streams at once: those that did not take all, by place, with what is left.

    The loop over them runs in C, as nothing but the sockets and the bytes is looked at. A closed socket is a broken
    connection, never somebody else's who has got its number.
    """
    size = len(data)
    left: list[tuple[int, Sendable | None]] = []
    taken: list[int] = []
    sending = map(socket.socket.send, connections, repeat(data))
    while len(taken) < len(connections):
        try:
            taken.extend(sending)  # keeps what came before one that fails, and goes on after it
        except OSError as error:
            left.append((len(taken), data if isinstance(error, BlockingIOError) else None))
            taken.append(size)
    if taken.count(size) < len(taken):
        left += [(place, memoryview(data)[sent:]) for place, sent in enumerate(taken) if sent != size]
    return left


def _refuse(data: Sendable) -> int:
    raise BlockingIOError
