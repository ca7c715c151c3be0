"""Admission: whether a change still fits the log when its turn to be stored has come."""

from collections import defaultdict
from collections.abc import Sequence

from chat.entries import Entry
from chat.errors import BadRequest, NotFound
from chat.room import Room


def is_judged(draft: Entry) -> bool:
    """Whether anything in the log can be in its way: nothing is in a text's."""
    return bool(draft.target) or draft.kind != "text"


class Admission:
    """Decides for the drafts of one batch, in their order.

    A room's log is as it was published until then, so what is refused here is refused by nothing that may yet fail; a
    draft that depends on another one of the batch has to wait for the next.
    """

    def __init__(self, reaction_limit: int) -> None:
        self._reaction_limit = reaction_limit
        self._ahead: defaultdict[tuple[Room, int], list[Entry]] = defaultdict(list)
        """What is in the batch already, by the message that it changes."""

    def admits(self, room: Room, draft: Entry) -> bool:
        """False: it waits for what is ahead of it. Raises ChatError for what does not fit any more."""
        ahead = self._ahead[room, draft.target]
        if draft.target:
            message = room.tail.entry_at(draft.target)
            admitted = message is None or may_change(message, draft, ahead, self._reaction_limit)
        else:
            admitted = all(follower.permit(draft, ahead) for follower in room.followers)
        if admitted:
            ahead.append(draft)
        return admitted


def may_change(message: Entry, draft: Entry, ahead: Sequence[Entry], reaction_limit: int) -> bool:
    """As `Admission.admits`, for an edit, a deletion or a reaction of that message."""
    there(message, draft.target)
    if any(other.type == "delete" for other in ahead):
        return False
    if draft.type == "reaction" and draft.on:
        if sum(map(len, message.reactions.values())) + len(ahead) < reaction_limit:
            return True
        if not ahead:
            raise BadRequest("That message has all the reactions it can hold.")
        return False
    return True


def there(message: Entry | None, seq: int) -> Entry:
    """The message of that number, if it is one and was not deleted; raises NotFound."""
    if message is None or message.type != "message":
        raise NotFound(f"There is no message {seq} in this room.")
    if message.deleted:
        raise NotFound("That message has been deleted.")
    return message
