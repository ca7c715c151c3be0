"""The bytes around a JSON text: a WebSocket frame (RFC 6455, section 5.2) or a server-sent event in an HTTP chunk."""

import struct
from collections.abc import Callable
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

    The stream must not be writing, or the bytes would be mixed. This is the one place that goes past it to its
    socket: a third of the time of `stream.write` (docs/benchmarks.md).
    """
    try:
        sent = send(data)
    except BlockingIOError:
        return data
    except OSError:
        return None
    return b"" if sent == len(data) else memoryview(data)[sent:]


def _refuse(data: Sendable) -> int:
    raise BlockingIOError
