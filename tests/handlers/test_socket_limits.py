"""/ws at its limits: rooms, pings, slow clients, a full server."""

import asyncio
from typing import Any, ClassVar

from tornado.testing import gen_test
from websockets.exceptions import InvalidStatus

from chat.broadcast import Notice
from server import UPKEEP_INTERVAL, work_of
from tests.cases import ChatTestCase
from tests.clients import SocketClient
from tests.rooms import new_key
from tests.waiting import until


class FewRoomsTest(ChatTestCase):
    settings: ClassVar = {"rooms_per_client": 2, "recent": 1}

    @gen_test
    async def test_rooms_of_one_connection_are_bounded(self) -> None:
        """One room too many is refused, also when all are asked for at once; leaving one makes room."""
        token = self.token("bob")
        for room in "abcd":
            for _ in range(3):
                await self.send(room, "hi", token=token)
        client = await self.socket("ann")
        for room in "abcd":
            await client.say(type="subscribe", room=room)
        replies = [await client.hear("subscribed", "error") for _ in range(4)]
        assert sorted(reply["type"] for reply in replies) == ["error", "error", "subscribed", "subscribed"]
        mine = [reply["room"] for reply in replies if reply["type"] == "subscribed"]
        assert (await client.ask(type="subscribe", room=mine[0]))["changed"] is False
        await client.ask(type="unsubscribe", room=mine[0])
        assert (await client.ask(type="subscribe", room=mine[0]))["changed"] is True


class PingTest(ChatTestCase):
    settings: ClassVar = {"ping_interval": 0.2, "ping_timeout": 1.5}

    @gen_test
    async def test_half_open_sockets_are_found(self) -> None:
        """Who answers no ping is let go of, and the others hear it; who answers stays."""
        lively = await self.socket("bob", room="a")
        _, writer = await self.mute_socket("ann")
        await until(lambda: self.waiters_in("a") == 2)
        assert (await lively.hear("left"))["user"]["name"] == "ann"
        await asyncio.sleep(0.8)
        assert (await lively.ask(type="ping"))["type"] == "pong"
        writer.close()

    async def mute_socket(self, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client that says nothing after its handshake."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
        self._cuts.append(writer.transport.abort)
        writer.write(
            f"GET /ws/a?username={name} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    @gen_test
    async def test_the_close_says_why(self) -> None:
        """The lost client is sent 4000, should it still listen."""
        reader, _ = await self.mute_socket("ann")
        data = b""
        while b"\x0f\xa0No pong" not in data:
            data += await asyncio.wait_for(reader.read(1_000), 10)
        assert b"\x89\x00" in data

    @gen_test
    async def test_a_clients_own_pings_count(self) -> None:
        """Who pings by itself is heard, though it answers no ping of ours."""
        reader, writer = await self.mute_socket("ann")
        masked_ping = b"\x89\x80\x00\x00\x00\x00"
        await until(lambda: self.waiters_in("a") == 1)
        for _ in range(20):
            writer.write(masked_ping)
            await asyncio.sleep(0.05)
        assert self.waiters_in("a") == 1
        await until(lambda: self.waiters_in("a") == 0)
        assert reader is not None


class SlowSocketTest(ChatTestCase):
    settings: ClassVar = {"backlog_limit": 200_000, "close_grace": 30}

    async def slow_client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One that comes to the room `a` by the name `slow`, and from which nothing is read unless the test does so."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port(), limit=1_000)
        self._cuts.append(writer.transport.abort)
        writer.write(
            b"GET /ws/a?username=slow HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        return reader, writer

    @gen_test
    async def test_waits_for_pongs_that_are_on_their_way(self) -> None:
        """While the stream still writes its pongs, nothing is sent past it: a frame would land within another."""
        _, writer = await self.slow_client()
        await until(lambda: self.waiters_in("a") == 1)
        room = self.awake("a")
        assert room is not None
        waiter: Any = room.waiters()[0]
        ping = b"\x89\xfd\x00\x00\x00\x00" + b"p" * 125
        while not waiter._stream.writing():
            writer.write(ping * 500)
            await asyncio.sleep(0)
        assert waiter._blocked

    @gen_test
    async def test_a_slow_client_never_slows_the_room(self) -> None:
        """Who does not read is closed with 4008 and comes back with its cursor; the others miss nothing."""
        token = self.token("bob")
        lively = await self.socket("ann", room="a")
        reader, _ = await self.slow_client()
        await until(lambda: self.waiters_in("a") == 2)
        sent = 0
        while self.waiters_in("a") == 2:
            body = {"kind": "big", "data": {"x": "y" * 60_000}, "key": new_key()}
            sent = (await self.call("POST", "/api/rooms/a/messages", body, token=token)).body["seq"]
            assert (await lively.hear("message"))["seq"] == sent
            assert sent < 400
        data = b""
        async with asyncio.timeout(15):
            while b"\x0f\xa8Too slow" not in data:
                data = data[-100:] + await reader.read(65_536)
        assert b"parley_slow_closes_total 1.0" in self.chat.metrics.text()
        assert lively.told("error") == []
        assert (await lively.hear("left"))["user"]["name"] == "slow"


class MuchWaitsTest(ChatTestCase):
    settings: ClassVar = {"backlog_total": 3_000_000, "backlog_limit": 10**9}

    @gen_test
    async def test_what_waits_for_all_together_is_bounded(self) -> None:
        """The slowest is closed within a moment of the server's having too much for all, whatever each may have."""
        work = [asyncio.create_task(each) for each in work_of(self.chat)]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port(), limit=1_000)
        self._cuts.append(writer.transport.abort)
        writer.write(b"GET /api/stream?room=a&username=slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(lambda: self.waiters_in("a") == 1)
        room = self.awake("a")
        assert room is not None and reader is not None
        (waiter,) = room.waiters()
        waiter.notify(Notice("event", "a", data={"x": "y" * 12_000_000}))
        await asyncio.sleep(0)
        begun = asyncio.get_running_loop().time()
        assert self.chat.clients.backlog() > 3_000_000
        await until(lambda: self.waiters_in("a") == 0)
        assert asyncio.get_running_loop().time() - begun < UPKEEP_INTERVAL / 2
        assert b"parley_slow_closes_total 1.0" in self.chat.metrics.text()
        for each in work:
            each.cancel()


class FewClientsTest(ChatTestCase):
    settings: ClassVar = {"clients_limit": 1}

    @gen_test
    async def test_a_full_server_says_so(self) -> None:
        """One client too many is answered 503 with a time to wait, over every transport; then there is room again."""
        first = await self.socket("ann")
        try:
            await self.raw_socket("/ws?username=bob")
        except InvalidStatus as refusal:
            assert refusal.response.status_code == 503
            assert int(refusal.response.headers["Retry-After"]) > 0
        else:
            raise AssertionError("the handshake was not refused")
        for path in ("/api/poll?room=a&after=0&username=bob", "/api/stream?room=a&username=bob"):
            answer = await self.call("GET", path)
            assert (answer.status, answer.code) == (503, "unavailable")
        first.cut()
        await until(lambda: len(self.chat.clients) == 0)
        assert isinstance(await self.socket("bob"), SocketClient)
