"""The crowd: whoever stands in it, or steps out of it and back, gets every byte once and in order."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from tornado.testing import ExpectLog

from chat.broadcast import Broadcast
from chat.framing import PING
from chat.people import User
from chat.room import Room
from chat.waiter import GIVE_WAY
from tests.lines import Line, ManualTick
from tests.replacing import replace_methods
from tests.rooms import ANN, BOB, CID, message, new_room


@contextmanager
def lines(count: int) -> Iterator[list[Line]]:
    """Connections of as many people, which share a tick."""
    ticks = ManualTick()
    made = [Line(user=User(id=f"g-{number}", name=f"n{number}"), ticks=ticks) for number in range(count)]
    try:
        yield made
    finally:
        for each in made:
            each.close()


def quiet_room(name: str = "Lobby") -> Room:
    """One that tells nobody who comes and goes."""
    return new_room(name=name, presence_limit=0)


def frames(*entries: Broadcast) -> bytes:
    return b"".join(each.frames for each in entries)


def published(room: Room, user: User = CID) -> Broadcast:
    """Publishes the next message; gives what everybody but its sender is sent."""
    entry = message(room.seq + 1, user)
    room.publish([entry])
    return Broadcast(room.key, room.epoch, [entry])


async def test_a_broadcast_goes_to_all_at_the_end_of_the_turn() -> None:
    """Those for whom nothing else waits are sent the same bytes, what came in one turn together."""
    room = quiet_room()
    with lines(3) as clients:
        for client in clients:
            room.join(client.waiter)
        assert len(room._crowds) == 3
        first, second = published(room), published(room)
        assert [client.drain() for client in clients] == [b"", b"", b""]
        clients[0].ticks.turn()
        assert [client.drain() for client in clients] == [frames(first, second)] * 3


async def test_the_sender_is_told_first() -> None:
    """It stands apart, as its bytes hold its key, and is flushed before the crowd."""
    room, ticks = quiet_room(), ManualTick()
    ann, bob = Line(user=ANN, ticks=ticks), Line(user=BOB, ticks=ticks)
    room.join(ann.waiter)
    room.join(bob.waiter)
    order = []
    bob.waiter._send = lambda data: order.append("sender") or len(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chat.crowd.send_to_all", lambda sockets, data: order.append(f"crowd of {len(sockets)}") or [])
        published(room, BOB)
        ticks.turn()
    assert order == ["sender", "crowd of 1"]
    assert len(room._crowds) == 2
    ann.close()
    bob.close()


async def test_what_waits_for_the_crowd_goes_along_with_who_steps_out() -> None:
    """An answer that comes between a broadcast and its leaving follows it."""
    room = quiet_room()
    with lines(2) as (ann, bob):
        room.join(ann.waiter)
        room.join(bob.waiter)
        told = published(room)
        ann.waiter.put(b"answer")
        ann.ticks.turn()
        assert ann.drain() == told.frames + b"answer"
        assert bob.drain() == told.frames
        assert len(room._crowds) == 2


async def test_who_comes_after_a_broadcast_is_not_sent_it() -> None:
    """What was published before one joined is in what one caught up on."""
    room = quiet_room()
    with lines(2) as (ann, bob):
        room.join(ann.waiter)
        told = published(room)
        room.join(bob.waiter)
        ann.ticks.turn()
        assert (ann.drain(), bob.drain()) == (told.frames, b"")
        told = published(room)
        ann.ticks.turn()
        assert (ann.drain(), bob.drain()) == (told.frames, told.frames)


async def test_a_ping_leaves_one_in_the_crowd() -> None:
    """It goes at once, ahead of what waits for the crowd, and moves nobody."""
    room = quiet_room()
    with lines(2) as (ann, bob):
        room.join(ann.waiter)
        room.join(bob.waiter)
        told = published(room)
        ann.waiter.put_now(PING)
        assert (ann.drain(), len(room._crowds)) == (PING, 2)
        ann.ticks.turn()
        assert [ann.drain(), bob.drain()] == [frames(told)] * 2


async def test_a_full_connection_steps_out_and_costs_the_others_nothing() -> None:
    """What the kernel does not take waits for that one alone; when it has read, it stands in the crowd again."""
    room = quiet_room()
    with lines(3) as clients:
        slow = clients[1]
        for client in clients:
            room.join(client.waiter)
        sent: list[Broadcast] = []
        while not slow.waiter.backlog:
            sent.append(published(room))
            slow.ticks.turn()
            for client in (clients[0], clients[2]):
                assert client.drain() == sent[-1].frames
        assert len(room._crowds) == 2
        assert await slow.read(len(frames(*sent))) == frames(*sent)
        while slow.waiter.backlog:
            await slow.read(0)
        assert len(room._crowds) == 3


async def test_a_broken_connection_costs_the_others_nothing() -> None:
    """Also where it has been closed on our side, and somebody else has got the number of its file."""
    room = quiet_room()
    with lines(4) as clients:
        for client in clients:
            room.join(client.waiter)
        clients[0].far.close()
        clients[2].stream.close()
        for _ in range(2):  # the kernel learns of the first by sending
            told = published(room)
            clients[0].ticks.turn()
            assert clients[1].drain() == clients[3].drain() == told.frames
        assert clients[0].stream.closed()


async def test_a_client_that_fails_costs_the_others_nothing() -> None:
    """Of two that are slow the stream of one raises: it is closed, as its frame is broken off; the other's goes on."""
    room = quiet_room()
    with lines(3) as clients:
        for client in clients:
            room.join(client.waiter)
        broken, slow, quick = clients

        def fail(data: bytes) -> None:
            raise ValueError("no")

        replace_methods(broken.stream, write=fail)
        sent = []
        with ExpectLog("parley.crowd", "delivery to g-0 failed"):
            while not slow.waiter.backlog:
                sent.append(published(room))
                slow.ticks.turn()
                quick.drain()
        assert broken.stream.closed()
        assert await slow.read(len(frames(*sent))) == frames(*sent)


async def test_a_large_crowd_is_told_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two parts the loop turns. What is said then goes along to those whose turn has not come, and nobody is
    told anything twice, or too late."""
    small_crowds(monkeypatch)
    monkeypatch.setattr("chat.waiter.GIVE_WAY", 0)
    room = quiet_room()
    with lines(5) as clients:
        ticks = clients[0].ticks
        for client in clients:
            room.join(client.waiter)
        first = published(room)
        ticks.turn()
        assert [client.drain() for client in clients] == [frames(first)] * 2 + [b""] * 3
        second = published(room)
        ticks.turn()
        assert [client.drain() for client in clients[:4]] == [b""] * 2 + [frames(first, second)] * 2
        room.leave(clients[0].waiter)
        while ticks.asked:
            ticks.turn()
        ends = [frames(second), frames(second), b"", b"", frames(first, second)]
        assert [client.drain() for client in clients] == ends


async def test_a_large_crowd_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two parts are turns in which others are served, and nobody of the crowd is; it ends all the same."""
    small_crowds(monkeypatch)
    room = quiet_room()
    with lines(4) as clients:
        *crowd, other = clients
        for client in crowd:
            room.join(client.waiter)
        told = published(room)
        ticks = other.ticks
        ticks.turn()
        assert [client.drain() for client in crowd] == [frames(told)] * 2 + [b""]
        for number in range(GIVE_WAY):
            other.waiter.put(b"%d" % number)
            ticks.turn()
            assert (other.drain(), crowd[2].drain()) == (b"%d" % number, b"")
        ticks.turn()
        assert crowd[2].drain() == frames(told)
        assert not ticks.asked


def small_crowds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.crowd.LARGEST", 2)
    monkeypatch.setattr("chat.waiter.AT_ONCE", 2)


def as_told(client: Line, told: Broadcast) -> bytes:
    """What its connection reads of it."""
    user = client.waiter.user.id
    return told.frames_for(user) if user in told.senders else told.frames


@pytest.mark.parametrize("seed", range(60))
async def test_whatever_happens_each_gets_each_byte_once_and_in_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People come and go, are answered, are in two rooms, are slow: all read what was meant for them, in its order.
    Pings come between, each once and whole."""
    if seed % 2:
        small_crowds(monkeypatch)
    chance = random.Random(seed)
    rooms = [quiet_room("A"), quiet_room("B")]
    with lines(5) as clients:
        ticks = clients[0].ticks
        meant = dict.fromkeys(clients, b"")
        read = dict(meant)
        pings = dict.fromkeys(clients, 0)
        for step in range(300):
            client, room = chance.choice(clients), chance.choice(rooms)
            match chance.randrange(7):
                case 0:
                    room.join(client.waiter)
                case 1:
                    room.leave(client.waiter)
                case 2:
                    answer = b"<%d>" % step
                    client.waiter.put(answer)
                    meant[client] += answer
                case 3:
                    told = published(room, chance.choice([CID, client.waiter.user]))
                    for other in [other for other in clients if other.waiter in room.waiters()]:
                        meant[other] += as_told(other, told)
                case 4:
                    ticks.turn()
                case 5:
                    read[client] += client.drain()
                case 6:
                    client.waiter.put_now(PING)
                    pings[client] += 1
        while ticks.asked:
            ticks.turn()
        for client in clients:
            with suppress(TimeoutError):
                missing = len(meant[client]) + pings[client] * len(PING) - len(read[client])
                read[client] += await client.read(missing)
            assert read[client].replace(PING, b"") == meant[client]
            assert read[client].count(PING) == pings[client]
