"""Joining, being told, saying: what every client does while nothing is in the way."""

import asyncio

import pytest

from tests.browser.server_process import PASSWORD, ServerProcess
from tests.conformance.conftest import Bob, Bring, Kind, new_name
from tests.conformance.driven import Failure, in_order


@pytest.mark.parametrize("transport", ["automatic"], indirect=True)
async def test_signing_in(bring: Bring, server: ServerProcess) -> None:
    """As a guest, with an account, and with a token; who is refused is told why."""
    name = new_name()
    facts = await (await bring(server.address, name=name)).facts()
    assert (facts["user"]["name"], facts["user"]["guest"]) == (name, True)
    same = await bring(server.address, token=facts["token"])
    assert (await same.facts())["user"] == facts["user"]
    member = new_name()
    server.account(member)
    facts = await (await bring(server.address, name=member, password=PASSWORD)).facts()
    assert (facts["user"]["name"], facts["user"]["guest"]) == (member, False)
    for options, code in (
        ({"name": name}, "name_taken"),
        ({"name": member, "password": "wrong"}, "unauthenticated"),
        ({"token": "none"}, "unauthenticated"),
    ):
        with pytest.raises(Failure) as refused:
            await bring(server.address, **options)
        assert (refused.value.kind, refused.value.code) == ("Refused", code)


async def test_joining_gives_the_history(bring: Bring, kind: Kind, server: ServerProcess, bob: Bob, room: str) -> None:
    """The last messages as they are now, what the room is called, and who is there; of those one has said all."""
    bob.makes_room(title="The attic")
    seqs = [bob.says(text) for text in ("one", "two", "three", "four")]
    bob.does("edit", seqs[1], text="zwei")
    bob.does("delete", seqs[2])
    bob.does("react", seqs[3], emoji="👍")
    ann = await bring(server.address)
    joined = await ann.join(room, history=3)
    assert (joined["title"], joined["name"]) == ("The attic", room)
    two, three, four = joined["recent"]
    assert two["text"] == "zwei" and two["edited"] and three["deleted"] and not three.get("text")
    assert [person["name"] for person in four["reactions"]["👍"]] == [bob.name]
    await ann.is_online()  # an event stream is told of a room a moment before it is open for the next
    facts = await ann.facts()
    assert (facts["transport"], facts["closed"]) == (kind.way, None)
    assert (await ann.cursor(room))["seq"] == bob.does("react", seqs[3], emoji="👍", on=False) - 1
    assert (await ann.join(room.upper()))["title"] == "The attic"


async def test_what_others_do_comes_once_and_in_order(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """Messages, edits, deletions and reactions, with all their fields."""
    ann = await bring(server.address)
    assert (await ann.join(room))["recent"] == []
    first = bob.says("one")
    bob.does("edit", first, text="eins")
    bob.does("react", first, emoji="🎉")
    bob.does("react", first, emoji="🎉", on=False)
    second = bob.says("two")
    last = bob.does("delete", second)
    await ann.until(lambda: ann.entries(room) and ann.entries(room)[-1]["seq"] == last, room)
    told = ann.entries(room)
    assert [entry["type"] for entry in told] == ["message", "edit", "reaction", "reaction", "message", "delete"]
    assert [entry["seq"] for entry in told] == list(range(first, last + 1))
    assert {(entry["room"], entry["user"]["name"]) for entry in told} == {(room, bob.name)}
    assert [entry["target"] for entry in told if "target" in entry] == [first] * 3 + [second]
    # By the time that a poll is answered from the log a message may have changed.
    assert told[0]["text"] in ("one", "eins") and told[1]["text"] == "eins" and told[4].get("text", "") in ("two", "")
    assert [(entry["emoji"], entry["on"]) for entry in told[2:4]] == [("🎉", True), ("🎉", False)]
    assert all(entry["at"] > 1_600_000_000_000 and not entry.get("key") for entry in told)


async def test_what_one_says_is_acknowledged(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """With its place and time, once; it is told oneself too, with its key, and stored."""
    ann = await bring(server.address)
    await ann.join(room)
    said = await ann.do("send", room, "hello")
    note = await ann.do("send", room, kind="note", data={"a": [1, None, "ä"]})
    edit = await ann.do("edit", room, said["seq"], "hello!")
    react = await ann.do("react", room, said["seq"], "🎉")
    back = await ann.do("react", room, said["seq"], "🎉", on=False)
    away = await ann.do("delete", room, note["seq"])
    acks = [said, note, edit, react, back, away]
    await ann.until(lambda: len(ann.entries(room)) >= len(acks), room)
    told = ann.entries(room)
    fields = ("room", "seq", "at", "key")
    assert [[entry[field] for field in fields] for entry in told] == [[ack[field] for field in fields] for ack in acks]
    assert (told[1]["kind"], told[1]["data"]) == ("note", {"a": [1, None, "ä"]})
    assert [told[3]["on"], told[4]["on"]] == [True, False]
    (stored, gone) = bob.stored()
    assert (stored["text"], stored["seq"], bool(gone["deleted"])) == ("hello!", said["seq"], True)
    assert (await ann.facts())["unsent"] == 0


async def test_much_at_once_keeps_its_order(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """What one says in a room without waiting is stored in the order in which it was said; without joining too."""
    ann = await bring(server.address)
    texts = [f"message {number}" for number in range(20)]
    acks = await asyncio.gather(*(ann.do("send", room, text) for text in texts))
    assert [entry["text"] for entry in bob.stored()] == texts
    assert in_order(acks)


async def test_pages_of_history(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """The last messages before one, and those of a stretch."""
    seqs = [bob.says(str(number)) for number in range(6)]
    ann = await bring(server.address)
    await ann.join(room, history=0)
    page = await ann.messages("history", room, before=seqs[4], limit=2)
    assert [message["text"] for message in page] == ["2", "3"]
    between = await ann.messages("between", room, seqs[1], seqs[4])
    assert [message["text"] for message in between] == ["1", "2", "3", "4"]


async def test_several_rooms_and_leaving(bring: Bring, server: ServerProcess, room: str) -> None:
    """Rooms are kept apart; who has left one hears no more of it, the others go on; and one may come back."""
    rooms = [f"{room}-{letter}" for letter in "abc"]
    bobs = [Bob(server, each) for each in rooms]
    ann = await bring(server.address)
    for each in rooms:
        await ann.join(each)
    for other in bobs:
        other.says(f"in {other.room}")
    for each in rooms:
        await ann.hears(each, f"in {each}")
    await ann.do("leave", rooms[0])
    await ann.is_told(rooms[0], "over")
    assert ann.events[rooms[0]][-1] == {"type": "over"}
    cursor = await ann.cursor(rooms[0])
    for other in bobs:
        other.says("more")
    for each in rooms[1:]:
        await ann.hears(each, f"in {each}", "more")
    assert ann.texts(rooms[0]) == [f"in {rooms[0]}"]
    await ann.join(rooms[0], cursor=cursor)
    await ann.hears(rooms[0], f"in {rooms[0]}", "more")


async def test_who_is_there(bring: Bring, kind: Kind, server: ServerProcess, room: str) -> None:
    """Who comes and goes is told, and where the server tells it who types and how far somebody has read."""
    ann, cid = await bring(server.address), await bring(server.address)
    await ann.join(room)
    assert ann.of_type(room, "joined") == []
    name = (await cid.facts())["user"]["name"]
    await cid.join(room)
    await ann.until(lambda: name in [event["user"]["name"] for event in ann.of_type(room, "joined")], room)
    assert (await ann.join(room))["people"] == 2 and name in (await ann.join(room))["members"]
    if kind.way != "poll":
        await cid.do("typing", room)
        assert (await ann.is_told(room, "typing"))["user"]["name"] == name
        seq = (await ann.do("send", room, "read me"))["seq"]
        await cid.do("read", room, seq)
        read = await ann.is_told(room, "read")
        assert (read["user"]["name"], read["seq"]) == (name, seq)
        await cid.close()
        assert (await ann.is_told(room, "left"))["user"]["name"] == name


async def test_refusals_reach_the_one_who_asked(bring: Bring, server: ServerProcess, bob: Bob, room: str) -> None:
    """With code and sentence, and nothing else suffers; one who does not want to wait is told how long it would be."""
    bob.makes_room()
    seq = bob.says("mine")
    ann = await bring(server.address)
    await ann.join(room)
    for call, arguments, code in (
        ("edit", (seq, "yours"), "forbidden"),
        ("send", ("x" * 4_001,), "too_large"),
        ("delete", (10_000,), "not_found"),
        ("send", ("",), "bad_request"),
    ):
        with pytest.raises(Failure) as refused:
            await ann.do(call, room, *arguments)
        assert (refused.value.kind, refused.value.code) == ("Refused", code)
        assert refused.value.reason.endswith(".")
    bob.call("PATCH", bob.path, {"slow": 60})
    await ann.do("send", room, "slowly")
    with pytest.raises(Failure) as refused:
        await ann.do("send", room, "too soon", patient=False)
    assert refused.value.code == "rate_limited" and 50 < (refused.value.retry_after or 0) <= 60
    bob.call("PATCH", bob.path, {"slow": 1})
    await ann.do("send", room, "in time")
    assert [entry["text"] for entry in bob.stored()] == ["mine", "slowly", "in time"]
    with pytest.raises(Failure) as refused:
        await ann.call("GET", "/api/account")
    assert (refused.value.kind, refused.value.code) == ("Refused", "unauthenticated")
