"""History: the stored logs, in a real MongoDB."""

import asyncio
from unittest import mock

import pytest
from pymongo.errors import DuplicateKeyError

from chat.database import DatabaseError
from chat.entries import Entry
from chat.errors import Unavailable
from chat.history import Conflict, History
from chat.room import RoomRecord
from tests.mongo import SessionMongod
from tests.rooms import BOB, delete, edit, message, new_key, reaction


def record(name: str, **values: object) -> RoomRecord:
    return RoomRecord(**({"key": name, "name": name, "title": name, "epoch": new_key(), "made": 1} | values))


async def store(history: History, *entries: object, room: str = "lobby") -> None:
    await history.insert([(room, entry) for entry in entries])


async def test_gives_back_what_was_stored(mongod: SessionMongod, database: str) -> None:
    """Every field of an entry comes back, whatever is in its text and data, and each room has its own log."""
    async with mongod.history(database) as history:
        odd = {"$set": {"a.b": [1, None, 2**70, 1.5]}, "": "\u0000", "é": {}}
        entries = [message(1, text="a\u0000𝄞"), message(2, BOB, kind="poll", text=None, data=odd)]
        await store(history, *entries)
        await store(history, message(1, text="another log"), room="den")
        assert await history.newest("lobby", 10) == entries
        assert [entry.text for entry in await history.newest("den", 10)] == ["another log"]


async def test_reads_parts_of_a_log(mongod: SessionMongod, database: str) -> None:
    """Each question has its own part of the log, always in order."""
    async with mongod.history(database) as history:
        await store(history, message(1), edit(2, 1), message(3), reaction(4, 3), message(5), message(6))

        def seqs(entries: list) -> list[int]:
            return [entry.seq for entry in entries]

        assert seqs(await history.newest("lobby", 3)) == [4, 5, 6]
        assert seqs(await history.newest("lobby", 0)) == []
        assert seqs(await history.following("lobby", 2, 2)) == [3, 4]
        assert seqs(await history.following("lobby", 6, 2)) == []
        assert seqs(await history.between("lobby", 1, 5, 100)) == [2, 3, 4, 5]
        assert seqs(await history.between("lobby", 1, 5, 2)) == [4, 5]
        assert seqs(await history.messages("lobby", 6, 2)) == [3, 5]
        assert seqs(await history.messages("lobby", 1, 2)) == []
        assert seqs(await history.newest("den", 3)) == []


async def test_messages_come_in_their_present_state(mongod: SessionMongod, database: str) -> None:
    """A page shows what edits, reactions and deletions have made of its messages, wherever those stand."""
    async with mongod.history(database) as history:
        await store(history, message(1), message(2), message(3))
        await store(history, edit(4, 1, text="better"), reaction(5, 2, BOB), delete(6, 3))
        first, second, third = await history.messages("lobby", 4, 10)
        assert (first.text, first.edited) == ("better", 1_004)
        assert list(second.reactions) == ["👍"]
        assert (third.text, third.deleted) == (None, 1_006)
        found = await history.message("lobby", 1)
        assert found is not None and found.text == "better"
        assert await history.message("lobby", 4) is None
        assert await history.message("lobby", 99) is None


async def test_an_entry_is_found_by_its_key_as_it_was_stored(mongod: SessionMongod, database: str) -> None:
    """A repeated key is answered with the entry of then."""
    async with mongod.history(database) as history:
        entry = message(1)
        await store(history, entry)
        await store(history, edit(2, 1, text="later"))
        assert await history.entry_of("lobby", entry.key) == entry
        assert await history.entry_of("den", entry.key) is None
        assert await history.entry_of("lobby", new_key()) is None


async def test_a_seq_is_taken_once(mongod: SessionMongod, database: str) -> None:
    """An insert stops at a taken `seq`; what stands before it is stored, what stands after it is not."""
    async with mongod.history(database) as history:
        await store(history, message(3))
        with pytest.raises(Conflict) as conflict:
            await store(history, message(2), message(3), message(4))
        assert (conflict.value.index, conflict.value.by_key) == (1, False)
        assert [entry.seq for entry in await history.newest("lobby", 10)] == [2, 3]


async def test_a_key_is_taken_once_in_a_room(mongod: SessionMongod, database: str) -> None:
    """An insert stops at a taken key; in another room the key is free."""
    async with mongod.history(database) as history:
        await store(history, message(1, key="k"))
        with pytest.raises(Conflict) as conflict:
            await store(history, message(2, key="k"))
        assert (conflict.value.index, conflict.value.by_key) == (0, True)
        await store(history, message(1, key="k"), room="den")


async def test_a_deleted_text_is_gone_from_the_store(mongod: SessionMongod, database: str) -> None:
    """Neither the message nor its edits keep a text, other messages do."""
    async with mongod.history(database) as history:
        await store(history, message(1, text="secret"), edit(2, 1, text="secret too"), message(3, text="mine"))
        await store(history, edit(4, 3, text="mine too"), delete(5, 1))
        raw = mongod.client[database].entries
        assert raw.count_documents({"text": {"$regex": "secret"}}) == 2
        await history.redact("lobby", 1, 1_005)
        assert raw.count_documents({"text": {"$regex": "secret"}}) == 0
        assert raw.count_documents({"text": {"$regex": "mine"}}) == 2
        stored = raw.find_one({"log": "lobby", "seq": 1})
        assert stored is not None and stored["deleted"] == 1_005


async def test_a_room_is_made_once(mongod: SessionMongod, database: str) -> None:
    """The second who makes a room is given the first one's, and is told so."""
    async with mongod.history(database) as history:
        assert await history.rooms.find("lobby") is None
        first, second = record("lobby", title="first"), record("lobby", title="second")
        assert await history.rooms.make(first) == (first, True)
        assert await history.rooms.make(second) == (first, False)
        assert await history.rooms.find("lobby") == first


async def test_rooms_are_listed_by_activity(mongod: SessionMongod, database: str) -> None:
    """The latest active first; a time never goes back."""
    async with mongod.history(database) as history:
        for name in ("a", "b", "c"):
            await history.rooms.make(record(name))
        await history.rooms.mark_active({"a": 10, "b": 30, "c": 20})
        await history.rooms.mark_active({"b": 5})
        assert [(room.key, room.active) for room in await history.rooms.latest(2)] == [("b", 30), ("c", 20)]


async def test_a_log_has_its_indexes(mongod: SessionMongod, new_database: str) -> None:
    """Order and keys are held by unique indexes; making them again is harmless."""
    async with mongod.history(new_database) as history:
        await history.prepare()
        indexes = mongod.client[new_database].entries.index_information()
        assert indexes["order"]["unique"] and indexes["keys"]["unique"]
        assert indexes["order"]["key"] == [("log", 1), ("seq", 1)]
        assert indexes["keys"]["key"] == [("log", 1), ("key", 1)]


async def test_a_log_that_is_not_ours(mongod: SessionMongod, new_database: str) -> None:
    """Where the indexes cannot be made it is one line for the user."""
    mongod.client[new_database].entries.create_index([("other", 1)], name="order")
    with pytest.raises(DatabaseError, match="--mongo") as error:
        async with mongod.history(new_database):
            pass
    assert "\n" not in str(error.value)


async def test_everything_says_unavailable_while_mongodb_is_away(mongod: SessionMongod, database: str) -> None:
    """A MongoDB that does not answer in time is `unavailable`, with a time to wait, for reading and for writing."""
    async with mongod.history(database) as history:
        await store(history, message(1))
        with mongod.away():
            refusals = await asyncio.gather(
                history.newest("lobby", 1),
                store(history, message(2)),
                history.rooms.find("lobby"),
                history.rooms.make(record("den")),
                history.rooms.latest(1),
                history.rooms.mark_active({"lobby": 1}),
                history.redact("lobby", 1, 1),
                history.entry_of("lobby", "k"),
                return_exceptions=True,
            )
    for refused in refusals:
        assert isinstance(refused, Unavailable)
        assert refused.retry_after == 1


async def test_a_room_that_another_process_made_just_now(mongod: SessionMongod, database: str) -> None:
    """Where MongoDB says that somebody was quicker, one is given theirs."""
    async with mongod.history(database) as history:
        theirs = record("lobby")
        assert await history.rooms.make(theirs) == (theirs, True)
        rooms = mock.Mock(wraps=history.rooms._rooms)
        rooms.find_one_and_update.side_effect = DuplicateKeyError("quicker")
        history.rooms._rooms = rooms
        assert await history.rooms.make(record("lobby")) == (theirs, False)


async def test_what_mongodb_will_not_store(mongod: SessionMongod, new_database: str) -> None:
    """An insert that fails for another reason than a conflict is `unavailable`."""
    async with mongod.history(new_database) as history:
        await store(history, message(1))
        mongod.client[new_database].command("collMod", "entries", validator={"text": "only this"})
        with pytest.raises(Unavailable):
            await store(history, message(2))


async def test_two_who_make_a_room_at_once_get_the_same(mongod: SessionMongod, database: str) -> None:
    """Of many at the same moment exactly one has made it."""
    async with mongod.history(database) as history:
        made = await asyncio.gather(*(history.rooms.make(record("lobby")) for _ in range(20)))
        assert sum(new for _, new in made) == 1
        assert len({room.epoch for room, _ in made}) == 1


async def test_what_was_said_is_found_past_what_was_drawn(mongod: SessionMongod, database: str) -> None:
    """Without being read once more each time: a long run of drawn entries has a bridge, and the next one goes on over
    it. The data of what was drawn go, and what was said stays, also of a kind that is only called like them."""

    def drawn(first: int, last: int) -> list[Entry]:
        return [message(seq, kind="board.stroke", text=None, data={"x": seq}) for seq in range(first, last + 1)]

    without = ["board.stroke", "board.undo", "board.clear"]
    async with mongod.history(database) as history, asyncio.timeout(30):
        note = message(3, kind="board.note", text=None, data={"x": 3})
        await store(history, message(1), *drawn(2, 2), note, message(4), *drawn(5, 600), message(601))
        await history.strip_drawn("lobby", 601)
        await store(history, *drawn(602, 1_200))
        await history.strip_drawn("lobby", 1_150)
        await store(history, *drawn(1_201, 1_800), message(1_801))
        await history.strip_drawn("lobby", 1_800)
        bridges = [await history._bridge("lobby", before) for before in (1_801, 1_200, 700)]
        ends = [(bridge["bridge"], bridge["seq"]) for bridge in bridges if bridge]
        assert ends == [(602, 1_800), (602, 1_150), (5, 600)]
        found = [entry.seq for entry in await history.messages("lobby", 1_900, 10, without)]
        assert found == [1, 3, 4, 601, 1_801]
        assert [entry.seq for entry in await history.messages("lobby", 1_801, 2, without)] == [4, 601]
        kept = [entry for entry in await history.newest("lobby", 2_000) if entry.data is not None or entry.text]
        assert [entry.seq for entry in kept] == [1, 3, 4, 601, 1_801]
