"""Clients: how many there are, and whether there is room for more."""

import asyncio
import socket
from typing import Any

import pytest
from tornado.iostream import IOStream

from chat.callers import Caller
from chat.clients import Clients
from chat.errors import RateLimited, Unauthenticated, Unavailable
from chat.protocol import CloseCode
from chat.waiter import Tick
from chat.waiters import PollWaiter, SocketWaiter, StreamWaiter
from tests.lines import line
from tests.replacing import replace_methods
from tests.rooms import ANN, BOB, FakeWaiter


class FakeTransport:
    """Remembers with which code it was closed."""

    def __init__(self) -> None:
        self.code = 0

    def left(self, code: int) -> None:
        """Nothing."""

    def close_transport(self, code: int, reason: str) -> None:
        self.code = code


def test_takes_in_so_many() -> None:
    """One too many is refused with a time to wait; when one has gone there is room; going twice is harmless."""
    clients = Clients(limit=2, address_limit=9, backlog_limit=1)
    waiters: list[Any] = [FakeWaiter(), FakeWaiter()]
    for waiter in waiters:
        clients.admit("")
        clients.add(waiter)
    assert len(clients) == 2
    with pytest.raises(Unavailable) as refused:
        clients.admit("")
    assert refused.value.retry_after
    clients.remove(waiters[0])
    clients.remove(waiters[0])
    clients.admit("")
    assert len(clients) == 1


def test_takes_in_so_many_from_one_address() -> None:
    """A place that has all it may have is refused with a time to wait, and no other; when one goes there is room."""
    clients = Clients(limit=9, address_limit=2, backlog_limit=1)
    waiters = [FakeWaiter(address=f"2001:db8::{number}") for number in range(2)]
    for waiter in waiters:
        clients.admit("2001:db8::9")
        clients.add(waiter)
    with pytest.raises(RateLimited) as refused:
        clients.admit("2001:db8::9")
    assert refused.value.retry_after
    clients.admit("2001:db8:1::9")
    for waiter in waiters * 2:
        clients.remove(waiter)
    clients.admit("2001:db8::9")
    assert clients._at == {}


def test_ends_those_who_fit() -> None:
    """Whoever is meant is put out with the error and the code, and nobody else."""
    clients = Clients(limit=9, address_limit=9, backlog_limit=1)
    ann, bob = FakeWaiter(ANN), FakeWaiter(BOB)
    for waiter in (ann, bob):
        clients.add(waiter)
    error = Unauthenticated("gone")
    clients.end(lambda caller: caller.user == BOB, error)
    assert (ann.refused, bob.refused) == ([], [(error, CloseCode.NOT_SIGNED_IN)])
    clients.end(lambda caller: caller.user == ANN, error, CloseCode.NOT_ALLOWED)
    assert ann.refused == [(error, CloseCode.NOT_ALLOWED)]


async def test_counts_by_transport() -> None:
    """Each client counts for its transport."""
    clients, tick = Clients(limit=9, address_limit=9, backlog_limit=1), Tick(asyncio.get_running_loop().call_soon)
    ours, theirs = socket.socketpair()
    with theirs:
        stream = IOStream(ours)
        bounds: dict[str, Any] = {"limit": 1, "grace": 1}
        clients.add(SocketWaiter(Caller(user=ANN), stream, FakeTransport(), tick, **bounds))
        clients.add(StreamWaiter(Caller(user=ANN), stream, FakeTransport(), tick, chunked=True, **bounds))
        for _ in range(2):
            clients.add(PollWaiter(Caller(user=ANN), tick, linger=0))
        assert [clients.count(kind) for kind in ("websocket", "stream", "poll")] == [1, 1, 2]
        assert clients.backlog() == 0
        stream.close()


async def test_closes_the_slowest_when_too_much_waits() -> None:
    """While more waits for all together than is allowed, the slowest go, and no more of them than need be."""
    tick = Tick(asyncio.get_running_loop().call_soon)
    clients = Clients(limit=9, address_limit=9, backlog_limit=400_000)
    pairs = [socket.socketpair() for _ in range(3)]
    transports = [FakeTransport() for _ in pairs]
    waiters = [
        SocketWaiter(Caller(user=ANN), IOStream(ours), transport, tick, limit=10**9, grace=60)
        for (ours, _), transport in zip(pairs, transports, strict=True)
    ]
    sizes = (600_000, 3_000_000, 300_000)
    for waiter, size in zip(waiters, sizes, strict=True):
        clients.add(waiter)
        waiter.put(b"x" * size)
        waiter.flush()
    backlogs = [waiter.backlog for waiter in waiters]
    assert backlogs[1] > 400_000 and sum(backlogs) == clients.backlog()
    clients.relieve()
    await asyncio.sleep(0.01)
    rest = backlogs[0] + backlogs[2]
    assert transports[1].code == CloseCode.SLOW_CONSUMER
    assert (transports[0].code == CloseCode.SLOW_CONSUMER) == (rest > 400_000)
    assert transports[2].code == 0
    clients.relieve()
    assert transports[2].code == 0  # the one that is closed already is counted as gone
    clients.remove(waiters[1])
    clients.relieve()
    for ours, theirs in pairs:
        theirs.close()
        ours.close()


async def test_leaves_everybody_when_little_waits() -> None:
    """Below the limit nobody is closed."""
    clients, tick = Clients(limit=9, address_limit=9, backlog_limit=10**9), Tick(asyncio.get_running_loop().call_soon)
    ours, theirs = socket.socketpair()
    with theirs:
        transport = FakeTransport()
        waiter = SocketWaiter(Caller(user=ANN), IOStream(ours), transport, tick, limit=10**9, grace=0)
        clients.add(waiter)
        waiter.put(b"x" * 3_000_000)
        waiter.flush()
        assert clients.backlog() > 0
        clients.relieve()
        assert transport.code == 0
        ours.close()


def test_calls_back_those_that_fit() -> None:
    """They are let go as if the server restarted, so that they come again; the others stay."""
    clients = Clients(limit=9, address_limit=9, backlog_limit=1)
    waiters = [FakeWaiter(ANN), FakeWaiter(BOB), FakeWaiter(ANN)]
    let_go: list[FakeWaiter] = []
    for waiter in waiters:
        replace_methods(waiter, dismiss=lambda waiter=waiter: let_go.append(waiter))
        clients.add(waiter)
    clients.recall(lambda caller: caller.user == ANN)
    assert let_go == [waiters[0], waiters[2]]


async def test_looks_at_nobody_who_takes_what_comes() -> None:
    """Who falls behind is looked at until they have caught up or gone."""
    clients = Clients(limit=9, address_limit=9, backlog_limit=10**9)
    async with line() as slow, line() as gone:
        for client in (slow, gone):
            clients.add(client.waiter)
        assert clients._behind == set()
        for client in (slow, gone):
            client.fill()
        assert clients._behind == {slow.waiter, gone.waiter}
        assert clients.backlog() == slow.waiter.backlog + gone.waiter.backlog
        clients.remove(gone.waiter)
        while slow.waiter.backlog:
            slow.drain()
            await asyncio.sleep(0)
        clients.relieve()
        assert clients._behind == set()
