"""Changes: what people do to a room's log. Checks what needs the log to be known, and hands it to be stored."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from chat.admission import Admission, is_judged, there
from chat.board import FINAL
from chat.bus import Bus
from chat.commit import GroupCommit
from chat.entries import Author, Entry
from chat.errors import BadRequest, Forbidden
from chat.history import History
from chat.notes import Signalled, Told
from chat.pending import Stored, already
from chat.people import User
from chat.protocol import Change, Delete, Edit, Passing, React, Read, Send, Signal
from chat.redaction import Redaction
from chat.room import Room
from chat.times import now


class Changes:
    """Turns the commands of people into entries of a room's log."""

    def __init__(self, history: History, commit: GroupCommit, redaction: Redaction, *, reaction_limit: int) -> None:
        self._history = history
        self._commit = commit
        self._redaction = redaction
        self._reaction_limit = reaction_limit
        self._desk_heard: Callable[[Room, Entry], Awaitable[None]] | None = None

    def tell_desks(self, heard: Callable[[Room, Entry], Awaitable[None]]) -> None:
        """`heard` takes note of each entry in a support desk's room before its sender is told that it is stored."""
        self._desk_heard = heard

    async def announce(
        self, room: Room, author: Author, kind: str, data: dict[str, Any], *, key: str | None = None
    ) -> Entry:
        """An entry that the server itself makes, of a kind that clients cannot: what somebody has done. Raises
        Unavailable."""
        key = key or str(uuid.uuid4())
        draft = Entry(type="message", room=room.name, seq=0, user=author, at=0, key=key, kind=kind, data=data)
        return (await asyncio.shield(self._hand_over(room, draft))).entry

    async def make(self, room: Room, user: User, change: Change, *, over_others: bool = False) -> Stored:
        """The entry that the change became, when all is done that belongs to it; raises ChatError."""
        await self.look_up(room, change)
        return await self.finished(room, self.begin(room, user, change, over_others=over_others))

    async def look_up(self, room: Room, change: Change) -> None:
        """Has in memory what a change is about; raises Unavailable. `begin` then need not wait for anything."""
        if not isinstance(change, Edit | Delete | React) or not room.stored or room.tail.entry_at(change.target):
            return
        with room.tail.reading() as end:
            message = await self._history.message(room.key, change.target)
            if message is not None:
                room.tail.recall(message, end)

    def begin(self, room: Room, user: User, change: Change, *, over_others: bool = False) -> "asyncio.Future[Stored]":
        """Hands a change to be stored, at once: so what is said first is stored first. Others may wait for the same
        future. Raises ChatError, as the future may, if what the change is about has changed meanwhile. `over_others`
        lets delete what others wrote."""
        known = self._commit.known(room, change.key)
        if known is not None:
            return known
        draft = _draft(room, user, change)
        if is_judged(draft):
            Admission(self._reaction_limit).admits(room, draft)
        if isinstance(change, Edit | Delete | React):
            self._check(room, user, change, over_others)
        return self._hand_over(room, draft)

    async def finished(self, room: Room, under_way: "asyncio.Future[Stored]") -> Stored:
        """What has been stored, when all is done that belongs to it: for who begins it, and for who says it again."""
        stored = await asyncio.shield(under_way)
        if room.stored and stored.entry.type == "delete":
            await self._redaction.done(room, stored.entry)
        if room.policy.desk and self._desk_heard is not None:
            await self._desk_heard(room, stored.entry)
        return stored

    async def withdraw(self, room: Room, user: User, targets: Sequence[int]) -> None:
        """Deletes some messages of the user, whoever may write in the room now; raises Unavailable, and then some of
        them may be deleted."""
        deletions = [Delete(room=room.name, key=str(uuid.uuid4()), target=target) for target in targets]
        futures = [self._commit.append(room, _draft(room, user, deletion)) for deletion in deletions]
        for stored in await asyncio.gather(*futures):
            await self._redaction.done(room, stored.entry)

    async def message(self, room: Room, seq: int) -> Entry:
        """The message of that number in its present state; raises NotFound, also for one that was deleted."""
        message = room.tail.entry_at(seq) or await self._history.message(room.key, seq)
        return there(message, seq)

    def _hand_over(self, room: Room, draft: Entry) -> "asyncio.Future[Stored]":
        if room.stored:
            return self._commit.append(room, draft)
        known = room.tail.entry_of(draft.key)
        if known is not None:
            return already(known)
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        future.set_result(Stored(room.add(draft, now()), new=True))
        return future

    def _check(self, room: Room, user: User, change: Edit | Delete | React, over_others: bool) -> None:
        message = there(room.tail.entry_at(change.target), change.target)
        if isinstance(change, React):
            return
        if message.user.id != user.id and not (over_others and isinstance(change, Delete)):
            raise Forbidden("One changes only one's own messages.")
        if isinstance(change, Edit) and message.kind != "text":
            raise BadRequest("Only a text can be edited.")
        if isinstance(change, Delete) and message.kind in FINAL:
            raise BadRequest("What takes something from the board cannot be deleted: what it took is no more.")


def _draft(room: Room, user: User, change: Change) -> Entry:
    """The entry that the change will become; `seq` and `at` are decided when it is stored."""
    entry = Entry(type="message", room=room.name, seq=0, user=user.author, at=0, key=change.key)
    match change:
        case Send():
            entry.kind, entry.text, entry.data = change.kind, change.text, change.data
        case Edit():
            entry.type, entry.target, entry.text = "edit", change.target, change.text
        case Delete():
            entry.type, entry.target = "delete", change.target
        case React():
            entry.type, entry.target = "reaction", change.target
            entry.emoji, entry.on = change.emoji, change.on
    return entry


def tell(room: Room, user: User, what: Passing, bus: Bus) -> None:
    """Passes on to the room, at whatever process, what is no change of its log."""
    match what:
        case Read():
            note: Told | Signalled = Told(room.key, "read", user, what.seq)
        case Signal():
            note = Signalled(room.key, what.kind, user, what.data)
        case _:
            note = Told(room.key, "typing", user)
    pass_on(room, note)
    if room.is_elsewhere:
        bus.tell(note)


def pass_on(room: Room, note: Told | Signalled) -> None:
    """Tells those who are in the room here."""
    if isinstance(note, Signalled):
        room.signal(note.user, note.kind, note.data)
    else:
        room.announce(note.kind, note.user, note.seq)
