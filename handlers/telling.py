"""What clients tell the others in a room that is no change of its log, over whatever way."""

from chat.callers import Caller
from chat.catch_up import bring_up
from chat.changes import tell
from chat.chat import Chat
from chat.protocol import Passing, Read
from chat.room import Room


async def tell_others(chat: Chat, room: Room, caller: Caller, what: Passing) -> None:
    """Raises ChatError for one who may not, and for what somebody has read that nobody has written."""
    chat.access.may_tell(room, caller, what)
    if isinstance(what, Read):
        await bring_up(room, what.seq, chat.history, chat.limits)
        chat.access.may_read(room, caller)  # it may have been lost meanwhile
    tell(room, caller.user, what, chat.bus)
