"""Group commit, with a real MongoDB: order, keys, and other writers."""

import asyncio
import itertools

import pytest
from tornado.testing import ExpectLog

from chat.entries import Entry
from tests.commits import Bench, bench
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import ANN, BOB, FakeWaiter, message, new_key, new_room
from tests.waiting import until


async def test_stores_and_then_publishes(mongod: SessionMongod, database: str) -> None:
    """A change is in the log before anybody is told, and its sender is told after the others."""
    async with bench(mongod, database) as at:
        room, waiter = new_room(), FakeWaiter(BOB)
        room.join(waiter)
        at.history.gate.clear()
        sent = at.send(room, "hello")
        await until(lambda: at.history.inserts)
        assert not waiter.seqs and not sent.done()
        at.history.gate.set()
        stored = await sent
        assert waiter.seqs == [1]
        assert (stored.new, stored.entry.seq, stored.entry.text) == (True, 1, "hello")
        assert await at.history.newest("lobby", 10) == [stored.entry]


async def inserts_of(at: Bench, people: int, messages: int) -> list[int]:
    """The sizes of the inserts of so many who send as fast as they are answered, each a turn later than the one
    before; the first one alone has begun when the others come."""
    room = new_room()

    async def talk(pause: int) -> None:
        for _ in range(messages):
            await at.send(room)
            for _ in range(pause):
                await asyncio.sleep(0)

    at.history.gate.clear()
    first = asyncio.create_task(talk(0))
    await until(lambda: at.history.inserts)
    others = [asyncio.create_task(talk(pause)) for pause in range(1, people)]
    await asyncio.sleep(0.05)
    at.history.gate.set()
    await asyncio.gather(first, *others)
    return at.history.inserts


async def test_many_who_are_answered_together_stay_together(mongod: SessionMongod, database: str) -> None:
    """Those who come a little later are waited for: they do not fall into two groups."""
    async with bench(mongod, database) as at:
        assert await inserts_of(at, 8, 10) == [1, *[8] * 9, 7]


async def test_a_few_are_not_waited_for(mongod: SessionMongod, database: str) -> None:
    """Each is stored as it comes, though another may follow at once."""
    async with bench(mongod, database) as at:
        assert max(await inserts_of(at, 2, 10)) == 1


async def test_gathers_while_an_insert_is_under_way(mongod: SessionMongod, database: str) -> None:
    """What comes for any room while one insert is under way goes together in the next, in the order it came."""
    async with bench(mongod, database) as at:
        rooms = [new_room(name="a"), new_room(name="b")]
        waiters = [FakeWaiter(BOB), FakeWaiter(BOB)]
        for room, waiter in zip(rooms, waiters, strict=True):
            room.join(waiter)
        at.history.gate.clear()
        first = at.send(rooms[0])
        await until(lambda: at.history.inserts)
        later = [at.send(room, str(n)) for n, room in enumerate(rooms * 50)]
        at.history.gate.set()
        await asyncio.gather(first, *later)
        assert at.history.inserts == [1, 100]
        assert [waiter.seqs for waiter in waiters] == [list(range(1, 52)), list(range(1, 51))]
        assert len(waiters[1].broadcasts) == 1


async def test_a_batch_is_bounded(mongod: SessionMongod, database: str) -> None:
    """No insert takes more than the batch's size."""
    async with bench(mongod, database, batch=10) as at:
        room = new_room()
        await asyncio.gather(*(at.send(room) for _ in range(35)))
        assert max(at.history.inserts) <= 10
        assert sum(at.history.inserts) == 35
        assert [entry.seq for entry in await at.history.newest("lobby", 100)] == list(range(1, 36))


async def test_times_never_run_backwards(mongod: SessionMongod, database: str) -> None:
    """When the clock is put back, entries keep the latest time there was."""
    times = itertools.chain([5_000.0, 4_000.0], itertools.repeat(6_000.0))
    async with bench(mongod, database, wall=lambda: next(times)) as at:
        room = new_room()
        found = [(await at.send(room)).entry.at for _ in range(3)]
        assert found == [5_000_000, 5_000_000, 6_000_000]


# Keys


async def test_a_repeated_key_gets_the_entry_of_then(mongod: SessionMongod, database: str) -> None:
    """From memory, and from the log when memory has forgotten it; nothing is stored or published again."""
    async with bench(mongod, database) as at:
        room, waiter = new_room(keep=1), FakeWaiter(BOB)
        room.join(waiter)
        key = new_key()
        first = await at.send(room, "once", key=key)
        again = await at.send(room, "twice", key=key)
        assert (again.new, again.entry) == (False, first.entry)
        await at.send(room)
        assert room.tail.entry_of(key) is None
        later = await at.send(room, "thrice", key=key)
        assert (later.new, later.entry.text, later.entry.seq) == (False, "once", 1)
        assert waiter.seqs == [1, 2]
        await at.send(room)
        assert [entry.seq for entry in await at.history.newest("lobby", 10)] == [1, 2, 3]


async def test_a_key_under_way_is_stored_once(mongod: SessionMongod, database: str) -> None:
    """The same key twice before an answer is one entry, and both are answered with it."""
    async with bench(mongod, database) as at:
        room, key = new_room(), new_key()
        both = [at.send(room, "one", key=key), at.send(room, "two", key=key)]
        found = await asyncio.gather(*both)
        assert [stored.entry.text for stored in found] == ["one", "one"]
        assert room.seq == 1


async def test_the_same_key_in_two_rooms_is_two_entries(mongod: SessionMongod, database: str) -> None:
    """A key belongs to its room."""
    async with bench(mongod, database) as at:
        key = new_key()
        found = await asyncio.gather(*(at.send(new_room(name=name), key=key) for name in "ab"))
        assert [stored.new for stored in found] == [True, True]


async def test_a_known_key_in_a_batch_costs_the_others_nothing(mongod: SessionMongod, database: str) -> None:
    """Where one key of a batch is known to the log, the rest is stored in order without a hole."""
    async with bench(mongod, database) as at:
        room, waiter = new_room(keep=1), FakeWaiter(BOB)
        room.join(waiter)
        keys = [new_key() for _ in range(3)]
        for key in keys:
            await at.send(room, key=key)
        at.history.gate.clear()
        held = at.send(room, "held")
        await until(lambda: len(at.history.inserts) == 4)
        batch = [at.send(room, text, key=key) for text, key in zip("abcd", [keys[0], "", keys[1], ""], strict=True)]
        at.history.gate.set()
        found = await asyncio.gather(held, *batch)
        assert [(stored.new, stored.entry.seq) for stored in found] == [
            (True, 4),
            (False, 1),
            (True, 5),
            (False, 2),
            (True, 6),
        ]
        assert waiter.seqs == [1, 2, 3, 4, 5, 6]


async def test_one_room_that_cannot_publish(
    mongod: SessionMongod, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room that fails at publishing costs the other rooms of the batch, and the senders, nothing."""

    def fail(entries: list[Entry]) -> None:
        raise RuntimeError("no")

    async with bench(mongod, database) as at:
        broken, sound, waiter = new_room(name="broken"), new_room(name="sound"), FakeWaiter(BOB)
        sound.join(waiter)
        monkeypatch.setattr(broken, "publish", fail)
        with ExpectLog("parley.commit", "publishing in 'broken' failed"):
            found = await asyncio.gather(at.send(broken), at.send(sound))
        assert [stored.entry.seq for stored in found] == [1, 1]
        assert waiter.seqs == [1]


# Other writers


async def test_another_process_wrote_first(mongod: SessionMongod, database: str) -> None:
    """Entries of another process are published in their place, and ours take the next numbers."""
    async with bench(mongod, database) as at:
        room, waiter = new_room(), FakeWaiter(BOB)
        room.join(waiter)
        await at.send(room, "ours")
        await at.history.insert([("lobby", message(2, BOB, "theirs")), ("lobby", message(3, BOB, "theirs too"))])
        found = await asyncio.gather(at.send(room, "next"), at.send(room, "last"))
        assert [stored.entry.seq for stored in found] == [4, 5]
        assert waiter.seqs == [1, 2, 3, 4, 5]
        texts = [entry.text for entry in await at.history.newest("lobby", 10)]
        assert texts == ["ours", "theirs", "theirs too", "next", "last"]


async def test_two_processes_write_at_once(mongod: SessionMongod, database: str) -> None:
    """Two writers of one room make one log without holes, and both publish all of it in order."""
    async with bench(mongod, database, batch=5) as here, bench(mongod, database, batch=7) as there:
        rooms, waiters = [new_room(), new_room()], [FakeWaiter(ANN), FakeWaiter(BOB)]
        for room, waiter in zip(rooms, waiters, strict=True):
            room.join(waiter)
        sends = []
        for n in range(60):
            sends.append(here.send(rooms[0], f"here {n}"))
            sends.append(there.send(rooms[1], f"there {n}"))
            if n % 7 == 0:
                await asyncio.sleep(0.001)
        found = await asyncio.gather(*sends)
        log = await here.history.newest("lobby", 1_000)
        assert [entry.seq for entry in log] == list(range(1, 121))
        for mine, name in ((found[::2], "here"), (found[1::2], "there")):
            assert [entry.text for entry in log if (entry.text or "").startswith(name)] == [
                f"{name} {n}" for n in range(60)
            ]
            assert sorted(stored.entry.seq for stored in mine) == [stored.entry.seq for stored in mine]
        for room, waiter, at in ((rooms[0], waiters[0], here), (rooms[1], waiters[1], there)):
            await at.send(room, "flush")
            assert waiter.seqs == list(range(1, room.seq + 1))


async def test_our_key_was_stored_by_another_process(mongod: SessionMongod, database: str) -> None:
    """A client that sent to another process first gets the entry of there, and those here are told of it."""
    async with bench(mongod, database) as at:
        room, waiter, key = new_room(), FakeWaiter(BOB), new_key()
        room.join(waiter)
        await at.history.insert([("lobby", message(1, ANN, "there", key=key))])
        stored = await at.send(room, "here", key=key)
        assert (stored.new, stored.entry.text) == (False, "there")
        assert waiter.seqs == [1]
        assert not room.under_way


async def test_a_known_key_that_is_gone_is_stored_after_all(mongod: SessionMongod, database: str) -> None:
    """Should the entry of a known key vanish between two looks, the change is stored anew."""
    async with bench(mongod, database) as at:
        room, key = new_room(), new_key()
        raw = mongod.client[database].entries
        original = at.history.entry_of

        async def vanishing(*arguments: str) -> Entry | None:
            raw.delete_many({})
            replace_methods(at.history, entry_of=original)
            return await original(*arguments)

        replace_methods(at.history, entry_of=vanishing)
        await at.history.insert([("lobby", message(5, key=key))])
        stored = await at.send(room, key=key)
        assert (stored.new, stored.entry.seq) == (True, 1)
