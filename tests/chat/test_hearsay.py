"""Two processes on one database: what is decided at one holds at the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest
from msgspec.structs import replace

from chat.administration import Decree, NewRange
from chat.bus import Bus, Exchange, LocalBus
from chat.callers import Caller
from chat.catch_up import Cursor, catch_up
from chat.chat import Chat
from chat.conversations import Conversation
from chat.desk import DeskSettings
from chat.entries import Entry
from chat.errors import ChatError, Forbidden, NameTaken, NotFound, RateLimited, Unauthenticated
from chat.lifetimes import HEARD
from chat.mongo_bus import MongoBus
from chat.policy import Member
from chat.profiles import ProfileChange
from chat.protocol import CloseCode, Delete, Edit, React, Send
from chat.room import Room
from chat.support import NewConversation
from tests.chats import HERE, PASSWORD, account, guest, open_chat
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import FakeWaiter, new_key
from tests.waiting import until


class Two:
    """Two processes, and clients of theirs."""

    def __init__(self, one: Chat, other: Chat) -> None:
        self.one = one
        self.other = other

    def connect(self, chat: Chat, caller: Caller) -> FakeWaiter:
        waiter = FakeWaiter(caller.user)
        waiter.caller = caller
        chat.clients.add(waiter)
        return waiter

    async def enter(self, chat: Chat, name: str, caller: Caller) -> tuple[Room, FakeWaiter]:
        room = await chat.access.to_join(name, Cursor(), caller)
        waiter = self.connect(chat, caller)
        room.join(waiter)
        return room, waiter


@asynccontextmanager
async def two(kind: str, mongod: SessionMongod, database: str, **values: object) -> AsyncIterator[Two]:
    exchange = Exchange()
    async with AsyncExitStack() as closing:
        chats = []
        for name in ("one", "other"):
            bus: Bus = LocalBus(name, exchange)
            if kind == "mongodb":
                connection = mongod.connection(database)
                closing.callback(connection.close)
                bus = MongoBus(connection.database, connection.streaming(), name)
            chats.append(await closing.enter_async_context(open_chat(mongod, database, bus=bus, **values)))
        yield Two(*chats)


@pytest.fixture(params=["local", "mongodb"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def send(chat: Chat, room: Room, caller: Caller, text: str, key: str = "") -> int:
    change = Send(room=room.name, key=key or new_key(), text=text)
    return (await chat.changes.make(room, caller.user, change)).entry.seq


async def test_what_is_stored_at_one_is_published_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    """In one order; a key that both are sent becomes one entry."""
    async with two(kind, mongod, database) as both:
        ann, bob = guest(both.one, "ann"), guest(both.other, "bob")
        here, at_one = await both.enter(both.one, "lobby", ann)
        there, at_other = await both.enter(both.other, "lobby", bob)
        for number in range(10):
            await send(both.one, here, ann, f"a{number}")
            await send(both.other, there, bob, f"b{number}")
        key = new_key()
        assert await send(both.one, here, ann, "same", key) == await send(both.other, there, ann, "same", key) == 21
        await until(lambda: len(at_one.seqs) == len(at_other.seqs) == 21)
        assert at_one.seqs == at_other.seqs == list(range(1, 22))


async def test_a_cursor_that_is_ahead_of_a_process_is_no_mistake(mongod: SessionMongod, database: str) -> None:
    """Who was answered by one process asks the other one before it has heard of it; here it never hears."""
    async with open_chat(mongod, database) as one, open_chat(mongod, database) as other:
        ann = guest(one, "ann")
        room = await one.registry.wake("lobby")
        there = await other.registry.wake("lobby")
        seq = await send(one, room, ann, "hello")
        found = await catch_up(there, Cursor(after=seq), other.history, other.limits)
        assert (found.seq, found.entries) == (seq, [])


async def test_rules_hold_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    """Who loses a room at one process is out of it at the other; two who change its rules at once both do."""
    async with two(kind, mongod, database) as both:
        ann, bob = await account(both.one, "ann"), await account(both.one, "bob")
        room = await both.one.registry.make("club", None)
        await both.one.registry.govern(
            room,
            lambda policy: replace(
                policy, access="private", members={ann.id: Member("ann", "owner"), bob.id: Member("bob")}
            ),
        )
        there, waiter = await both.enter(both.other, "club", bob)
        await both.one.registry.govern(room, lambda policy: replace(policy, slow=5), title="The club")
        await both.other.registry.govern(there, lambda policy: replace(policy, read_only=True))
        assert (there.policy.slow, there.policy.read_only, there.title) == (5, True, "The club")
        await until(lambda: room.policy.read_only)
        await both.one.house.members.remove("club", bob.id, ann)
        await until(lambda: waiter.refused)
        assert waiter.refused[0][1] == CloseCode.NOT_ALLOWED
        assert not there.waiters()


async def test_who_is_no_agent_any_more_is_out_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    """A desk that is made, changed or removed at one process is so at the other in the same moment."""
    async with two(kind, mongod, database) as both:
        ann = replace(await account(both.one, "ann"), admin=True)
        bob = await account(both.one, "bob")
        here, there = both.one.reception.keeping, both.other.reception.desks
        desk, _ = await here.put("shop", DeskSettings(title="The shop", agents=["bob"]), ann)
        await until(lambda: there.agents.has("shop", bob.id))
        room, waiter = await both.enter(both.other, desk.room, bob)
        await here.put("shop", DeskSettings(title="The shop"), ann)
        await until(lambda: waiter.refused)
        assert waiter.refused[0][1] == CloseCode.NOT_ALLOWED and not room.waiters()
        await here.remove("shop", ann)
        await until(lambda: not there.all())


async def test_what_one_has_not_taken_note_of_at_a_desk_the_other_does(
    kind: str, mongod: SessionMongod, database: str
) -> None:
    """An agent answers at one process, which is held up then; the visitor goes on at the other."""
    async with two(kind, mongod, database) as both:
        ann = replace(await account(both.one, "ann"), admin=True)
        await both.one.reception.keeping.put("shop", DeskSettings(title="The shop", agents=["ann"]), ann)
        await until(both.other.reception.desks.all)
        begun = NewConversation(text="hello", key=new_key())
        opened, _ = await both.other.reception.support.open("shop", begun, "127.0.0.1")
        here, there = await both.one.registry.find(opened.room), await both.other.registry.find(opened.room)
        late = asyncio.Event()
        heard = both.one.reception.conversations.heard

        async def held(room: str, entry: Entry, *, by_agent: bool) -> Conversation | None:
            await late.wait()
            return await heard(room, entry, by_agent=by_agent)

        replace_methods(both.one.reception.conversations, heard=held)
        answering = asyncio.create_task(send(both.one, here, ann, "an answer"))
        await until(lambda: there.seq == 2)
        await send(both.other, there, Caller(user=opened.user, session="s"), "and another thing")
        late.set()
        await answering
        found = await both.one.reception.conversations.get(opened.room)
        assert found.agent is not None and found.agent.id == ann.id
        assert (found.state, found.unanswered, found.last.text) == ("taken", 1, "and another thing")


async def test_a_deleted_room_is_gone_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    async with two(kind, mongod, database) as both:
        bob = guest(both.other, "bob")
        room = await both.one.registry.make("club", None)
        there, waiter = await both.enter(both.other, "club", bob)
        await send(both.other, there, bob, "hello")
        await both.one.house.lifetimes.delete(room)
        await until(lambda: waiter.refused)
        assert isinstance(waiter.refused[0][0], Forbidden) and there.over
        assert both.other.registry.get("club") is None
        assert await both.one.history.rooms.doomed() == ["club"]  # until what may be under way has arrived
        for chat in (both.one, both.other):
            chat.house.lifetimes._clock = lambda: 1e9 + HEARD
            await chat.house.lifetimes.end_empty()
        assert await both.one.history.rooms.doomed() == []
        again = await both.other.registry.make("club", None)
        assert again.seq == 0 and again.epoch != room.epoch


async def test_sessions_end_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    async with two(kind, mongod, database) as both:
        ann = await account(both.one, "ann")
        signed_in = await both.one.identity.entrance.sign_in("ann", PASSWORD, HERE)
        await both.other.identity.tokens.load(signed_in.token)
        caller = both.other.identity.tokens.caller(signed_in.token, "127.0.0.1")
        assert caller is not None and caller.account == ann.account
        waiter = both.connect(both.other, caller)
        await both.one.identity.departures.end_all(ann.account)
        await until(lambda: waiter.refused)
        assert isinstance(waiter.refused[0][0], Unauthenticated)
        assert both.other.identity.tokens.caller(signed_in.token, "127.0.0.1") is None


async def test_a_guest_who_signs_out_is_nobody_anywhere(kind: str, mongod: SessionMongod, database: str) -> None:
    async with two(kind, mongod, database) as both:
        ann = guest(both.one, "ann")
        token = both.one.identity.guests.token(ann.user)
        assert both.other.identity.tokens.caller(token, "") is not None
        waiter = both.connect(both.other, ann)
        await both.one.identity.departures.sign_out(ann)
        await until(lambda: waiter.refused)
        assert both.other.identity.tokens.caller(token, "") is None
        assert both.other.identity.guests.read(token) is None


async def test_a_new_name_and_a_new_right_are_known_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    async with two(kind, mongod, database) as both:
        ann = await account(both.one, "ann")
        with pytest.raises(NameTaken):
            await until(lambda: guest(both.other, "ann") is None)
        signed_in = await both.one.identity.entrance.sign_in("ann", PASSWORD, HERE)
        await both.other.identity.tokens.load(signed_in.token)
        caller = both.other.identity.tokens.caller(signed_in.token, "")
        assert caller is not None
        waiter = both.connect(both.other, caller)
        stored = await both.one.identity.accounts.by_id(ann.account)
        assert stored is not None
        await both.one.identity.profiles.change(stored, ProfileChange(display="Anna"), ann, HERE)
        await until(lambda: waiter.is_dismissed)
        now = both.other.identity.tokens.caller(signed_in.token, "")
        assert now is not None and now.user.name == "Anna"
        stored = await both.one.identity.accounts.by_id(ann.account)
        assert stored is not None
        both.one.identity.departures.update(await both.one.identity.accounts.change(stored, admin=True))

        def is_admin() -> bool:
            known = both.other.identity.tokens.caller(signed_in.token, "")
            return known is not None and known.admin

        await until(is_admin)


async def test_bans_hold_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    """Of accounts and of addresses, and so does their end."""
    async with two(kind, mongod, database) as both:
        root, ann = await account(both.one, "root", admin=True), await account(both.one, "ann")
        root = msgspec.structs.replace(root, address="127.0.0.1")
        waiter = both.connect(both.other, ann)
        await both.one.oversight.administration.decree(ann.account, Decree("ban"), root)
        await until(lambda: waiter.refused and both.other.bans.of_account(ann.account))
        await both.one.oversight.administration.decree(ann.account, Decree("unban"), root)
        await until(lambda: both.other.bans.of_account(ann.account) is None)
        far = both.connect(both.other, msgspec.structs.replace(guest(both.other, "bob"), address="203.0.113.7"))
        await both.one.oversight.administration.ban_range(NewRange("203.0.113.0/24"), root)
        await until(lambda: far.refused)
        assert far.refused[0][1] == CloseCode.NOT_ALLOWED
        with pytest.raises(Forbidden):
            both.other.bans.check_address("203.0.113.9")
        await both.one.oversight.administration.lift_range("203.0.113.0/24", root)

        def is_free() -> bool:
            try:
                both.other.bans.check_address("203.0.113.9")
            except ChatError:
                return False
            return True

        await until(is_free)


async def test_where_a_guest_comes_from_is_known_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    """So that their ban is one of the address as well, wherever it is given."""
    async with two(kind, mongod, database) as both:
        bob = msgspec.structs.replace(guest(both.other, "bob"), address="203.0.113.7")
        await both.enter(both.other, "lobby", bob)
        await until(lambda: both.one.oversight.moderation._whereabouts.of(bob.user.id))


async def test_slow_mode_counts_what_is_written_at_both(kind: str, mongod: SessionMongod, database: str) -> None:
    async with two(kind, mongod, database) as both:
        ann, bob = await account(both.one, "ann"), guest(both.other, "bob")
        room, _ = await both.enter(both.one, "lobby", ann)
        there, _ = await both.enter(both.other, "lobby", bob)
        await both.one.registry.govern(room, lambda policy: replace(policy, slow=60))
        await until(lambda: there.policy.slow)
        await send(both.one, room, bob, "hello")
        await until(lambda: there.seq == 1)
        with pytest.raises(RateLimited):
            both.other.access.may_change(there, bob, Send(room="lobby", key=new_key(), text="again"))


async def test_all_is_read_anew_where_something_was_missed(mongod: SessionMongod, database: str) -> None:
    """Here nothing at all was heard; who is connected comes back."""
    async with open_chat(mongod, database) as one, open_chat(mongod, database) as other:
        both = Two(one, other)
        ann, bob = await account(one, "ann"), guest(other, "bob")
        room = await one.registry.make("club", None)
        there, waiter = await both.enter(other, "club", bob)
        signed_in = await one.identity.entrance.sign_in("ann", PASSWORD, HERE)
        await other.identity.tokens.load(signed_in.token)
        await one.registry.govern(room, lambda policy: replace(policy, read_only=True))
        await one.identity.departures.end_all(ann.account)
        await one.bans.ban_account(ann.user.author, ann.user.author, seconds=0, reason="")
        await other.hearsay.recover()
        assert there.policy.read_only and other.bans.of_account(ann.account) is not None
        assert not other.identity.tokens.is_loaded(signed_in.token)
        assert waiter.is_dismissed
        with pytest.raises(NameTaken):
            guest(other, "ann")


async def is_at(room: Room, seq: int) -> None:
    """Returns when the room has been told of everything up to there."""
    await until(lambda: room.seq == seq)


async def test_slow_mode_counts_messages_alone(kind: str, mongod: SessionMongod, database: str) -> None:
    """A reaction at one process does not keep the same person's first message waiting at the other; a message does."""
    async with two(kind, mongod, database) as both:
        ann, bob = guest(both.one, "ann"), guest(both.other, "bob")
        here, _ = await both.enter(both.one, "lobby", ann)
        there, _ = await both.enter(both.other, "lobby", bob)
        await send(both.one, here, ann, "hi")
        await until(lambda: there.seq == 1)
        await both.one.registry.govern(here, lambda policy: replace(policy, slow=3600))
        await until(lambda: there.policy.slow == 3600)
        reaction = React(room="lobby", key=new_key(), target=1, emoji="👍", on=True)
        await both.one.writing.make(reaction, bob)  # with another device
        await until(lambda: there.seq == 2)
        await both.other.writing.make(Send(room="lobby", key=new_key(), text="my first"), bob)
        with pytest.raises(RateLimited):
            await both.other.writing.make(Send(room="lobby", key=new_key(), text="my second"), bob)


async def test_an_edit_beside_a_deletion_at_the_other(kind: str, mongod: SessionMongod, database: str) -> None:
    """It leaves no text, though the message is out of memory at both."""
    async with two(kind, mongod, database, recent=2) as both:
        ann = guest(both.one, "ann")
        here, _ = await both.enter(both.one, "lobby", ann)
        for turn in range(5):
            target = await send(both.one, here, ann, "secret one")
            for _ in range(3):
                last = await send(both.one, here, ann, "more")
            there, _ = await both.enter(both.other, "lobby", ann)
            await is_at(there, last)
            edit = Edit(room="lobby", key=new_key(), target=target, text="secret two")
            deletion = Delete(room="lobby", key=new_key(), target=target)
            doing = (both.other.writing.make(edit, ann), both.one.writing.make(deletion, ann))
            found = await asyncio.gather(*(doing if turn % 2 else reversed(doing)), return_exceptions=True)
            assert not [each for each in found if isinstance(each, Exception) and not isinstance(each, NotFound)]
            await until(lambda: mongod.client[database].entries.count_documents({"undone": True}) == 0)
            assert mongod.client[database].entries.count_documents({"text": {"$regex": "secret"}}) == 0
