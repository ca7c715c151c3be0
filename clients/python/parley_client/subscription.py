"""A room that a client receives: how far it has been read, who is there, what its reader is told. Plain data."""

import asyncio
import unicodedata
from collections.abc import Sequence

from parley_client.errors import ParleyError, RoomLost
from parley_client.event_queue import EventQueue
from parley_client.events import Cursor, Entry, Gap, Joined, Left, Message, Note, Person, Reset
from parley_client.wire import Subscribed, entries_of


def room_key(name: str) -> str:
    """What all spellings of one room's name have in common."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Subscription:
    """`seq` is the cursor, None until the server has answered, and `epoch` that of the log it belongs to."""

    def __init__(self, name: str, *, history: int, cursor: Cursor | None, limit: int) -> None:
        self.name = name
        self.key = room_key(name)
        self.history = history
        self.seq = None if cursor is None else cursor.seq
        self.epoch = None if cursor is None else cursor.epoch
        self.title = name
        self.people = 0
        self.members: dict[str, Person] = {}
        self._knows_people = False
        self.recent: list[Message] = []
        self.queue = EventQueue(limit)
        self.begun_at: Cursor | None = cursor
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take_subscribed(self, subscribed: Subscribed, *, entries_follow: bool = False) -> None:
        """Takes the answer to a subscription, or to a poll. Of an event stream the entries that it counts follow."""
        self.title = subscribed.title or self.title
        self._move(subscribed, entries_follow=entries_follow)
        if subscribed.members is not None:
            self.take_members(subscribed.members, subscribed.people)
        if not self.answered.done():
            self.answered.set_result(None)

    def take_entry(self, entry: Entry) -> None:
        """Takes an entry, unless it is known already, or the room is not begun."""
        if self.seq is not None and entry.seq > self.seq:
            self.seq = entry.seq
            self.queue.put(entry)

    def take_note(self, note: Note) -> None:
        """Takes what passes."""
        if isinstance(note, Joined):
            if note.user.id in self.members:
                return
            self.members[note.user.id] = note.user
            self.people += 1
        elif isinstance(note, Left):
            if self.members.pop(note.user.id, None) is None:
                return
            self.people -= 1
        self.queue.put(note)

    def take_members(self, members: Sequence[Person], people: int) -> None:
        """Takes a whole list of those present (of `people`, which may be more), and tells who of them came and went."""
        before, self.members = self.members, {person.id: person for person in members}
        was_known, self._knows_people = self._knows_people, True
        self.people = people
        if not was_known or people > len(members):
            return
        for person in members:
            if person.id not in before:
                self.queue.put(Joined(self.name, person))
        for person in before.values():
            if person.id not in self.members:
                self.queue.put(Left(self.name, person))

    def end(self, error: ParleyError | None) -> None:
        """Nothing more comes, for a reason or, without one, by one's own wish."""
        if not self.answered.done():
            self.answered.set_exception(error or RoomLost("left", "One has left the room."))
            self.answered.exception()  # whoever joins may have gone away
        self.queue.end(error)

    def _move(self, news: Subscribed, *, entries_follow: bool) -> None:
        is_first = self.seq is None
        entries = entries_of(news.entries)
        self.epoch = news.epoch
        if news.reset:
            self.queue.put(Reset(self.name, news.epoch))
            self.seq = 0
        if is_first:
            self.recent = [entry for entry in entries if isinstance(entry, Message)]
            self.seq = news.seq
            self.begun_at = Cursor(news.epoch, news.seq)
            return
        if news.gap:
            self.queue.put(Gap(self.name, *news.gap))
            self.seq = max(self.seq or 0, news.gap[1])
        for entry in entries:
            self.take_entry(entry)
        if not entries_follow:
            self.seq = max(self.seq or 0, news.seq)
