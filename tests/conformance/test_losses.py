"""Connections that are lost, in every way: nothing is missed, nothing doubled, and where it is over that is said."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.request import urlopen

import pytest

from tests.browser.proxy import Proxy as RefusingProxy
from tests.browser.server_process import ServerProcess
from tests.conformance.conftest import LANGUAGES, TRANSPORTS, Bob, Bring, Kind, at, new_name
from tests.conformance.driven import Driven, Failure, in_order
from tests.conformance.strange_server import StrangeServer
from tests.faults.proxy import Proxy

Line = Callable[..., Awaitable[Proxy]]
NEXT = {"ws": "stream", "stream": "poll", "poll": "ws"}


async def test_a_cut_line_mends_itself(bring: Bring, line: Line, bob: Bob, room: str) -> None:
    """What others do meanwhile comes afterwards, once and in order, and what one says meanwhile is sent."""
    proxy = await line()
    ann = await bring(at(proxy))
    await ann.join(room)
    seq = bob.says("before")
    await ann.hears(room, "before")
    proxy.is_down = True
    proxy.cut()
    saying = asyncio.create_task(ann.do("send", room, "into the gap"))
    bob.says("meanwhile")
    bob.does("edit", seq, text="before, edited")
    await ann.until(lambda: "reconnecting" in ann.states)
    proxy.is_down = False
    assert (await saying)["seq"] == seq + 3
    await ann.hears(room, "before", "meanwhile", "into the gap")
    assert in_order(ann.entries(room)) and [entry["seq"] for entry in ann.entries(room)] == list(range(seq, seq + 4))
    assert (await ann.facts())["state"] == "online"


async def test_a_line_that_is_cut_all_the_time(
    bring: Bring, line: Line, server: ServerProcess, bob: Bob, room: str
) -> None:
    """However often it is cut, in the middle of whatever, each entry comes once, and each message is stored once."""
    proxy = await line()
    ann = await bring(at(proxy))
    await ann.join(room)
    sayings = []
    for number in range(6):
        bob.says(f"bob {number}")
        sayings.append(asyncio.create_task(ann.do("send", room, f"ann {number}")))
        await asyncio.sleep(0.01 * number)
        proxy.cut()
    acks = await asyncio.gather(*sayings)
    stored = bob.stored()
    await ann.until(lambda: len(ann.entries(room)) >= 12, room)
    assert [entry["seq"] for entry in ann.entries(room)] == [entry["seq"] for entry in stored]
    assert [entry["text"] for entry in stored if entry["text"].startswith("ann")] == [f"ann {n}" for n in range(6)]
    assert [ack["seq"] for ack in acks] == [entry["seq"] for entry in stored if entry["text"].startswith("ann")]


async def test_a_lost_acknowledgement(bring: Bring, line: Line, server: ServerProcess, bob: Bob, room: str) -> None:
    """A message that is stored, and whose answer is lost, goes again under its key: the same entry is the answer."""
    lost = []

    def cut_at(said: bytes) -> bool:
        if not lost and (b'"ack"' in said or b'"at":' in said):
            lost.append(said)
        return len(lost) == 1 and lost[0] is said

    proxy = await line(cut_at=cut_at)
    ann = await bring(at(proxy))
    await ann.join(room)
    ack = await ann.do("send", room, "once")
    await ann.hears(room, "once")
    (stored,) = bob.stored()
    assert lost and proxy.cuts == 1
    assert (stored["text"], stored["seq"], stored["at"]) == ("once", ack["seq"], ack["at"])


@pytest.mark.parametrize("transport", ["ws", "stream", "poll"], indirect=True)
async def test_another_transport_goes_on(bring: Bring, kind: Kind, server: ServerProcess, bob: Bob, room: str) -> None:
    """With its cursor, whichever transport it was from, and as the same person."""
    ann = await bring(server.address)
    await ann.join(room)
    bob.says("one")
    await ann.hears(room, "one")
    bob.says("two")
    await ann.hears(room, "one", "two")
    token = (await ann.facts())["token"]
    later = await bring(server.address, token=token, transport=NEXT[kind.way])
    bob.says("three")
    await later.join(room, cursor={"epoch": (await ann.cursor(room))["epoch"], "seq": 1})
    await later.hears(room, "two", "three")
    assert (await later.facts())["transport"] == NEXT[kind.way]
    assert (await later.facts())["user"] == (await ann.facts())["user"]
    await ann.hears(room, "one", "two", "three")


@pytest.mark.parametrize("transport", ["automatic"], indirect=True)
async def test_where_no_socket_opens(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """The next best way is taken by itself."""
    proxy = RefusingProxy(server.address)
    proxy.refuses_sockets = True
    ann = await bring(proxy.address)
    try:
        await ann.join(room)
        assert (await ann.facts())["transport"] == "stream"
        bob.says("by the stream")
        await ann.do("send", room, "by post")
        await ann.hears(room, "by the stream", "by post")
    finally:
        await ann.close()
        await asyncio.to_thread(proxy.close)


@pytest.mark.parametrize(("language", "transport"), [("page", "automatic")], indirect=True)
@pytest.mark.parametrize("way", ["kill", "stop"])
async def test_the_server_starts_again(bring: Bring, mortal_server: ServerProcess, way: str) -> None:
    """Killed in the middle of what clients of all kinds say in one room, or stopped as one stops it (1012): the same
    keys go again, one entry each, and everybody hears all of it in one order."""
    room = f"restart-{new_name()}"
    bob = Bob(mortal_server, room)
    kinds = [Kind(language, transport) for language in LANGUAGES for transport in TRANSPORTS]
    everybody = [await bring(mortal_server.address, kind) for kind in kinds]
    for ann in everybody:
        await ann.join(room)
    texts = [[f"{kind.language} {kind.transport} {number}" for number in range(8)] for kind in kinds]
    saying = [
        [asyncio.create_task(ann.do("send", room, text)) for text in own]
        for ann, own in zip(everybody, texts, strict=True)
    ]
    await asyncio.gather(*(own[1] for own in saying))
    await asyncio.to_thread(mortal_server.kill if way == "kill" else mortal_server.stop)
    for ann, own in zip(everybody, saying, strict=True):
        own.append(asyncio.create_task(ann.do("send", room, "while it was away")))
    await asyncio.to_thread(mortal_server.start)
    acks = [await asyncio.gather(*own) for own in saying]
    last = bob.says("after")
    stored = {entry["seq"]: entry["text"] for entry in bob.stored()}
    assert list(stored) == list(range(1, last + 1)) and last == 8 * 9 + 1
    for ann, own, said in zip(everybody, texts, acks, strict=True):
        assert [stored[ack["seq"]] for ack in said] == [*own, "while it was away"] and in_order(said)
        await ann.until(lambda ann=ann: len(ann.entries(room)) >= last, room)
        assert {entry["seq"]: entry["text"] for entry in ann.entries(room)} == stored and in_order(ann.entries(room))
        assert "reconnecting" in ann.states and (await ann.facts())["unsent"] == 0


async def test_the_outbox_outlives_the_client(
    bring: Bring, line: Line, server: ServerProcess, bob: Bob, room: str
) -> None:
    """What was said while there was no line is sent by the next client with that outbox, in order and once."""
    proxy = await line()
    token = server.token(new_name())
    ann = await bring(at(proxy), token=token, outbox=f"outbox-{room}")
    await ann.join(room)
    await ann.do("send", room, "one")
    proxy.is_down = True
    proxy.cut()
    await ann.until(lambda: "reconnecting" in ann.states)
    waiting = [asyncio.create_task(_ignored(ann, room, text)) for text in ("two", "three")]
    await ann.has_unsent(2)
    await ann.vanish()
    for task in waiting:
        task.cancel()
    proxy.is_down = False
    again = await bring(at(proxy), token=token, outbox=f"outbox-{room}")
    await again.join(room, cursor={"epoch": "", "seq": 0})
    await again.until(lambda: again.texts(room)[-1:] == ["three"], room)
    assert [entry["text"] for entry in bob.stored()] == ["one", "two", "three"]
    assert (await again.facts())["unsent"] == 0


async def _ignored(client: Driven, room: str, text: str) -> None:
    with suppress(Exception):  # whatever becomes of a call whose client is gone
        await client.do("send", room, text)


async def test_a_gap_is_told(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """Where more was missed than one answer holds: which entries, and their messages can be read."""
    bob.says("first")
    await asyncio.to_thread(server.fill, room, 120)
    ann = await bring(server.address)
    epoch = bob.call("GET", bob.path)["epoch"]
    await ann.join(room, cursor={"epoch": epoch, "seq": 1})
    await ann.until(lambda: ann.entries(room) and ann.entries(room)[-1]["seq"] == 121, room)
    (gap,) = ann.of_type(room, "gap")
    assert gap["first"] == 2 and gap["last"] + 1 == ann.entries(room)[0]["seq"]
    assert [entry["seq"] for entry in ann.entries(room)] == list(range(gap["last"] + 1, 122))
    between = await ann.messages("between", room, gap["first"], gap["last"])
    assert [message["seq"] for message in between] == list(range(2, gap["last"] + 1))
    assert (await ann.cursor(room))["seq"] in (120, 121)


async def test_a_reset_is_told(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """Who comes with the cursor of another room of that name is told to begin anew, with the latest messages."""
    bob.says("one")
    bob.says("two")
    ann = await bring(server.address)
    await ann.join(room, cursor={"epoch": "another", "seq": 2})
    await ann.hears(room, "one", "two")
    assert next(event["type"] for event in ann.events[room] if event["type"] != "joined") == "reset"
    assert ann.of_type(room, "reset")[0]["epoch"] == (await ann.cursor(room))["epoch"]


async def test_one_who_is_too_slow_comes_back(bring: Bring, line: Line, kind: Kind, bob: Bob, room: str) -> None:
    """Where a client does not take what it is told the server closes (4008): it goes on where it was."""
    proxy = await line(narrow=True)
    ann = await bring(at(proxy))
    await ann.join(room)
    bob.says("before")
    await ann.hears(room, "before")
    server = bob.server
    closed = slow_closes(server)
    proxy.held = True
    count = 0
    while slow_closes(server) == closed and count < 150 and not (kind.way == "poll" and count == 20):
        for _ in range(5):
            bob.shows({"x": "y" * 60_000})
        count += 5
    assert kind.way == "poll" or slow_closes(server) > closed
    proxy.held = False
    last = bob.says("after")
    await ann.until(lambda: ann.entries(room)[-1]["seq"] == last, room)
    told = {entry["seq"] for entry in ann.entries(room)}
    for gap in ann.of_type(room, "gap"):
        told |= set(range(gap["first"], gap["last"] + 1))
    assert in_order(ann.entries(room)) and told == set(range(1, last + 1))


def slow_closes(server: ServerProcess) -> float:
    with urlopen(server.address + "/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("parley_slow_closes_total"))


async def test_signed_out_is_the_end(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """Whose session has ended (4401) does not come back; all that waits is told why, and so is what comes later."""
    token = server.token(new_name())
    ann = await bring(server.address, token=token)
    await ann.join(room)
    server.call("DELETE", "/api/session", token=token)
    closed = await ann.is_closed()
    assert closed["code"] == 4401 and closed["reason"]
    over = (await ann.is_told(room, "over"))["error"]
    assert (over.kind, over.code) == ("Closed", 4401)
    for call in (ann.do("send", room, "too late"), ann.join("elsewhere")):
        with pytest.raises(Failure) as refused:
            await call
        assert (refused.value.kind, refused.value.code) == ("Closed", 4401)


async def test_a_room_that_is_lost(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """Who is put out of a room hears why, and stays in the others; out of the last one they may still enter another."""
    bob.makes_room()
    other = Bob(server, f"{room}-other", bob.name)
    other.makes_room()
    ann = await bring(server.address)
    await ann.join(room)
    await ann.join(other.room)
    who = (await ann.facts())["user"]["id"]
    for each in (bob, other):
        each.call("POST", f"{each.path}/moderation", {"act": "kick", "who": who, "reason": "Calm down."})
        lost = (await ann.is_told(each.room, "over"))["error"]
        assert (lost.kind, lost.code) == ("RoomLost", "forbidden") and "Calm down." in lost.reason
        if each is bob:
            other.says("still here")
            await ann.hears(other.room, "still here")
    with pytest.raises(Failure) as refused:
        await ann.join(room)
    assert (refused.value.kind, refused.value.code) == ("RoomLost", "forbidden")
    assert (await ann.join(f"{room}-new"))["recent"] == []
    assert (await ann.facts())["closed"] is None


@pytest.mark.parametrize("transport", ["ws", "automatic"], indirect=True)
async def test_who_is_not_allowed(bring: Bring, line: Line, server: ServerProcess, bob: Bob, room: str) -> None:
    """Whose address is banned (4403) is out, and is told so."""
    proxy = await line(source="127.0.0.2")
    admin = server.account(f"admin-{new_name()}", admin=True)
    ann = await bring(at(proxy))
    await ann.is_online()
    server.call("POST", "/api/admin/addresses", {"range": "127.0.0.2", "reason": "Not from there."}, admin)
    try:
        closed = await ann.is_closed()
    finally:
        server.call("DELETE", "/api/admin/addresses/127.0.0.2", token=admin)
    assert closed["code"] == 4403 and closed["reason"]


async def test_what_is_not_known_is_ignored(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """Fields and messages that a client has never heard of change nothing, as the contract asks."""
    seq = bob.says("before")
    async with StrangeServer(server.address) as strange:
        ann = await bring(strange.address)
        assert [message["text"] for message in (await ann.join(room))["recent"]] == ["before"]
        bob.says("strange")
        bob.does("react", seq, emoji="🎉")
        ack = await ann.do("send", room, "after")
        await ann.hears(room, "after")
        assert [entry["seq"] for entry in ann.entries(room)] == [seq + 2, seq + 3] == [ack["seq"] - 1, ack["seq"]]
        assert "reconnecting" not in ann.states and ann.of_type(room, "over") == []
        await ann.close()


async def test_closing_leaves_nothing(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """No task, no timer, no request and no socket, whatever it was at; what waits is told."""
    ann = await bring(server.address)
    await ann.join(room)
    await ann.join(f"{room}-other")
    await ann.do("send", room, "hello")
    await ann.hears(room, "hello")
    await ann.close()
    assert await ann.running() == []
    over = (await ann.is_told(room, "over"))["error"]
    assert (over.kind, over.code) == ("Closed", 1000)
    bob.says("later")
    assert json.dumps(ann.texts(room)) == '["hello"]'
