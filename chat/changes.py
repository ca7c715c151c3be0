"""Changes: what people do to a room's log. Checks what needs the log to be known, and hands it to be stored."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from chat.board import FINAL
from chat.bus import Bus
from chat.commit import GroupCommit, Stored
from chat.database import summary
from chat.entries import Author, Entry
from chat.errors import BadRequest, Forbidden, NotFound, Unavailable
from chat.history import History
from chat.notes import Signalled, Told
from chat.people import User
from chat.protocol import Change, Delete, Edit, Passing, React, Read, Send, Signal
from chat.room import Room
from chat.times import now

log = logging.getLogger("parley.changes")


class Changes:
    """Turns the commands of people into entries of a room's log."""

    def __init__(self, history: History, commit: GroupCommit, *, reaction_limit: int) -> None:
        self._history = history
        self._commit = commit
        self._reaction_limit = reaction_limit
        self._desk_heard: Callable[[Room, Entry], Awaitable[None]] | None = None
        self._redacting: set[asyncio.Task[None]] = set()

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
        return (await self._append(room, draft)).entry

    async def make(self, room: Room, user: User, change: Change, *, over_others: bool = False) -> Stored:
        """The entry that the change became; raises ChatError. `over_others` lets delete what others wrote.

        A message goes to be stored without giving way to the event loop first: so one client's messages keep their
        order.
        """
        if isinstance(change, Send):
            stored = await asyncio.shield(self.send(room, user, change))
            await self._tell_desk(room, stored.entry)
            return stored
        if room.tail.entry_of(change.key) is None:
            await self._check(room, user, change, over_others)
        stored = await self._append(room, _draft(room, user, change))
        if not room.stored:
            return stored
        if stored.entry.type == "delete":
            await self._redact(room, stored.entry)
        elif stored.entry.type == "edit":
            await self._redact_late(room, stored.entry)
        await self._tell_desk(room, stored.entry)
        return stored

    async def _tell_desk(self, room: Room, entry: Entry) -> None:
        """Said again, after a failure, its sender asks once more as well."""
        if room.policy.desk and self._desk_heard is not None:
            await self._desk_heard(room, entry)

    def send(self, room: Room, user: User, message: Send) -> asyncio.Future[Stored]:
        """The entry that the message becomes, as soon as it is stored; others may wait for the same future. Raises
        ChatError."""
        if message.kind != "text":
            for follower in room.followers:
                follower.permit(message)
        draft = _draft(room, user, message)
        if room.stored:
            return self._commit.append(room, draft)
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        future.set_result(self._add(room, draft))
        return future

    async def withdraw(self, room: Room, user: User, targets: Sequence[int]) -> None:
        """Deletes some messages of the user, whoever may write in the room now; raises Unavailable, and then some of
        them may be deleted."""
        deletions = [Delete(room=room.name, key=str(uuid.uuid4()), target=target) for target in targets]
        futures = [self._commit.append(room, _draft(room, user, deletion)) for deletion in deletions]
        for stored in await asyncio.gather(*futures):
            await self._redact(room, stored.entry)

    async def _append(self, room: Room, draft: Entry) -> Stored:
        if room.stored:
            return await asyncio.shield(self._commit.append(room, draft))
        return self._add(room, draft)

    def _add(self, room: Room, draft: Entry) -> Stored:
        known = room.tail.entry_of(draft.key)
        return Stored(known, new=False) if known else Stored(room.add(draft, now()), new=True)

    async def message(self, room: Room, seq: int) -> Entry:
        """The message of that number in its present state; raises NotFound, also for one that was deleted."""
        message = room.tail.entry_at(seq) or await self._history.message(room.key, seq)
        return _there(message, seq)

    async def _check(self, room: Room, user: User, change: Change, over_others: bool) -> None:
        assert isinstance(change, Edit | Delete | React)
        message = room.tail.entry_at(change.target)
        if room.stored:
            message = message or await self._history.message(room.key, change.target)
            if await self._history.entry_of(room.key, change.key) or room.tail.entry_of(change.key):
                return  # a repeated key is answered with the entry of then, whatever that has made of its target
        message = _there(message, change.target)
        if isinstance(change, React):
            if change.on and sum(map(len, message.reactions.values())) >= self._reaction_limit:
                raise BadRequest("That message has all the reactions it can hold.")
            return
        if message.user.id != user.id and not (over_others and isinstance(change, Delete)):
            raise Forbidden("One changes only one's own messages.")
        if isinstance(change, Edit) and message.kind != "text":
            raise BadRequest("Only a text can be edited.")
        if isinstance(change, Delete) and message.kind in FINAL:
            raise BadRequest("What takes something from the board cannot be deleted: what it took is no more.")

    async def _redact_late(self, room: Room, edit: Entry) -> None:
        """An edit that was under way while its message was deleted leaves no text either."""
        message = room.tail.entry_at(edit.target)
        if message is not None and message.deleted:
            await self._redact(room, msgspec.structs.replace(edit, at=message.deleted))

    async def _redact(self, room: Room, deletion: Entry) -> None:
        """Goes on though nobody waits for it any more."""
        if room.over:  # all of it goes, and what is there next under its name is another's
            return
        work = asyncio.get_running_loop().create_task(self._remove_text(room, deletion))
        self._redacting.add(work)
        work.add_done_callback(self._redacting.discard)
        await asyncio.shield(work)

    async def _remove_text(self, room: Room, deletion: Entry) -> None:
        try:
            await self._history.redact(room.key, deletion.target, deletion.at)
        except Unavailable as error:
            # The deletion itself is stored, so nobody is shown the text again.
            why = summary(error.__cause__)
            log.warning("the text of %s/%d could not be removed: %s", room.key, deletion.target, why)


def _there(message: Entry | None, seq: int) -> Entry:
    if message is None or message.type != "message":
        raise NotFound(f"There is no message {seq} in this room.")
    if message.deleted:
        raise NotFound("That message has been deleted.")
    return message


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
