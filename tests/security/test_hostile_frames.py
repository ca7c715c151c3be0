"""Frames that no honest client sends: mutated in their bytes, at the protocol below the contract."""

import asyncio
import json
import logging
import random
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

import pytest
from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.rooms import new_key
from tests.waiting import PATIENCE, until

CONNECTIONS = 1_000
FRAMES = 10  # on each
AT_ONCE = 50
LISTENED = 0.2  # seconds for the answers
HANDSHAKE = (
    "GET /ws/a?username=mallory{number} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def honest(chance: random.Random) -> bytes:
    """The payload of something a client may say."""
    return json.dumps(
        chance.choice(
            [
                {"type": "subscribe", "room": "a", "after": chance.randrange(10)},
                {"type": "send", "room": "a-hostile", "key": new_key(), "text": "x" * chance.randrange(200)},
                {"type": "react", "room": "a", "key": new_key(), "target": 1, "emoji": "👍"},
                {"type": "typing", "room": "a"},
                {"type": "ping"},
            ]
        )
    ).encode()


def frame(payload: bytes, *, first: int = 0x81, masked: bool = True, length: int | None = None) -> bytes:
    """A frame as RFC 6455, section 5.2, has it; `length` is what it claims."""
    size = len(payload) if length is None else length
    mark = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mark | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, mark | 126, size)
    else:
        head = struct.pack("!BBQ", first, mark | 127, size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def mutated(chance: random.Random) -> bytes:
    """A frame in order, of a text that is wrong in a few characters. It is ASCII: what is no UTF-8 ends the connection
    at once (RFC 6455, section 8.1)."""
    payload = bytearray(honest(chance))
    for _ in range(chance.randrange(1, 8)):
        payload[chance.randrange(len(payload))] = chance.randrange(128)
    return frame(bytes(payload))


def broken(chance: random.Random) -> bytes:
    """Bytes that are no frame in order."""
    text = honest(chance)
    kinds: list[Callable[[], bytes]] = [
        lambda: frame(text, first=chance.randrange(256)),  # any opcode, fragments, reserved bits
        lambda: frame(text, masked=False),
        lambda: frame(text, length=chance.choice([0, 1, 125, 126, 65_535, 2**31, 2**62])),  # not true
        lambda: frame(text)[: chance.randrange(len(text))],  # cut short
        lambda: frame(text, first=0x01) + frame(text, first=0x81),  # fragments that do not belong together
        lambda: frame(chance.randbytes(chance.randrange(130)), first=0x88),  # a close with anything in it
        lambda: frame(chance.randbytes(chance.randrange(1, 200))),
        lambda: chance.randbytes(chance.randrange(1, 200)),
    ]
    return chance.choice(kinds)()


class HostileFramesTest(ChatTestCase):
    settings: ClassVar = {"violations": 20}

    @pytest.fixture(autouse=True)
    def _logs(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self.caplog = caplog

    @gen_test(timeout=120)
    async def test_ten_thousand_mutated_frames(self) -> None:
        """None of them makes a traceback, and those who talk meanwhile miss nothing and wait for nobody."""
        seed = random.randrange(2**32)
        print("seed", seed)
        ann, bob = await self.socket("ann", room="a"), await self.socket("bob", room="a")
        turns, refused = asyncio.Semaphore(AT_ONCE), list[int]()

        async def attack(number: int) -> None:
            chance = random.Random(seed + number)
            frames = [*(mutated(chance) for _ in range(FRAMES - 1)), broken(chance)]
            async with turns:
                refused.append(await self._attack(number, frames))

        attacks = asyncio.gather(*map(attack, range(CONNECTIONS)))
        sent = 0
        while not attacks.done():
            sent += 1
            await ann.say(type="send", room="a", key=new_key(), text=str(sent))
            assert (await ann.hear("ack", "error"))["type"] == "ack"
            await asyncio.sleep(0.02)
        await attacks
        assert sent > 5
        assert sum(refused) > CONNECTIONS * FRAMES / 2  # they were read and answered, as far as the frames allowed it
        heard = [(await bob.hear("message"))["text"] for _ in range(sent)]
        assert heard == [str(number) for number in range(1, sent + 1)]
        wrong = [record.getMessage() for record in self.caplog.records if record.exc_info or record.levelno >= 40]
        assert not wrong

    async def _attack(self, number: int, frames: list[bytes]) -> int:
        """How many errors it is answered with."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
        writer.write(HANDSHAKE.format(number=number).encode())
        assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        answered = bytearray()
        listening = asyncio.create_task(_listen(reader, answered))
        writer.writelines(frames[:-1])
        await until(lambda: b'"type":"error"' in answered or listening.done())
        writer.write(frames[-1])
        await asyncio.wait([listening], timeout=LISTENED)
        listening.cancel()
        writer.transport.abort()
        return answered.count(b'"type":"error"')


async def _listen(reader: asyncio.StreamReader, answered: bytearray) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(65_536):
            answered += part
