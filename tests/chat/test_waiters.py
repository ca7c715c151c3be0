"""Waiters: how one client receives, its backlog and its limit, over real sockets."""

import asyncio

import pytest
from tornado.testing import ExpectLog

from chat import streaming
from chat.broadcast import Broadcast, Notice
from chat.callers import Caller
from chat.framing import chunk, event, frame
from chat.protocol import CloseCode
from chat.waiters import PollWaiter, StreamWaiter
from tests.frames import bytes_of_tornado
from tests.lines import LIMIT, ManualTick, line
from tests.rooms import ANN, BOB, FakeWaiter, message, new_room
from tests.waiting import until


def notice() -> Notice:
    return Notice("typing", "Lobby", user=BOB.author)


# The tick


def test_a_tick_flushes_each_waiter_once() -> None:
    """What one turn brings leaves in one flush, and the loop is asked once for all."""
    ticks, waiters = ManualTick(), [FakeWaiter(), FakeWaiter()]
    for waiter in waiters:
        ticks.tick.touch(waiter)
    assert ticks.asked == 1
    ticks.turn()
    assert [waiter.flushes for waiter in waiters] == [1, 1]
    ticks.turn()
    assert [waiter.flushes for waiter in waiters] == [1, 1]


def test_a_failing_waiter_does_not_stop_the_tick() -> None:
    """An exception in one flush is logged, and the next waiter is flushed."""
    ticks, bad, good = ManualTick(), FakeWaiter(failing=True), FakeWaiter()
    ticks.tick.touch(bad)
    ticks.tick.touch(good)
    with ExpectLog("parley.waiters", "<FakeWaiter of g-ann> failed"):
        ticks.turn()
    assert good.flushes == 1


# Connections that keep up


async def test_what_one_turn_brings_leaves_together() -> None:
    """Several messages of a turn are one read at the other end, in order, and none leaves before the turn ends."""
    async with line() as client:
        client.waiter.put(b"one ")
        client.waiter.put(b"two ")
        client.waiter.put(b"three")
        with pytest.raises(BlockingIOError):
            client.far.recv(100)
        assert client.ticks.asked == 1
        client.ticks.turn()
        assert client.far.recv(100) == b"one two three"


async def test_a_socket_gets_frames() -> None:
    """Entries, notices and replies are frames; a sender's own entry has its key."""
    async with line() as client:
        public = Broadcast("lobby", "e", [message(1, BOB, key="secret")])
        own = Broadcast("lobby", "e", [message(2, ANN, key="mine")])
        passing = notice()
        client.deliver(public)
        client.deliver(own)
        client.waiter.notify(passing)
        client.waiter.reply(b"{}")
        client.ticks.turn()
        wanted = public.frames + own.frames_for(ANN.id) + passing.frame + frame(b"{}")
        assert await client.read(len(wanted)) == wanted
        assert b"mine" in wanted and b"secret" not in wanted


async def test_a_stream_gets_events_with_its_cursors() -> None:
    """A client of one room is sent the shared bytes; one of two rooms gets both cursors as the id."""
    async with line(StreamWaiter) as client:
        client.waiter.cursors["lobby"] = 0
        shared = Broadcast("lobby", "e", [message(1, BOB), message(2, BOB)])
        client.deliver(shared)
        client.ticks.turn()
        assert await client.read(len(shared.chunk)) == shared.chunk
        client.waiter.cursors["den"] = 7
        entry = message(3, BOB)
        client.deliver(Broadcast("lobby", "e", [entry]))
        client.waiter.notify(notice())
        client.ticks.turn()
        wanted = chunk(event(entry.public_json(), "3,7")) + chunk(notice().event)
        assert await client.read(len(wanted)) == wanted


async def test_a_streams_own_entry_has_its_key() -> None:
    """A sender's event carries the key, with the same id as everybody's."""
    async with line(StreamWaiter) as client:
        client.waiter.cursors["lobby"] = 0
        entry = message(1, ANN, key="mine")
        client.deliver(Broadcast("lobby", "e", [entry]))
        client.ticks.turn()
        wanted = chunk(event(entry.json(), "1"))
        assert await client.read(len(wanted)) == wanted


async def test_a_stream_without_chunks_gets_bare_events() -> None:
    """A client of HTTP/1.0 is sent events alone."""
    async with line(StreamWaiter, chunked=False) as client:
        client.waiter.cursors["lobby"] = 0
        shared, entry = Broadcast("lobby", "e", [message(1, BOB)]), message(2, ANN)
        client.deliver(shared)
        client.deliver(Broadcast("lobby", "e", [entry]))
        client.waiter.notify(notice())
        client.ticks.turn()
        wanted = shared.events + event(entry.json(), "2") + notice().event
        assert await client.read(len(wanted)) == wanted


# Slow ones


async def test_counts_what_waits() -> None:
    """Bytes the kernel does not take are counted, and go out in order when there is room."""
    async with line() as client:
        size = client.fill()
        assert 0 < client.waiter.backlog <= 10_000
        before = client.waiter.backlog
        client.put(b"the end")
        assert client.waiter.backlog == before + 7
        data = await client.read(size + 7)
        assert data == b"x" * size + b"the end"
        assert client.waiter.backlog == 0
        assert client.transport.closes == []


async def test_what_passes_is_dropped_first() -> None:
    """Past half the limit what passes is dropped, and entries are still kept."""
    async with line() as client:
        client.fill()
        client.waiter.notify(notice())
        client.put(b"y" * (LIMIT // 2))
        held = client.waiter.backlog
        client.waiter.notify(notice())
        assert client.waiter.backlog == held
        client.put(b"kept")
        assert client.waiter.backlog == held + 4
        assert client.transport.closes == []


async def test_a_slow_client_leaves_its_rooms_and_is_closed() -> None:
    """Past the limit it leaves its rooms at once, and is closed with 4008 when it has read what was on its way."""
    async with line() as client:
        room = new_room()
        room.join(client.waiter)
        size = client.fill()
        client.put(b"y" * LIMIT)
        assert client.waiter.closed
        assert client.waiter.backlog < LIMIT  # what was dropped does not wait any more
        assert (room.people, client.transport.has_left) == (0, 1)
        assert client.transport.closes == []
        await client.read(size)
        async with asyncio.timeout(10):
            await client.transport.closed.wait()
        assert client.transport.code == CloseCode.SLOW_CONSUMER
        client.put(b"more")
        with pytest.raises(BlockingIOError):
            client.far.recv(100)


async def test_one_who_never_reads_is_closed_after_the_grace() -> None:
    """Who does not read why it is closed is closed all the same."""
    async with line(grace=0.05) as client:
        client.fill()
        client.put(b"y" * LIMIT)
        assert client.transport.closes == []
        async with asyncio.timeout(10):
            await client.transport.closed.wait()
        assert client.transport.code == CloseCode.SLOW_CONSUMER


async def test_the_time_to_read_why_can_be_ended() -> None:
    """Once the server has too much waiting, or stops, a slow client is not waited for any longer."""
    async with line() as client:
        client.fill()
        client.put(b"y" * LIMIT)
        client.waiter.close(CloseCode.SLOW_CONSUMER, "now")
        assert client.transport.closes == []
        client.waiter.close(CloseCode.RESTARTING, "now", grace=False)
        assert [code for code, _ in client.transport.closes] == [CloseCode.SLOW_CONSUMER]


async def test_a_burst_alone_closes_nobody() -> None:
    """One turn may bring more than the limit to a client that reads: it gets everything."""
    async with line() as client:
        client.put(b"x" * (3 * LIMIT))
        assert client.waiter.backlog > LIMIT
        assert await client.read(3 * LIMIT) == b"x" * (3 * LIMIT)
        client.put(b"more")
        assert await client.read(4) == b"more"
        assert client.transport.closes == []


async def test_many_small_messages_go_in_pieces() -> None:
    """A large backlog of small messages is written piece by piece and arrives whole."""
    async with line() as client:
        parts = [f"{n:06d};".encode() for n in range(13_000)]
        size = client.fill()
        for part in parts:
            client.waiter.put(part)
        assert client.waiter.backlog > 65_536
        assert (await client.read(size + 7 * len(parts)))[size:] == b"".join(parts)


# Closing


async def test_what_is_ready_goes_before_a_close() -> None:
    """What was said in the same turn is sent, then the connection is closed; a second close changes nothing."""
    async with line() as client:
        client.waiter.put(b"last words")
        client.waiter.close(4400, "enough")
        client.waiter.close(4008, "again")
        client.ticks.turn()
        assert client.far.recv(100) == b"last words"
        assert client.transport.closes == [(4400, "enough")]
        assert client.transport.has_left == 1


async def test_a_full_connection_without_grace_is_closed_at_once() -> None:
    """One that gives no pong is not waited for."""
    async with line() as client:
        client.fill()
        client.waiter.close(CloseCode.NO_PONG, "gone", grace=False)
        assert client.transport.code == CloseCode.NO_PONG


async def test_is_dismissed_with_a_code_that_says_come_back() -> None:
    """When the server stops a socket is closed with 1012."""
    async with line() as client:
        client.waiter.dismiss()
        assert client.transport.code == CloseCode.RESTARTING


async def test_a_connection_that_is_gone_frees_its_waiter() -> None:
    """It leaves its rooms, once, and asks for no close."""
    async with line() as client:
        room = new_room()
        room.join(client.waiter)
        client.waiter.gone()
        client.waiter.gone()
        assert (room.people, client.transport.has_left, client.transport.closes) == (0, 1, [])
        assert client.waiter.closed


async def test_a_broken_connection_costs_nothing() -> None:
    """A client that cuts the line while bytes wait for it loses them, and what comes later goes nowhere."""
    async with line() as client:
        client.fill()
        client.waiter.put(b"waiting")
        client.far.close()
        await until(lambda: not client.waiter.backlog)
        client.put(b"more")
        assert client.stream.closed()
        client.put(b"and more")
        assert client.waiter.backlog == 0


async def test_a_line_that_breaks_while_it_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the stream close between the send and the write, what waits is dropped."""
    async with line() as client:
        monkeypatch.setattr(streaming, "send_now", lambda _send, data: data)
        client.stream.close()
        client.waiter.put(b"one")
        client.waiter.put(b"two")
        client.ticks.turn()
        assert client.waiter.backlog == 0
        assert client.transport.closes == []


async def test_a_connection_that_goes_while_it_is_full() -> None:
    """Gone with bytes on their way: it leaves once, and what was on its way does no harm."""
    async with line() as client:
        room = new_room()
        room.join(client.waiter)
        client.fill()
        client.waiter.gone()
        client.far.close()
        client.stream.close()
        await asyncio.sleep(0.01)
        client.put(b"more")
        assert (room.people, client.transport.has_left) == (0, 1)


async def test_waits_its_turn_behind_what_others_write() -> None:
    """While the stream writes a pong of Tornado's, nothing goes past it, though the kernel has room again by then."""
    async with line() as client:
        pong = b"pong" * 1_500_000
        client.stream.write(pong)
        assert client.stream.writing()
        client.waiter.written_beside()
        head = client.drain()
        client.put(b"after")
        assert head + await client.read(len(pong) + 5 - len(head)) == pong + b"after"


# Polls


async def test_a_poll_is_answered_once_with_all_of_a_turn() -> None:
    """What several rooms bring in one turn is one answer, at the end of that turn."""
    ticks = ManualTick()
    poll = PollWaiter(Caller(user=ANN), ticks.tick, linger=10)
    rooms = [new_room(name="a"), new_room(name="b")]
    for room in rooms:
        room.join(poll)
    waiting = asyncio.create_task(poll.wait(30))
    await asyncio.sleep(0)
    rooms[0].publish([message(1)])
    rooms[1].publish([message(1)])
    assert not waiting.done()
    ticks.turn()
    assert [broadcast.key for broadcast in await waiting] == ["a", "b"]
    assert poll.rooms == {}


async def test_a_poll_does_not_wait_for_what_passes() -> None:
    """Comings and goings do not answer a poll; an entry does."""
    ticks = ManualTick()
    poll, room = PollWaiter(Caller(user=ANN), ticks.tick, linger=10), new_room()
    room.join(poll)
    waiting = asyncio.create_task(poll.wait(30))
    await asyncio.sleep(0)
    room.announce("typing", BOB)
    ticks.turn()
    await asyncio.sleep(0)
    assert not waiting.done()
    room.publish([message(1)])
    ticks.turn()
    assert len(await waiting) == 1


async def test_a_poll_ends_empty() -> None:
    """When its time is over it is answered with nothing, and has left its rooms."""
    poll, room = PollWaiter(Caller(user=ANN), ManualTick().tick, linger=10), new_room()
    room.join(poll)
    assert await poll.wait(0.01) == []
    assert poll.rooms == {}


async def test_a_dismissed_poll_is_answered() -> None:
    """When the server stops it is answered at once; doing so twice is harmless."""
    poll, room = PollWaiter(Caller(user=ANN), ManualTick().tick, linger=10), new_room()
    room.join(poll)
    room.dismiss()
    poll.finish()
    assert await poll.wait(30) == []


async def test_bytes_are_those_of_write_message() -> None:
    """A socket's waiter puts the very bytes on the line that Tornado's `write_message` would."""
    async with line() as client:
        entries = [message(1, BOB, "short"), message(2, BOB, "x" * 300), message(3, BOB, "客" * 30_000)]
        client.deliver(Broadcast("lobby", "e", entries))
        client.ticks.turn()
        texts = [entry.public_json().decode() for entry in entries]
        wanted = await bytes_of_tornado(lambda handler: [handler.write_message(text) for text in texts])
        assert await client.read(len(wanted)) == wanted
