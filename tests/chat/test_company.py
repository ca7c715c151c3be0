"""Company: who is in a room and who has a name at other processes, as plain data."""

import asyncio

import pytest

from chat.bus import Exchange, LocalBus
from chat.company import Company
from chat.errors import NameTaken
from chat.people import People, User
from chat.room import Room, RoomRecord
from tests.clock import FakeClock
from tests.rooms import ANN, BOB, FakeWaiter
from tests.waiting import until


class Process:
    """A room, and the people of one process."""

    def __init__(self, name: str, exchange: Exchange) -> None:
        self.clock = FakeClock()
        self.bus = LocalBus(name, exchange)
        self.rooms: dict[str, Room] = {}
        self.company = Company(self.bus, self.rooms.get, lambda: self.rooms)
        self.lost: list[User] = []
        self.company.rival = self.lost.append
        self.people = People(self.clock.call_later, hold=60, company=self.company)
        record = RoomRecord(key="lobby", name="Lobby", title="Lobby", epoch="e", made=1)
        self.room = self.rooms["lobby"] = Room(
            record, [], keep=10, presence_limit=3, call_later=self.clock.call_later, company=self.company
        )

    def enter(self, user: User, *, linger: float = 0) -> FakeWaiter:
        waiter = FakeWaiter(user, linger=linger)
        self.room.join(waiter)
        return waiter

    @property
    def names(self) -> list[str]:
        return sorted(author.name for author in self.room.members())


def told(waiter: FakeWaiter) -> list[str]:
    return [payload.split(b'"')[3].decode() for payload in waiter.told]


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


async def test_one_room_has_the_people_of_all_processes(exchange: Exchange) -> None:
    """Coming and going are told once, wherever it is."""
    here, there = Process("here", exchange), Process("there", exchange)
    ann = here.enter(ANN)
    bob = there.enter(BOB)
    await settled()
    assert here.names == there.names == ["ann", "bob"]
    assert here.room.people == there.room.people == 2
    there.room.leave(bob)
    await settled()
    assert told(ann) == ["joined", "left"]
    assert here.names == there.names == ["ann"]
    assert there.room.is_visited


async def test_who_polls_at_two_processes_in_turn_is_one_who_stays(exchange: Exchange) -> None:
    here, there = Process("here", exchange), Process("there", exchange)
    bob = here.enter(BOB)
    for _ in range(5):
        for process in (here, there):
            waiter = process.enter(ANN, linger=10)
            process.room.leave(waiter)
            await settled()
            for each in (here, there):
                each.clock.advance(6)
            await settled()
            assert here.room.people == there.room.people == 2
    assert told(bob) == ["joined"]
    for each in (here, there):
        each.clock.advance(20)
    await settled()
    assert told(bob) == ["joined", "left"]


async def test_who_was_at_a_process_that_is_no_more_is_gone(exchange: Exchange) -> None:
    here, there = Process("here", exchange), Process("there", exchange)
    bob = here.enter(BOB)
    there.enter(ANN)
    await settled()
    assert here.room.people == 2
    await there.bus.stop()
    await settled()
    assert here.names == ["bob"]
    assert told(bob) == ["joined", "left"]


async def test_one_who_joins_asks_who_is_there(exchange: Exchange) -> None:
    here = Process("here", exchange)
    here.enter(ANN)
    here.people.enter(ANN)
    late = Process("late", exchange)
    await late.company.gather()
    assert late.names == ["ann"]
    with pytest.raises(NameTaken):
        late.people.guest("Ann")
    bob = late.enter(BOB)
    here.company.tell_roll()
    await settled()
    assert told(bob) == []  # what is known already is not told again


async def test_a_roll_says_who_has_gone(exchange: Exchange) -> None:
    """As after a process was silent for so long that it was taken for dead."""
    here, there = Process("here", exchange), Process("there", exchange)
    there.enter(ANN)
    await settled()
    here.company._went("there", "lobby", ANN)
    here.company._came("there", "lobby", BOB)
    there.bus._returned()
    await settled()
    assert here.names == ["ann"]


async def test_a_guest_s_name_is_theirs_at_all_processes(exchange: Exchange) -> None:
    here, there = Process("here", exchange), Process("there", exchange)
    ann = here.people.guest("ann")
    here.people.enter(ann)
    await settled()
    with pytest.raises(NameTaken):
        there.people.guest("Ann")
    there.people.enter(ann)  # they themselves come in there as well
    here.people.leave(ann, hold=False)
    await settled()
    with pytest.raises(NameTaken):
        here.people.guest("ann")
    there.people.leave(ann, hold=False)
    await settled()
    here.people.enter(here.people.guest("ann"))


async def test_of_two_who_take_a_name_at_once_one_keeps_it(exchange: Exchange) -> None:
    here, there = Process("here", exchange), Process("there", exchange)
    one, other = here.people.guest("ann"), there.people.guest("ann")
    here.people.enter(one)
    there.people.enter(other)
    await until(lambda: here.lost or there.lost)
    await settled()
    assert len(here.lost) + len(there.lost) == 1
    loser = (here.lost or there.lost)[0]
    process = here if here.lost else there
    process.people.give_up(loser)
    with pytest.raises(NameTaken):
        process.people.check(loser)


async def test_a_crowd_is_counted_over_all_processes(exchange: Exchange) -> None:
    """Beyond the limit nobody is told who comes."""
    here, there = Process("here", exchange), Process("there", exchange)
    ann = here.enter(ANN)
    for number in range(5):
        there.enter(User(id=f"g-{number}", name=f"n{number}"))
        await settled()
    assert here.room.people == 6
    assert told(ann).count("joined") == 2
    assert len(here.room.members()) == 3
