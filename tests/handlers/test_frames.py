"""Reading frames: whole, in parts, many at once, and those that break the protocol, over a real connection."""

import asyncio
import os
import random
import socket
import struct
from typing import Any

from tornado.iostream import IOStream
from tornado.testing import AsyncHTTPTestCase, gen_test
from tornado.web import Application
from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from handlers.frames import FrameReader
from tests.frames import HANDSHAKE
from tests.waiting import until

TEXT, BINARY, CLOSE, PING, PONG, FINAL = 0x1, 0x2, 0x8, 0x9, 0xA, 0x80
LIMIT = 100_000


class Heard(WebSocketHandler):
    """Remembers what it hears."""

    heard: list[Any]

    def initialize(self, heard: list[Any]) -> None:
        self.heard = heard

    def get_websocket_protocol(self) -> WebSocketProtocol13 | None:
        protocol = super().get_websocket_protocol()
        assert isinstance(protocol, WebSocketProtocol13)
        return FrameReader(self, False, protocol.params)

    def on_message(self, message: str | bytes) -> None:
        self.heard.append(message)

    def on_ping(self, data: bytes) -> None:
        self.heard.append(("ping", data))

    def on_pong(self, data: bytes) -> None:
        self.heard.append(("pong", data))

    def on_close(self) -> None:
        self.heard.append(("closed", self.close_code))


def frame(opcode: int, payload: bytes, *, final: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """A frame as RFC 6455, section 5.2, has it."""
    first, mark = opcode | (FINAL if final else 0) | reserved, 0x80 if masked else 0
    if len(payload) < 126:
        head = struct.pack("!BB", first, mark | len(payload))
    elif len(payload) < 65_536:
        head = struct.pack("!BBH", first, mark | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, mark | 127, len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


class FramesTest(AsyncHTTPTestCase):
    def get_app(self) -> Application:
        self.heard: list[Any] = []
        return Application([("/", Heard, {"heard": self.heard})], websocket_max_message_size=LIMIT)

    async def line(self) -> IOStream:
        stream = IOStream(socket.socket())
        await stream.connect(("127.0.0.1", self.get_http_port()))
        await stream.write(HANDSHAKE)
        await stream.read_until(b"\r\n\r\n")
        self.addCleanup(stream.close)
        return stream

    async def hears(self, expected: list[Any]) -> None:
        await until(lambda: len(self.heard) >= len(expected))
        assert self.heard == expected

    @gen_test
    async def test_however_the_bytes_come(self) -> None:
        """Frames of all lengths, with and without a mask, cut anywhere, are the messages that were sent."""
        chance = random.Random(7)
        sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 99_999] + [chance.randrange(300) for _ in range(200)]
        texts = ["ä" * (size // 2) + "x" * (size % 2) for size in sizes]
        data = b"".join(frame(TEXT, text.encode(), masked=chance.random() < 0.9) for text in texts)
        stream = await self.line()
        while data:
            size = chance.choice([1, 2, 3, 5, 8, 40, 1_000, 70_000])
            await stream.write(data[:size])
            data = data[size:]
        await self.hears(texts)

    @gen_test
    async def test_messages_in_parts(self) -> None:
        """A message in parts is one; control frames may come between them."""
        stream = await self.line()
        await stream.write(
            frame(TEXT, b"one ", final=False)
            + frame(PING, b"there?")
            + frame(0, b"two ", final=False)
            + frame(PONG, b"yes")
            + frame(0, b"three")
            + frame(BINARY, b"\x00\xff")
        )
        await self.hears([("ping", b"there?"), ("pong", b"yes"), "one two three", b"\x00\xff"])
        assert await stream.read_bytes(8) == b"\x8a\x06there?"

    @gen_test
    async def test_a_close_is_answered_and_ends_it(self) -> None:
        """What follows a close frame is not heard."""
        stream = await self.line()
        await stream.write(frame(TEXT, b"bye") + frame(CLOSE, struct.pack("!H", 4001)) + frame(TEXT, b"late"))
        await self.hears(["bye", ("closed", 4001)])
        assert await stream.read_until_close() == b"\x88\x02" + struct.pack("!H", 4001)

    @gen_test
    async def test_what_breaks_the_protocol_ends_the_connection(self) -> None:
        """Reserved bits, control frames that are long or in parts, parts without a beginning, a beginning within."""
        for wrong in (
            frame(TEXT, b"x", reserved=0x40),
            frame(PING, b"x" * 126),
            frame(PING, b"x", final=False),
            frame(0, b"x"),
            frame(TEXT, b"x", final=False) + frame(TEXT, b"y"),
            frame(0x3, b"x"),
            frame(TEXT, b"\xff"),
        ):
            self.heard.clear()
            stream = await self.line()
            await stream.write(wrong + frame(TEXT, b"late"))
            await stream.read_until_close()
            await self.hears([("closed", None)])

    @gen_test
    async def test_what_is_too_big_is_refused_by_its_length(self) -> None:
        """Nobody waits for its end; that goes for the sum of the parts, too."""
        for big in (
            frame(TEXT, b"x" * (LIMIT + 1))[:20],
            frame(TEXT, b"x" * 60_000, final=False) + frame(0, b"x" * 60_000)[:20],
        ):
            self.heard.clear()
            stream = await self.line()
            await stream.write(big)
            assert await stream.read_until_close() == b"\x88\x11" + struct.pack("!H", 1009) + b"message too big"
            await self.hears([("closed", None)])

    @gen_test(timeout=60)
    async def test_one_who_never_pauses_lets_others_have_their_turn(self) -> None:
        """While one client sends without an end another is answered."""
        busy, other = await self.line(), await self.line()
        ended = False

        async def flood() -> None:
            while not ended:
                await busy.write(frame(TEXT, b"x" * 60_000) * 10)

        flooding = asyncio.create_task(flood())
        await until(lambda: len(self.heard) > 20)
        await other.write(frame(PING, b"me"))
        assert await other.read_bytes(4) == b"\x8a\x02me"
        ended = True
        await flooding

    @gen_test
    async def test_tiny_frames_come_in_turns_too(self) -> None:
        """Thousands that are read at once are not handled at once."""
        busy, other = await self.line(), await self.line()
        written = asyncio.ensure_future(busy.write(frame(TEXT, b"x") * 20_000))
        await until(lambda: len(self.heard) > 0)
        await other.write(frame(PING, b"me"))
        assert await other.read_bytes(4) == b"\x8a\x02me"
        assert self.heard.index(("ping", b"me")) < 20_000
        await until(lambda: len(self.heard) == 20_001)
        await written
