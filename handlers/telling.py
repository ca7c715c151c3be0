"""What sockets, streams and requests say alike: what passes in a room, and what one is told who comes into it."""

from collections.abc import Sequence

from chat.callers import Caller
from chat.catch_up import CatchUp, bring_up
from chat.changes import tell
from chat.chat import Chat
from chat.entries import Entry
from chat.protocol import Passing, Read, Subscribed
from chat.room import Room


async def tell_others(chat: Chat, room: Room, caller: Caller, what: Passing) -> None:
    """Raises ChatError for one who may not, and for what somebody has read that nobody has written."""
    chat.access.may_tell(room, caller, what)
    if isinstance(what, Read):
        await bring_up(room, what.seq, chat.history, chat.limits)
        chat.access.may_read(room, caller)  # it may have been lost meanwhile
    tell(room, caller.user, what, chat.bus)


def subscribed(
    room: Room, found: CatchUp, entries: Sequence[Entry], *, id: str | int | None = None, changed: bool = True
) -> Subscribed:
    """What one is told who has just joined the room with what was found."""
    return Subscribed(
        id=id,
        room=room.name,
        title=room.title,
        epoch=room.epoch,
        seq=found.seq,
        entries=entries,
        gap=found.gap,
        reset=found.reset,
        members=room.members(),
        people=room.people,
        changed=changed,
    )
