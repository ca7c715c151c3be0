"""Access: the one door to the rooms."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from chat.access import Access, Guests
from chat.callers import Caller, Scope
from chat.catch_up import Cursor
from chat.desk import Agents
from chat.errors import BadRequest, ChatError, Forbidden, NotFound, RateLimited, Unauthenticated, Unavailable
from chat.history import History
from chat.people import User
from chat.policy import Kind, Member, Policy, Sanction
from chat.protocol import Edit, Send
from chat.rates import Rates, RateTable
from chat.registry import RoomRegistry
from chat.room import Room
from chat.whereabouts import Whereabouts
from settings import Settings
from tests.clock import FakeClock
from tests.mongo import SessionMongod
from tests.rooms import FakeWaiter, message, new_key, new_room

GUEST = Caller(user=User("g-guest", "guest"))
STRANGER, MEMBER, MODERATOR, OWNER, ADMIN = (
    Caller(user=User(f"a-{name}", name, guest=False), account=f"a-{name}", admin=name == "admin")
    for name in ("stranger", "member", "moderator", "owner", "admin")
)
BOT = replace(OWNER, user=User("b-bot", "bot", guest=False), scope=Scope())
MEMBERS = {
    "a-owner": Member("owner", "owner"),
    "a-moderator": Member("moderator", "moderator"),
    "a-member": Member("m"),
}

NO_ROOM = "There is no such room."


def rates() -> Rates:
    config = Settings()
    return Rates(RateTable(**{name: getattr(config, name) for name in RateTable.__struct_fields__}))


def access_to(registry: Any = None, *, guests: Guests = "yes") -> Access:
    if registry is None:
        history: Any = None
        registry = RoomRegistry(history, FakeClock().call_later, keep=1, presence_limit=1, idle=1)
    return Access(registry, rates(), Whereabouts(), Agents(), guests=guests)


def room_with(policy: Policy) -> Room:
    room = new_room()
    room.govern(policy)
    return room


def refusal(act: Any, *arguments: Any) -> ChatError | None:
    try:
        act(*arguments)
    except ChatError as error:
        return error
    return None


def send(room: str = "lobby", **fields: Any) -> Send:
    return Send(**{"room": room, "key": new_key(), "text": "hi"} | fields)


# What one may do in a room at hand


@pytest.mark.parametrize("kind", ["private", "link", "direct"])
def test_a_room_that_is_not_to_be_seen_is_none(kind: Kind) -> None:
    """Whoever has no business there is told the same as of a room that does not exist."""
    access, room = access_to(), room_with(Policy(access=kind, members=MEMBERS, bans={"a-member": Sanction("m")}))
    for caller in (None, GUEST, STRANGER, ADMIN, MEMBER, replace(STRANGER, scope=Scope())):
        error = refusal(access.may_read, room, caller)
        assert isinstance(error, NotFound) and error.reason == NO_ROOM, caller
        if caller is not None:
            error = refusal(access.may_change, room, caller, send())
            assert isinstance(error, NotFound) and error.reason == NO_ROOM, caller
    for caller in (OWNER, MODERATOR, BOT):
        access.may_read(room, caller)
        access.may_change(room, caller, send())


def test_a_bot_sees_the_rooms_of_its_scope() -> None:
    """The others are none for it, open ones too; one that may only read is told so when it writes."""
    access = access_to()
    bot = replace(OWNER, scope=Scope(rooms=frozenset({"lobby"}), write=False))
    for policy in (Policy(), Policy(access="private", members=MEMBERS)):
        room = room_with(policy)
        access.may_read(room, bot)
        error = refusal(access.may_change, room, bot, send())
        assert isinstance(error, Forbidden) and "only read" in error.reason
        elsewhere = replace(bot, scope=Scope(rooms=frozenset({"den"})))
        for act in (access.may_read, access.may_change):
            assert isinstance(refusal(act, room, elsewhere), NotFound)


def test_a_banned_person_is_told_so_in_an_open_room() -> None:
    """With the time when it is over, if it is."""
    access, room = access_to(), room_with(Policy(bans={"a-member": Sanction("m"), "g-guest": Sanction("g", 10**15)}))
    error = refusal(access.may_read, room, MEMBER)
    assert isinstance(error, Forbidden) and error.reason == "You are banned from this room." and not error.retry_after
    error = refusal(access.may_change, room, GUEST, send())
    assert isinstance(error, Forbidden) and "until" in error.reason and (error.retry_after or 0) > 10**6
    access.may_read(room, STRANGER)
    assert access.is_banned(room, MEMBER) and not access.is_banned(room, STRANGER)


def test_the_muted_are_quiet() -> None:
    """They read, and write and type nothing; moderators are never muted."""
    access, room = (
        access_to(),
        room_with(Policy(members=MEMBERS, mutes={"a-member": Sanction("m"), "a-owner": Sanction("o")})),
    )
    access.may_read(room, MEMBER)
    for change in (send(), None, Edit(room="lobby", key=new_key(), target=1, text="x")):
        error = refusal(access.may_change, room, MEMBER, change)
        assert isinstance(error, Forbidden) and "muted" in error.reason
        access.may_change(room, OWNER, change)


def test_only_moderators_write_in_a_locked_or_reading_room() -> None:
    """Everybody else reads, and is told why they may not write."""
    for policy, word in (
        (Policy(members=MEMBERS, locked=True), "locked"),
        (Policy(members=MEMBERS, read_only=True), "reading"),
    ):
        access, room = access_to(), room_with(policy)
        for caller in (GUEST, STRANGER, MEMBER):
            access.may_read(room, caller)
            error = refusal(access.may_change, room, caller, send())
            assert isinstance(error, Forbidden) and word in error.reason
        for caller in (MODERATOR, OWNER, ADMIN, BOT):
            access.may_change(room, caller, send())


def test_slow_mode_is_for_messages() -> None:
    """The second message within the time is refused with the time to wait; edits and typing are not, nor
    moderators."""
    access, room = access_to(), room_with(Policy(members=MEMBERS, slow=60))
    access.may_change(room, MEMBER, send())
    error = refusal(access.may_change, room, MEMBER, send())
    assert isinstance(error, RateLimited) and 59 < (error.retry_after or 0) <= 60
    access.may_change(room, MEMBER, Edit(room="lobby", key=new_key(), target=1, text="x"))
    access.may_change(room, MEMBER)
    access.may_change(room, STRANGER, send())
    for _ in range(3):
        access.may_change(room, MODERATOR, send())


def test_what_is_stored_may_be_sent_again() -> None:
    """A message that has arrived is answered again even when its sender may write no more, but not one who was put
    out."""
    access, room = access_to(), room_with(Policy(locked=True))
    stored = message(1)
    room.publish([stored])
    access.may_change(room, MEMBER, send(key=stored.key))
    assert isinstance(refusal(access.may_change, room, MEMBER, send()), Forbidden)
    room.govern(Policy(bans={"a-member": Sanction("m")}))
    assert isinstance(refusal(access.may_change, room, MEMBER, send(key=stored.key)), Forbidden)


def test_what_guests_may_is_a_setting() -> None:
    """`read`: they read, and are told so when they write; `no`: nobody reads without signing in."""
    room, ruled = room_with(Policy()), room_with(Policy(slow=1))
    reading, closed = access_to(guests="read"), access_to(guests="no")
    for each in (room, ruled):
        reading.may_read(each, GUEST)
        reading.may_read(each, None)
        error = refusal(reading.may_change, each, GUEST, send())
        assert isinstance(error, Forbidden) and "Guests may only read" in error.reason
        reading.may_change(each, STRANGER, send())
        assert isinstance(refusal(closed.may_read, each, None), Unauthenticated)
        closed.may_read(each, STRANGER)
    assert isinstance(refusal(closed.may_look, None), Unauthenticated)
    for access, caller in ((closed, STRANGER), (reading, None), (access_to(), None)):
        access.may_look(caller)
    owner = Policy(members={"g-guest": Member("guest", "owner")})
    assert not reading.rights(room_with(owner), GUEST).own
    assert access_to().rights(room_with(owner), GUEST).own


def test_nobody_comes_into_a_room_that_is_over() -> None:
    """Who might have come is asked to try again; what is written is written nowhere; strangers learn nothing."""
    access = access_to()
    for policy in (Policy(), Policy(access="private", members=MEMBERS)):
        room = room_with(policy)
        room.end()
        assert isinstance(refusal(access.may_read, room, MEMBER), Unavailable)
        assert isinstance(refusal(access.may_change, room, MEMBER, send()), NotFound)
    assert isinstance(refusal(access.may_read, room, STRANGER), NotFound)


def test_puts_out_whoever_may_not_stay() -> None:
    """Those without the right to read lose the room, the others stay."""
    access, room = access_to(), room_with(Policy(members=MEMBERS))
    waiters = {
        caller.id: FakeWaiter(caller.user, account=caller.account) for caller in (GUEST, STRANGER, MEMBER, OWNER)
    }
    for waiter in waiters.values():
        room.join(waiter)
    access.enforce(room)
    assert not any(waiter.refused for waiter in waiters.values())
    room.govern(Policy(access="private", members=MEMBERS))
    access.enforce(room)
    assert {id for id, waiter in waiters.items() if waiter.rooms} == {"a-member", "a-owner"}
    error, code = waiters["g-guest"].refused[0]
    assert (error.code, code) == ("forbidden", 4403)
    assert waiters["a-stranger"].refused and not waiters["a-member"].refused


# Finding a room


class Asked:
    """Counts what MongoDB is asked about rooms."""

    def __init__(self, history: History) -> None:
        self.times = 0
        for store, calls in ((history, ["newest"]), (history.rooms, ["find", "is_known"])):
            for call in calls:
                setattr(store, call, self._counted(getattr(store, call)))

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **values: Any) -> Any:
            self.times += 1
            return call(*args, **values)

        return counted


@asynccontextmanager
async def house(
    mongod: SessionMongod, database: str, *, guests: Guests = "yes", **policies: Policy
) -> AsyncIterator[tuple[Access, RoomRegistry, Asked]]:
    """Rooms of these names and policies, all of them asleep."""
    connection = mongod.connection(database)
    try:
        history = History(connection.database)
        await history.prepare()
        registry = RoomRegistry(history, FakeClock().call_later, keep=10, presence_limit=10, idle=0)
        for name, policy in policies.items():
            await registry.make(name, None, policy)
        await registry.in_memory.drop_idle()
        assert len(registry) == 0
        yield access_to(registry, guests=guests), registry, Asked(history)
    finally:
        connection.close()


PRIVATE = Policy(access="private", members=MEMBERS)


async def test_finds_rooms_for_those_who_may_know_them(mongod: SessionMongod, database: str) -> None:
    """Awake or asleep alike: members find theirs, administrators all but direct ones, everybody open ones."""
    direct = Policy(access="direct", members=MEMBERS)
    async with house(mongod, database, den=PRIVATE, pair=direct, hall=Policy()) as (access, registry, _):
        for _ in range(2):
            for name in ("den", "pair"):
                assert (await access.to_read(name, MEMBER)).name == name
                assert (await access.to_see(name, MEMBER)).name == name
            assert (await access.to_see("den", ADMIN)).name == "den"
            assert (await access.to_own("den", ADMIN)).name == "den"
            with pytest.raises(NotFound):
                await access.to_read("den", ADMIN)
            with pytest.raises(NotFound):
                await access.to_see("pair", ADMIN)
            for caller in (None, GUEST, STRANGER):
                assert (await access.to_read("hall", caller)).name == "hall"
                for name in ("den", "pair", "none"):
                    with pytest.raises(NotFound):
                        await access.to_read(name, caller)
            await registry.in_memory.drop_idle()
            assert len(registry) == 0


async def test_a_hidden_room_takes_as_long_as_none(mongod: SessionMongod, database: str) -> None:
    """Whether it is awake, asleep or not there at all, its refusal is one look at MongoDB, by whatever way."""
    async with house(mongod, database, den=PRIVATE, nest=PRIVATE) as (access, registry, asked):
        await registry.wake("nest")
        edit = Edit(room="", key=new_key(), target=1, text="x")
        acts: list[Any] = [
            lambda name: access.to_read(name, STRANGER),
            lambda name: access.to_read(name, None),
            lambda name: access.to_see(name, STRANGER),
            lambda name: access.to_invite(name, STRANGER),
            lambda name: access.to_moderate(name, STRANGER),
            lambda name: access.to_own(name, STRANGER),
            lambda name: access.to_join(name, Cursor(after=5), STRANGER),
            lambda name: access.to_join(name, Cursor(), replace(STRANGER, scope=Scope())),
            lambda name: access.to_change(replace(edit, room=name), STRANGER),
            lambda name: access.to_change(send(name), replace(STRANGER, scope=Scope())),
        ]
        for act in acts:
            for name in ("den", "nest", "none"):
                asked.times = 0
                with pytest.raises(NotFound, match=NO_ROOM):
                    await act(name)
                assert asked.times == 1, name
        assert [room.name for room in registry] == ["nest"]


async def test_a_bot_of_other_rooms_asks_for_nothing(mongod: SessionMongod, database: str) -> None:
    """Outside of its scope there is nothing, and nothing is looked at."""
    bot = replace(OWNER, scope=Scope(rooms=frozenset({"den"})))
    async with house(mongod, database, den=PRIVATE, hall=Policy()) as (access, _, asked):
        assert (await access.to_read("den", bot)).name == "den"
        asked.times = 0
        for name in ("hall", "none"):
            for act in (
                access.to_read(name, bot),
                access.to_join(name, Cursor(), bot),
                access.to_change(send(name), bot),
            ):
                with pytest.raises(NotFound):
                    await act
        assert asked.times == 0


async def test_a_visit_makes_an_open_room(mongod: SessionMongod, database: str) -> None:
    """By those who may make rooms, and with a cursor that can be one of a new room; never in place of another."""
    async with house(mongod, database, den=PRIVATE) as (access, registry, _):
        assert (await access.to_join("a", Cursor(after=0), GUEST)).policy == Policy()
        assert (await access.to_join("b", Cursor(after=9, epoch="e"), STRANGER)).policy == Policy()
        assert (await access.to_change(send("c"), STRANGER)).policy == Policy()
        for act in (access.to_join("den", Cursor(), STRANGER), access.to_change(send("den"), STRANGER)):
            with pytest.raises(NotFound, match=NO_ROOM):
                await act
        for caller in (replace(STRANGER, scope=Scope()), replace(GUEST)):
            strict = access if caller.scope else access_to(registry, guests="read")
            with pytest.raises(NotFound):
                await strict.to_join("new", Cursor(), caller)
            with pytest.raises(NotFound):
                await strict.to_change(send("new"), caller)
        assert sorted(room.name for room in registry) == ["a", "b", "c", "den"]


async def test_ruling_is_for_those_who_may(mongod: SessionMongod, database: str) -> None:
    """In an open room one is told who may; a bot owns nothing."""
    hall = Policy(members=MEMBERS)
    async with house(mongod, database, hall=hall) as (access, _, _):
        for caller in (GUEST, STRANGER, MEMBER):
            for act in (access.to_moderate("hall", caller), access.to_own("hall", caller)):
                with pytest.raises(Forbidden):
                    await act
        for caller in (MODERATOR, OWNER, ADMIN, BOT):
            await access.to_moderate("hall", caller)
        for caller in (MODERATOR, BOT):
            with pytest.raises(Forbidden, match="owner"):
                await access.to_own("hall", caller)


async def test_inviting_is_for_those_who_may(mongod: SessionMongod, database: str) -> None:
    """To a secret-link room every member invites, to a private one its moderators, to the others nobody."""
    by_link = Policy(access="link", members={**MEMBERS, "g-guest": Member("guest")}, read_only=True)
    direct = Policy(access="direct", members=MEMBERS)
    async with house(mongod, database, den=PRIVATE, nest=by_link, pair=direct, hall=Policy()) as (access, registry, _):
        for caller in (MEMBER, MODERATOR, OWNER, ADMIN, GUEST):
            await access.to_invite("nest", caller)
        for caller in (MODERATOR, OWNER, ADMIN):
            await access.to_invite("den", caller)
        with pytest.raises(Forbidden):
            await access.to_invite("den", MEMBER)
        for caller in (MEMBER, OWNER):
            with pytest.raises(Forbidden, match="direct"):
                await access.to_invite("pair", caller)
            with pytest.raises(BadRequest, match="open"):
                await access.to_invite("hall", caller)
        with pytest.raises(Forbidden):
            await access.to_invite("nest", replace(MEMBER, scope=Scope()))
        with pytest.raises(Forbidden):
            await access_to(registry, guests="read").to_invite("nest", GUEST)
