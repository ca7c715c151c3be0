"""The bytes around a JSON text: a WebSocket frame (RFC 6455, section 5.2) or a server-sent event in an HTTP chunk."""

import struct

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

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


def send_now(stream: IOStream, data: bytes) -> bytes | memoryview:
    """Hands `data` to the kernel at once if nothing is waiting before it; returns what is left to be written by the
    stream.

    This is the one place that goes past the stream to its socket: a third of the time of `stream.write`
    (docs/benchmarks.md). A broken connection closes the stream and leaves nothing.
    """
    socket = stream.socket
    if socket is None:  # closed
        return b""
    if stream.writing() or isinstance(stream, SSLIOStream):
        return data
    try:
        sent = socket.send(data)
    except BlockingIOError:
        return data
    except OSError:
        stream.close()
        return b""
    return b"" if sent == len(data) else memoryview(data)[sent:]


__all__ = ["PING", "IOStream", "StreamClosedError", "chunk", "event", "frame", "send_now"]
