"""The bytes around a JSON text, beside those that Tornado makes."""

import socket
import ssl

import pytest
from tornado.iostream import IOStream, SSLIOStream

from chat.framing import PING, chunk, direct_send, event, frame, send_now
from tests.frames import bytes_of_tornado


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
async def test_a_frame_is_tornados(length: int) -> None:
    """A prepared frame has the same bytes as one of `write_message`, at each border of its length."""
    payload = "".join(chr(ord("a") + n % 26) for n in range(length))
    assert await bytes_of_tornado(lambda handler: handler.write_message(payload)) == frame(payload.encode())


async def test_a_ping_is_tornados() -> None:
    """The prepared ping has the same bytes as one of Tornado's."""
    assert await bytes_of_tornado(lambda handler: handler.ping()) == PING


def test_an_event_ends_with_an_empty_line() -> None:
    """An event has its cursor as id if there is one."""
    assert event(b'{"a":1}', "5,7") == b'id: 5,7\ndata: {"a":1}\n\n'
    assert event(b"{}") == b"data: {}\n\n"


def test_a_chunk_says_its_size() -> None:
    """The size stands before the body, in hexadecimal."""
    assert chunk(b"x" * 31) == b"1f\r\n" + b"x" * 31 + b"\r\n"


async def test_sends_at_once_what_the_kernel_takes() -> None:
    """What the kernel takes is with the other side when the call returns."""
    ours, theirs = socket.socketpair()
    with theirs:
        stream = IOStream(ours)
        assert send_now(direct_send(stream), b"hello") == b""
        assert theirs.recv(100) == b"hello"
        stream.close()


async def test_gives_back_what_the_kernel_does_not_take() -> None:
    """The rest of a send too large is given back; with the kernel full, all of it."""
    ours, theirs = socket.socketpair()
    with theirs:
        stream = IOStream(ours)
        data = b"x" * 5_000_000
        rest = bytes(send_now(direct_send(stream), data))
        assert 0 < len(rest) < len(data)
        theirs.setblocking(False)
        while send_now(direct_send(stream), b"x" * 65_536) != b"x" * 65_536:
            pass
        stream.close()


async def test_nothing_goes_past_a_stream_with_tls() -> None:
    """Under TLS all is left for the stream, which encrypts it."""
    ours, theirs = socket.socketpair()
    with theirs:
        stream = SSLIOStream(ours, ssl_options=ssl.create_default_context())
        assert send_now(direct_send(stream), b"secret") == b"secret"
        stream.close()


async def test_a_broken_connection_says_so() -> None:
    """A send to one who has gone, or through a closed socket, gives None."""
    ours, theirs = socket.socketpair()
    stream = IOStream(ours)
    theirs.close()
    send = direct_send(stream)
    assert send_now(send, b"hello") is None
    stream.close()
    assert send_now(send, b"hello") is None
