"""Support: visitors who ask, agents who take their conversations, and what both are told.

What a visitor may see goes into the conversation's room, the rest into the agents' room of the desk. The state stands
in MongoDB (chat/conversations.py), so that it is the same for all processes and changes in one step.
"""

import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from chat.callers import Caller
from chat.changes import Changes
from chat.conversations import (
    NO_CONVERSATION,
    Conversation,
    Conversations,
    Last,
    Note,
    State,
    new_visitor,
)
from chat.desk import Desk, DeskFacts
from chat.desks import NO_DESK, Desks
from chat.entries import Author, Entry
from chat.errors import BadRequest, Forbidden, NotFound
from chat.history import History
from chat.lifetimes import Lifetimes
from chat.limits import DeskLimits, Limits
from chat.names import email_address, person_name, room_key
from chat.people import User
from chat.policy import Member, Policy
from chat.protocol import RESERVED_KINDS, Send, check_text
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.room import Room
from chat.times import now

PAGE_LIMIT = 500  # characters of the address of the page that a visitor was at
READ_AT_ONCE = 500  # entries of a log


class NewConversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a visitor begins with: a message, and if they like how they are called and where they can be reached.

    `key` is a UUID of theirs: sent again with it, the same conversation is answered.
    """

    text: str
    key: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    name: str = ""
    email: str = ""
    page: Annotated[str, Meta(max_length=PAGE_LIMIT)] = ""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agent does: `take` from nobody or from the agent `holder`; `hand_over` to the agent `to`, or back to the
    queue; `close`; `note` a `text` for the others."""

    act: Literal["take", "hand_over", "close", "note"]
    holder: str = ""
    to: str = ""
    text: str = ""


class Opened(msgspec.Struct, frozen=True):
    """A conversation that has begun, for its visitor: the token is shown this once."""

    token: str
    room: str
    user: User


class OwnConversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as its visitor sees it."""

    room: str
    desk: DeskFacts
    user: Author
    state: State
    agent: str = ""


class Detailed(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as agents see it, with what they noted."""

    conversation: Conversation
    notes: list[Note]


class Support:
    """Joins desks, conversations and rooms. Calls raise ChatError."""

    def __init__(
        self,
        *,
        desks: Desks,
        conversations: Conversations,
        registry: RoomRegistry,
        changes: Changes,
        history: History,
        lifetimes: Lifetimes,
        rates: Rates,
        limits: Limits,
        desk_limits: DeskLimits,
    ) -> None:
        self._desks = desks
        self._conversations = conversations
        self._registry = registry
        self._changes = changes
        self._history = history
        self._lifetimes = lifetimes
        self._rates = rates
        self._limits = limits
        self._desk_limits = desk_limits
        changes.tell_desks(self._heard)

    # Visitors

    async def open(self, name: str, wanted: NewConversation, address: str) -> tuple[Opened, bool]:
        """A conversation that begins with a message, and whether it is new. Raises NotFound, BadRequest, TooLarge,
        RateLimited, Forbidden for a desk with as many as it can have, Unavailable."""
        desk = self._desks.get(name)
        check_text(wanted.text, self._limits)
        user = new_visitor(person_name(wanted.name) if wanted.name.strip() else "")
        email = email_address(wanted.email)
        again = await self._conversations.again(name, wanted.key)
        if again is not None:
            return _opened(*again), False
        self._rates.open_conversation(address)
        limit = self._desk_limits.desk_open_limit
        if await self._conversations.count(name, limit) >= limit:
            raise Forbidden("The desk has as many open conversations as it can have; try again later.")
        is_away = (await self._desks.facts(name)).state == "away"
        return await self._begin(desk, user, wanted, email=email, is_away=is_away)

    async def _begin(
        self, desk: Desk, user: User, wanted: NewConversation, *, email: str, is_away: bool
    ) -> tuple[Opened, bool]:
        policy = Policy(access="direct", members={user.id: Member(user.name)}, days=desk.days, desk=desk.name)
        room = await self._registry.make(None, user.name, policy)
        with room.held():
            send = Send(room=room.name, key=str(uuid.uuid4()), text=wanted.text)
            entry = (await self._changes.make(room, user, send)).entry
        conversation = Conversation(
            id=room.name,
            desk=desk.name,
            visitor=user.author,
            made=entry.at,
            since=entry.at,
            last=Last.of(entry),
            away=is_away,
            email=email,
            page=wanted.page,
        )
        return await self._open(conversation, room, wanted.key)

    async def _open(self, conversation: Conversation, room: Room, key: str) -> tuple[Opened, bool]:
        """It is one of the desk's from now on, unless the same key has made one, or the desk is no more."""
        token = await self._conversations.insert(conversation, key)
        if token is None:  # begun twice at once: the other one counts
            await self._take_back(room)
            again = await self._conversations.again(conversation.desk, key)
            if again is None:
                raise NotFound(NO_CONVERSATION)
            return _opened(*again), False
        if not await self._desks.is_there(conversation.desk):  # removed meanwhile, with all others
            await self._take_back(room)
            raise NotFound(NO_DESK)
        await self._tell_agents(conversation, conversation.visitor)
        return _opened(conversation, token), True

    async def _take_back(self, room: Room) -> None:
        """Nothing is left of what was begun there."""
        with contextlib.suppress(NotFound):
            await self._lifetimes.delete(room)
        await self._conversations.erase(room.key)

    async def own(self, id: str, caller: Caller) -> OwnConversation:
        """The visitor's own conversation."""
        conversation = await self._conversations.get(id)
        if caller.user.id != conversation.visitor.id:
            raise NotFound(NO_CONVERSATION)
        return OwnConversation(
            room=conversation.id,
            desk=await self._desks.facts(conversation.desk),
            user=conversation.visitor,
            state=conversation.state,
            agent=conversation.agent.name if conversation.agent else "",
        )

    async def _heard(self, room: Room, entry: Entry) -> None:
        """Something in a conversation, by its visitor or by an agent: a message, or a change of one.

        What was said before comes first, if whoever said it has not got as far yet: so each message counts, in order.
        """
        conversation = await self._conversations.find(room.key) if entry.type != "reaction" else None
        if conversation is None:
            return
        for said in await self._said_since(conversation.last.seq, room, entry.seq):
            await self._take_note(room, said)
        if entry.type in ("edit", "delete"):
            amended = await self._conversations.amended(room.key, entry)
            if amended is not None:
                await self._tell_agents(amended, entry.user)

    async def _said_since(self, after: int, room: Room, end: int) -> list[Entry]:
        """The messages numbered `after` + 1 to `end` in their present state, without those that the server has made."""
        found = room.tail.since(after) if room.seq >= end else None
        if found is None:
            found = await self._history.between(room.key, after, end, READ_AT_ONCE)
        return [
            entry
            for entry in found
            if entry.type == "message" and entry.seq <= end and not entry.kind.startswith(RESERVED_KINDS)
        ]

    async def _take_note(self, room: Room, message: Entry) -> None:
        by_agent = message.user.id not in room.policy.members
        conversation = await self._conversations.heard(room.key, message, by_agent=by_agent)
        if conversation is None:
            return
        if by_agent and conversation.since == message.at:
            await self._tell_visitor(conversation, message.user, "desk.taken")
        await self._tell_agents(conversation, message.user)

    # Agents

    async def queue(
        self, name: str, state: State, caller: Caller, *, before: int | None, limit: int
    ) -> list[Conversation]:
        """The conversations of a desk in a state; who asks for them is there."""
        desk = self._desks.to_serve(name, caller)
        if caller.scope is None:
            await self._desks.note_present([(desk.name, caller.account)])
        return await self._conversations.page(desk.name, state, before=before, limit=limit)

    async def detailed(self, id: str, caller: Caller) -> Detailed:
        conversation = await self._served(id, caller)
        return Detailed(conversation=conversation, notes=await self._conversations.notes(id))

    async def step(self, id: str, step: Step, caller: Caller) -> Conversation:
        """The conversation after what an agent does with it. Of two who do it at once one is refused, and told who was
        first."""
        if caller.scope is not None:
            raise Forbidden("A bot does nothing with conversations but read and write them.")
        conversation = await self._served(id, caller)
        self._rates.change(caller)
        if step.act == "note":
            return await self._note(conversation, step.text, caller)
        me = msgspec.structs.replace(caller.user.author, id=caller.account)
        if step.act == "take":
            after = await self._take(conversation, step.holder, me)
        elif step.act == "close":
            after = await self._close(conversation, me)
        else:
            after = await self._hand_over(conversation, step.to, me)
        await self._tell_agents(after, me)
        return after

    async def _take(self, conversation: Conversation, holder: str, me: Author) -> Conversation:
        if holder == me.id:
            raise BadRequest("You have this conversation already.")
        taken = {"state": "taken", "agent.id": holder}
        which: dict[str, Any] = taken if holder else {"state": {"$in": ["waiting", "closed"]}}
        after = await self._stepped(conversation, which, state="taken", agent=me)
        await self._tell_visitor(after, me, "desk.taken")
        return after

    async def _close(self, conversation: Conversation, me: Author) -> Conversation:
        which = {"$or": [{"state": "waiting"}, {"state": "taken", "agent.id": me.id}]}
        after = await self._stepped(conversation, which, state="closed", agent=me, unanswered=0)
        await self._tell_visitor(after, me, "desk.closed")
        return after

    async def _hand_over(self, conversation: Conversation, to: str, me: Author) -> Conversation:
        mine = {"state": "taken", "agent.id": me.id}
        if not to:
            after = await self._stepped(conversation, mine, state="waiting", agent=None)
            await self._tell_visitor(after, me, "desk.waiting")
            return after
        heirs = [agent for agent in self._desks.get(conversation.desk).people if agent.id == to != me.id]
        if not heirs:
            raise NotFound("There is no such colleague at this desk.")
        after = await self._stepped(conversation, mine, state="taken", agent=heirs[0])
        await self._tell_visitor(after, me, "desk.taken")
        return after

    async def _stepped(self, conversation: Conversation, which: dict[str, Any], **fields: Any) -> Conversation:
        after = await self._conversations.step(conversation.id, which, since=now(), **fields)
        if after is not None:
            return after
        present = await self._conversations.get(conversation.id)
        if present.state == "taken" and present.agent is not None:
            raise Forbidden(f"{present.agent.name} has this conversation.")
        raise Forbidden(f"This conversation is {present.state}: nobody has it.")

    async def _note(self, conversation: Conversation, text: str, caller: Caller) -> Conversation:
        check_text(text, self._limits)
        author = msgspec.structs.replace(caller.user.author, id=caller.account)
        note = Note(id=str(uuid.uuid4()), at=now(), by=author, text=text)
        if not await self._conversations.add_note(conversation.id, note):
            raise BadRequest("This conversation has all the notes it can hold.")
        desk = self._desks.get(conversation.desk)
        room = await self._registry.find(desk.room)
        data = {"conversation": conversation.id, "note": msgspec.to_builtins(note)}
        await self._changes.announce(room, author, "desk.note", data)
        return conversation

    async def _served(self, id: str, caller: Caller) -> Conversation:
        """A conversation of a desk of the caller's; raises NotFound for all others."""
        if caller.scope is not None and not caller.scope.covers(id):
            raise NotFound(NO_CONVERSATION)
        conversation = await self._conversations.get(id)
        if not self._desks.agents.has(conversation.desk, caller.account):
            raise NotFound(NO_CONVERSATION)
        return conversation

    # What is told

    async def _tell_visitor(self, conversation: Conversation, by: Author, kind: str) -> None:
        agent = conversation.agent
        data = {"agent": msgspec.to_builtins(agent)} if agent and kind == "desk.taken" else {}
        await self._changes.announce(await self._registry.find(conversation.id), by, kind, data)

    async def _tell_agents(self, conversation: Conversation, by: Author) -> None:
        """Of two changes at once the second may be told first, here or by another process: so whoever has told of one
        looks whether that is how it is, and else tells how it is."""
        room = await self._registry.find(self._desks.get(conversation.desk).room)
        told: Conversation | None = None
        present: Conversation | None = conversation
        while present is not None and present != told:
            data = {"conversation": msgspec.to_builtins(present)}
            await self._changes.announce(room, by, "desk.conversation", data)
            told, present = present, await self._conversations.find(present.id)

    # What was said

    async def transcript(self, id: str, caller: Caller) -> tuple[Conversation, str, AsyncIterator[Sequence[Entry]]]:
        """A conversation, its desk's title, and the messages in their present state, some at a time, without notes:
        for its visitor, and for agents."""
        if caller.user.is_visitor:
            await self.own(id, caller)
            conversation = await self._conversations.get(id)
        else:
            conversation = await self._served(id, caller)
        return conversation, self._desks.get(conversation.desk).title, self._said(room_key(conversation.id))

    async def _said(self, room: str) -> AsyncIterator[Sequence[Entry]]:
        after = 0
        while found := await self._history.following(room, after, READ_AT_ONCE):
            yield [entry for entry in found if entry.type == "message"]
            after = found[-1].seq

    # As time goes by

    async def note_present(self) -> None:
        """Takes note of the agents who follow their desk's room in this process; raises Unavailable."""
        found: list[tuple[str, str]] = []
        for desk in self._desks.all():
            room = self._registry.get(room_key(desk.room))
            if room is not None:
                found += [(desk.name, person.id) for person in room.members() if person.id in desk.agents]
        await self._desks.note_present(found)


def _opened(conversation: Conversation, token: str) -> Opened:
    visitor = conversation.visitor
    return Opened(token=token, room=conversation.id, user=User(id=visitor.id, name=visitor.name))
