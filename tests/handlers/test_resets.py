"""Clients that reset their connection before they are answered: nothing is kept of them, and nothing is logged."""

import asyncio
import base64
import os
import socket
import struct

from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.waiting import until

AT_ONCE = struct.pack("ii", 1, 0)
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "


class ResetTest(ChatTestCase):
    async def reset(self, path: str, name: str, *, upgrade: bool, after: float) -> None:
        """Asks for something, and resets the connection so many seconds later (tcp(7), SO_LINGER)."""
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {path}username={name} HTTP/1.1\r\nHost: localhost\r\n" + (f"{UPGRADE}{key}\r\n" if upgrade else "")
        with socket.socket() as client:
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", self.get_http_port()))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            client.send(f"{head}\r\n".encode())
            if after:
                await asyncio.sleep(after)

    @gen_test
    async def test_nothing_is_left(self) -> None:
        """Neither the name nor a client, whichever transport it was to be, and however soon it goes."""
        names = []
        for path, upgrade in (("/ws/a?", True), ("/ws?", True), ("/api/stream?room=a&", False)):
            for turn in range(20):
                names.append(f"name{len(names)}")
                await self.reset(path, names[-1], upgrade=upgrade, after=0.0005 * (turn % 10))
        await until(lambda: len(self.chat.clients) == 0)
        await until(lambda: len(self.chat.people) == 0)
        assert [name for name in names if self.chat.people.holder(name) is not None] == []
        assert len(self.chat.keepalive) == 0
        assert self.waiters_in("a") == 0
