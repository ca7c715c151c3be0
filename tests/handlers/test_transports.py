"""One room, any transport: what is sent over one arrives over all, in one order."""

import asyncio
import random
from typing import Any
from unittest import mock

from tornado.testing import gen_test

from chat.crowd import Crowd
from chat.waiters import PollWaiter
from tests.cases import ChatTestCase
from tests.rooms import new_key


class TransportsTest(ChatTestCase):
    async def polled(self, room: str, token: str, after: int, count: int) -> list[dict[str, Any]]:
        """Polls from a cursor until so many entries have come."""
        entries: list[dict[str, Any]] = []
        while len(entries) < count:
            found = (await self.poll(room, token=token, after=after)).body["rooms"][room]
            assert found["gap"] is None and not found["reset"]
            entries += found["entries"]
            after = found["seq"]
        return entries

    @gen_test
    async def test_everything_arrives_everywhere(self) -> None:
        """Texts in many scripts sent over each transport arrive over every transport, the same, in the same order."""
        socket = await self.socket("ann", room="a")
        stream = await self.stream("a", name="bob")
        await stream.hear("subscribed")
        cid, dan = self.token("cid"), self.token("dan")
        polling = asyncio.create_task(self.polled("a", cid, 0, 8))
        texts = ["hello", "привет", "你好", "مرحبا", "שלום", "👩‍👩‍👧 ❤️", "a\nb\u2028c", "\\u0000 \"'<>&"]
        for n, text in enumerate(texts):
            if n % 2:
                await socket.ask(type="send", room="a", key=new_key(), text=text)
            else:
                await self.send("a", text, token=dan)
        by_socket = [await socket.hear("message") for _ in texts]
        by_stream = [await stream.hear("message") for _ in texts]
        by_poll = await polling
        by_page = (await self.page("a", token=cid)).body["entries"]
        for entry in by_socket:
            entry.pop("key", None)
        assert [entry["text"] for entry in by_socket] == texts
        assert [entry["seq"] for entry in by_socket] == list(range(1, 9))
        assert by_socket == by_stream == by_poll == by_page

    @gen_test
    async def test_changes_arrive_everywhere(self) -> None:
        """Edits, reactions and deletions travel the same way."""
        socket, stream = await self.socket("ann", room="a"), await self.stream("a", name="bob")
        await stream.hear("subscribed")
        token = self.token("cid")
        polling = asyncio.create_task(self.polled("a", token, 0, 4))
        await socket.ask(type="send", room="a", key=new_key(), text="one")
        for fields in ({"type": "edit", "text": "two"}, {"type": "react", "emoji": "🎉"}, {"type": "delete"}):
            await socket.ask(**fields, room="a", key=new_key(), target=1)
        kinds = ("message", "edit", "reaction", "delete")
        by_socket = [await socket.hear(*kinds) for _ in range(4)]
        by_stream = [await stream.hear(*kinds) for _ in range(4)]
        by_poll = await polling
        assert [entry["type"] for entry in by_socket] == list(kinds)
        assert [entry["type"] for entry in by_stream] == list(kinds)
        assert [(entry["seq"], entry["type"]) for entry in by_poll] == list(enumerate(kinds, 1))

    @gen_test
    async def test_changing_transport_in_mid_session(self) -> None:
        """One who goes from socket to stream to polls and back, while others write, misses and repeats nothing."""
        token, writer = self.token("ann"), await self.socket("bob")
        stopped = asyncio.Event()
        count = 0

        async def write() -> None:
            nonlocal count
            while not stopped.is_set():
                count += 1
                await writer.ask(type="send", room="a", key=new_key(), text=str(count))

        writing = asyncio.create_task(write())
        chance = random.Random(7)
        seen: list[int] = []
        for turn in range(15):
            cursor = seen[-1] if seen else 0
            wanted = chance.randrange(1, 6)
            match turn % 3:
                case 0:
                    client = await self.socket(token=token)
                    found = await client.ask(type="subscribe", room="a", after=cursor)
                    seen += [entry["seq"] for entry in found["entries"]]
                    seen += [(await client.hear("message"))["seq"] for _ in range(wanted)]
                    client.cut()
                case 1:
                    stream = await self.stream("a", token=token, after=cursor)
                    seen += [(await stream.hear("message"))["seq"] for _ in range(wanted)]
                    stream.cut()
                case 2:
                    for _ in range(wanted):
                        answer = await self.poll("a", token=token, after=seen[-1])
                        seen += [entry["seq"] for entry in answer.body["rooms"]["a"]["entries"]]
        stopped.set()
        await writing
        assert seen == list(range(1, seen[-1] + 1))
        assert seen[-1] > 30

    @gen_test
    async def test_a_poll_is_answered_in_the_turn_of_the_sockets(self) -> None:
        """One turn of the loop hands an entry to all transports: no sweep, no delay."""
        turn, is_counting, flushes = 0, True, {}

        def count() -> None:
            nonlocal turn
            turn += 1
            if is_counting:
                asyncio.get_running_loop().call_soon(count)

        def watch(kind: Any) -> Any:
            flush = kind.flush

            def watched(waiter: Any) -> None:
                flushes.setdefault(kind, turn)
                flush(waiter)

            return mock.patch.object(kind, "flush", watched)

        socket, writer = await self.socket("ann", room="a"), self.token("cid")
        poll = await self.waiting_poll("a", token=self.token("bob"), after=0)
        await socket.settled()
        with watch(Crowd), watch(PollWaiter):
            count()
            await self.send("a", "hi", token=writer)
            await poll
            is_counting = False
        assert len(flushes) == 2
        assert flushes[Crowd] == flushes[PollWaiter]

    @gen_test
    async def test_many_writers_one_order(self) -> None:
        """Many people who write at once over different transports are heard by all in one order without holes."""
        sockets = [await self.socket(f"s{n}", room="a") for n in range(4)]
        stream = await self.stream("a", name="listener")
        await stream.hear("subscribed")
        tokens = [self.token(f"h{n}") for n in range(4)]
        polling = asyncio.create_task(self.polled("a", self.token("poller"), 0, 80))
        await asyncio.gather(
            *(self.burst(socket, n) for n, socket in enumerate(sockets)),
            *(self.requests(token, n) for n, token in enumerate(tokens)),
        )
        heard = [[await socket.hear("message") for _ in range(80)] for socket in sockets]
        orders = [[(entry["seq"], entry["text"]) for entry in entries] for entries in heard]
        orders.append([(entry["seq"], entry["text"]) for entry in [await stream.hear("message") for _ in range(80)]])
        orders.append([(entry["seq"], entry["text"]) for entry in await polling])
        assert [seq for seq, _ in orders[0]] == list(range(1, 81))
        assert all(order == orders[0] for order in orders)
        stored = [(entry["seq"], entry["text"]) for entry in self.stored()["entries"]]
        assert sorted(stored) == orders[0]

    async def burst(self, socket: Any, n: int) -> None:
        for m in range(10):
            await socket.say(type="send", room="a", key=new_key(), text=f"s{n} {m}")

    async def requests(self, token: str, n: int) -> None:
        for m in range(10):
            await self.send("a", f"h{n} {m}", token=token)
