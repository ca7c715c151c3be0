"""Catching up: no seam between what is read and what comes live, gaps told, resets, bounds."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chat.catch_up import CatchUp, Cursor, catch_up, fitting
from chat.entries import Entry, settle
from chat.errors import BadRequest
from chat.history import History
from chat.policy import Policy
from chat.room import Room
from tests.mongo import SessionMongod
from tests.rooms import ANN, BOB, FakeWaiter, delete, edit, limits, message, new_room, reaction

LIMITS = limits()


async def stored_room(history: History, entries: list[Entry], *, keep: int = 200) -> Room:
    """A room whose log holds entries, of which it remembers the last."""
    await history.insert([("lobby", entry) for entry in entries])
    return new_room(await history.newest("lobby", keep), keep=keep)


def seqs(found: CatchUp) -> list[int]:
    return [entry.seq for entry in found.entries]


class Interrupted(History):
    """Lets something happen between a question and its answer."""

    def __init__(self, history: History, meanwhile: Any) -> None:
        self._history = history
        self._meanwhile = meanwhile

    def __getattribute__(self, name: str) -> Any:
        if name in ("_history", "_meanwhile"):
            return object.__getattribute__(self, name)
        ask = getattr(self._history, name)
        meanwhile = self._meanwhile

        async def asked(*arguments: Any) -> Any:
            answer = await ask(*arguments)
            await meanwhile()
            return answer

        return asked


async def publish(history: History, room: Room, *entries: Entry) -> None:
    await history.insert([(room.key, entry) for entry in entries])
    room.publish(list(entries))


async def test_a_newcomer_gets_the_last_messages(mongod: SessionMongod, database: str) -> None:
    """From memory and from the log alike: messages alone, as many as wanted, in their present state, no gap."""
    async with mongod.history(database) as history:
        log = [message(1), message(2), edit(3, 1, text="new"), message(4), delete(5, 2)]
        for keep in (200, 2):
            room = await stored_room(history, log, keep=keep) if keep == 200 else new_room(log[-2:], keep=2)
            found = await catch_up(room, Cursor(history=10), history, LIMITS)
            assert (seqs(found), found.seq, found.gap, found.reset) == ([1, 2, 4], 5, None, False)
            assert [entry.text for entry in found.entries][:2] == ["new", None]
            assert seqs(await catch_up(room, Cursor(history=2), history, LIMITS)) == [2, 4]
            assert seqs(await catch_up(room, Cursor(history=0), history, LIMITS)) == []


async def test_a_newcomer_gets_the_settings_number(mongod: SessionMongod, database: str) -> None:
    """Who does not say how many gets as many as the setting says, and at most a page."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(seq) for seq in range(1, 101)], keep=10)
        assert len((await catch_up(room, Cursor(), history, LIMITS)).entries) == 50
        few = limits(page_limit=3, history=3)
        assert len((await catch_up(room, Cursor(history=100), history, few)).entries) == 3


async def test_resumes(mongod: SessionMongod, database: str) -> None:
    """From any cursor exactly what came after it, from memory or the log; at the end nothing."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(seq) for seq in range(1, 21)], keep=5)
        for after in range(21):
            found = await catch_up(room, Cursor(after=after, epoch="e1"), history, LIMITS)
            assert (seqs(found), found.gap) == (list(range(after + 1, 21)), None)


async def test_a_cursor_beyond_the_end_is_refused(mongod: SessionMongod, database: str) -> None:
    """It cannot be one of this room; the very end can."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(1)])
        await catch_up(room, Cursor(after=1), history, LIMITS)
        with pytest.raises(BadRequest, match="beyond the end"):
            await catch_up(room, Cursor(after=2), history, LIMITS)


async def test_another_epoch_is_reset(mongod: SessionMongod, database: str) -> None:
    """Whatever the cursor, the latest messages come, and the answer says so."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(1), message(2)])
        for after in (0, 2, 10**9):
            found = await catch_up(room, Cursor(after=after, epoch="old"), history, LIMITS)
            assert (seqs(found), found.reset, found.gap) == ([1, 2], True, None)


async def test_a_gap_is_told(mongod: SessionMongod, database: str) -> None:
    """What does not fit into one answer is told as a gap, both ends included."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(seq) for seq in range(1, 31)], keep=5)
        few = limits(catch_up=10)
        found = await catch_up(room, Cursor(after=3), history, few)
        assert (seqs(found), found.gap) == (list(range(21, 31)), (4, 20))
        assert (await catch_up(room, Cursor(after=20), history, few)).gap is None
        fewer = limits(catch_up=2)
        found = await catch_up(room, Cursor(after=26), history, fewer)
        assert (seqs(found), found.gap) == ([29, 30], (27, 28))


@pytest.mark.parametrize("keep", [200, 3])
async def test_what_is_forgotten_is_a_gap(mongod: SessionMongod, database: str, keep: int) -> None:
    """Who resumes from before what is left is told what is missing, even when nothing at all is left."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(seq) for seq in range(1, 11)], keep=keep)
        record, _ = await history.rooms.make(replace(room.record, policy=Policy(days=1)))

        async def forget(upto: int) -> None:
            assert await history.forget(record, before=1_000 + upto + 1, limit=100) == upto
            room.forget(upto)

        await forget(4)
        for after in range(4):
            found = await catch_up(room, Cursor(after=after, epoch="e1"), history, LIMITS)
            assert (seqs(found), found.gap) == (list(range(5, 11)), (after + 1, 4))
        for after in range(4, 11):
            found = await catch_up(room, Cursor(after=after), history, LIMITS)
            assert (seqs(found), found.gap) == (list(range(after + 1, 11)), None)
        found = await catch_up(room, Cursor(history=50), history, LIMITS)
        assert (seqs(found), found.gap, found.seq) == (list(range(5, 11)), None, 10)
        await forget(10)
        for after in range(10):
            found = await catch_up(room, Cursor(after=after), history, LIMITS)
            assert (seqs(found), found.gap, found.seq) == ([], (after + 1, 10), 10)
        found = await catch_up(room, Cursor(after=10), history, LIMITS)
        assert (seqs(found), found.gap, found.seq) == ([], None, 10)
        await publish(history, room, message(11))
        found = await catch_up(room, Cursor(after=8), history, LIMITS)
        assert (seqs(found), found.gap) == ([11], (9, 10))


async def test_what_is_forgotten_while_the_log_is_read(mongod: SessionMongod, database: str) -> None:
    """When even what came during the reading is forgotten before the answer, the answer says so."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(seq) for seq in range(1, 6)], keep=2)

        async def meanwhile() -> None:
            await publish(history, room, message(6))
            room.forget(6)

        found = await catch_up(room, Cursor(after=1), Interrupted(history, meanwhile), LIMITS)
        assert (seqs(found), found.gap, found.seq) == ([], (2, 6), 6)


async def test_large_entries_make_a_gap(mongod: SessionMongod, database: str) -> None:
    """An answer has at most so many bytes, and one entry at the least."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(seq, text="x" * 3_000) for seq in range(1, 11)])
        found = await catch_up(room, Cursor(after=0), history, limits(catch_up_bytes=10_000))
        assert (seqs(found), found.gap) == ([8, 9, 10], (1, 7))
        found = await catch_up(room, Cursor(after=0), history, limits(catch_up_bytes=10))
        assert (seqs(found), found.gap) == ([10], (1, 9))
        found = await catch_up(room, Cursor(history=50), history, limits(catch_up_bytes=10_000))
        assert (seqs(found), found.gap) == ([8, 9, 10], None)


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 2_000))
def test_fitting_takes_the_last_that_fit(sizes: list[int], size: int) -> None:
    """It is the longest end of the list that fits, and never empty unless the list is."""
    entries = [message(seq, text="x" * length) for seq, length in enumerate(sizes, 1)]
    found = fitting(entries, size)
    assert found == entries[len(entries) - len(found) :]
    assert bool(found) == bool(entries)
    if len(found) > 1:
        assert sum(len(entry.json()) for entry in found) <= size
    if len(found) < len(entries):
        assert sum(len(entry.json()) for entry in entries[len(entries) - len(found) - 1 :]) > size


# The seam


@pytest.mark.parametrize("cursor", [Cursor(after=0), Cursor(history=50), Cursor(after=0, epoch="old")])
async def test_what_comes_while_the_log_is_read(mongod: SessionMongod, database: str, cursor: Cursor) -> None:
    """Messages published between question and answer are in the answer, though memory keeps fewer."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(seq) for seq in range(1, 6)], keep=2)

        async def meanwhile() -> None:
            for _ in range(4):
                await publish(history, room, message(room.seq + 1))

        found = await catch_up(room, cursor, Interrupted(history, meanwhile), LIMITS)
        assert seqs(found) == list(range(1, 10))
        assert found.seq == room.seq == 9


@pytest.mark.parametrize("cursor", [Cursor(after=0), Cursor(history=50), Cursor(after=0, epoch="old")])
async def test_an_edit_while_the_log_is_read(mongod: SessionMongod, database: str, cursor: Cursor) -> None:
    """A change published between question and answer shows in the messages of the answer."""
    async with mongod.history(database) as history:
        room = await stored_room(history, [message(seq) for seq in range(1, 6)], keep=1)

        async def meanwhile() -> None:
            changes = [edit(6, 1, text="edited"), delete(7, 2), reaction(8, 3, BOB)]
            await publish(history, room, *changes)

        found = await catch_up(room, cursor, Interrupted(history, meanwhile), LIMITS)
        mine = [entry for entry in found.entries if entry.type == "message"]
        settle(mine, [entry for entry in found.entries if entry.target])  # as a client does
        assert [entry.text for entry in mine] == ["edited", None, "hi", "hi", "hi"]
        assert mine[1].deleted and mine[2].reactions


class Client:
    """Joins as the handlers do, and knows the log by what it is given."""

    def __init__(self, after: int) -> None:
        self.waiter = FakeWaiter(ANN)
        self.after = after
        self.found: CatchUp | None = None

    async def join(self, room: Room, history: History, bounds: Any) -> None:
        self.found = await catch_up(room, Cursor(after=self.after), history, bounds)
        room.join(self.waiter)

    @property
    def seqs(self) -> list[int]:
        assert self.found is not None
        return seqs(self.found) + self.waiter.seqs


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), keep=st.integers(1, 12), most=st.sampled_from([3, 1_000]))
def test_joins_while_others_publish(mongod: SessionMongod, seed: int, keep: int, most: int) -> None:
    """Whenever one joins with whatever cursor, gap, answer and live entries make the log without hole or overlap."""

    async def run() -> None:
        chance, name = random.Random(seed), mongod.empty_name()
        async with mongod.history(name) as history:
            room = await stored_room(history, [message(seq) for seq in range(1, chance.randrange(2, 20))], keep=keep)
            bounds = limits(catch_up=most)
            clients = [Client(chance.randrange(room.seq + 1)) for _ in range(25)]

            async def write() -> None:
                for _ in range(25):
                    size = chance.randrange(1, 4)
                    await publish(history, room, *(message(room.seq + 1 + n) for n in range(size)))
                    await asyncio.sleep(chance.choice([0, 0, 0.001]))

            async def come(client: Client) -> None:
                await asyncio.sleep(chance.random() * 0.05)
                await client.join(room, history, bounds)

            await asyncio.gather(write(), *map(come, clients))
            for client in clients:
                assert client.found is not None
                gap = client.found.gap
                missing = list(range(gap[0], gap[1] + 1)) if gap else []
                assert missing + client.seqs == list(range(client.after + 1, room.seq + 1))
                assert client.found.seq == ([client.after, *missing, *seqs(client.found)])[-1]
            assert len(room.tail.since(max(0, room.seq - keep)) or []) <= keep
        mongod.give_back(name)

    asyncio.run(run())
