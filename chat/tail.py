"""The tail of a log: its latest entries, in memory and in their present state."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

from chat.entries import Author, Entry, settle

# Messages before the tail that were looked up to be changed, and are kept in their present state meanwhile.
RECALLED = 100


class Tail:
    """At least the last `keep` entries, if there are as many after `forgotten`, and all that a reader of the log before
    them still needs. `seq` is the number of the last one.

    With `is_all` they are all there is of the log: what is dropped is forgotten.
    """

    def __init__(self, recent: Iterable[Entry], *, forgotten: int, keep: int, is_all: bool) -> None:
        self.forgotten = forgotten
        self.is_all = is_all
        self._keep = keep
        self._entries: deque[Entry] = deque(entry for entry in recent if entry.seq > forgotten)
        self._by_key = {entry.key: entry for entry in self._entries}
        self._recalled: dict[int, Entry] = {}
        self._readers: dict[int, int] = {}
        self.seq = self._entries[-1].seq if self._entries else forgotten

    @property
    def at(self) -> int:
        """The time of the last entry in memory (milliseconds since the Unix epoch); 0 if there is none."""
        return self._entries[-1].at if self._entries else 0

    # What comes and goes

    def extend(self, entries: list[Entry]) -> None:
        """Takes the next entries; what they change is changed."""
        self.seq = entries[-1].seq
        self._entries.extend(entries)
        self._by_key.update((entry.key, entry) for entry in entries)
        changes = [entry for entry in entries if entry.target]
        if changes:
            settle(chain(self._recalled.values(), self._entries), changes)
        self._trim()

    def _trim(self) -> None:
        """Forgets the oldest entries, but none that a reader of the log before them will need."""
        floor = min(self._readers, default=self.seq)
        while len(self._entries) > self._keep and self._entries[0].seq <= floor:
            dropped = self._entries.popleft()
            self._by_key.pop(dropped.key, None)
            if self.is_all:
                self.forgotten = dropped.seq

    def forget(self, upto: int) -> None:
        """The entries up to that number are no more, here as in the store."""
        self.forgotten = max(self.forgotten, upto)
        while self._entries and self._entries[0].seq <= upto:
            self._by_key.pop(self._entries.popleft().key, None)
        self._recalled = {seq: message for seq, message in self._recalled.items() if seq > upto}

    def recall(self, message: Entry, end: int) -> None:
        """Keeps a message that was read from the log while this was read up to `end`; see `reading`."""
        settle([message], self.since(end) or [])
        self._recalled[message.seq] = message
        if len(self._recalled) > RECALLED:
            del self._recalled[next(iter(self._recalled))]

    def rename_author(self, author: Author) -> None:
        """Gives an author (by the id) that name in what they wrote and where they reacted, as far as it is in
        memory."""
        for entry in chain(self._recalled.values(), self._entries):
            if entry.user.id == author.id:
                entry.user = author
            if any(person.id == author.id for people in entry.reactions.values() for person in people):
                entry.reactions = {
                    emoji: [author if person.id == author.id else person for person in people]
                    for emoji, people in entry.reactions.items()
                }

    # What is there

    def entry_of(self, key: str) -> Entry | None:
        """The recent entry that was sent with this key."""
        return self._by_key.get(key)

    def entry_at(self, seq: int) -> Entry | None:
        """The entry with this number, if it is a recent one or a message that was recalled."""
        if not self._entries or not self._entries[0].seq <= seq <= self.seq:
            return self._recalled.get(seq)
        return self._entries[seq - self._entries[0].seq]

    def has_recalled(self, seq: int) -> bool:
        """Whether the message with this number is here alone, and other processes may not have it in memory."""
        return seq in self._recalled

    def since(self, after: int) -> list[Entry] | None:
        """All entries after a cursor, or None if memory does not reach back that far."""
        missed = self.seq - after
        if missed > len(self._entries):
            return None
        return list(self._entries)[len(self._entries) - missed :] if missed > 0 else []

    def entries(self) -> list[Entry]:
        """All entries in memory, in their present state."""
        return list(self._entries)

    def latest_messages(
        self, count: int, before: int | None = None, without: Collection[str] = ()
    ) -> list[Entry] | None:
        """The last `count` messages, of those numbered below `before` if it is given, without some kinds; or None if
        memory does not hold as many and the log may."""
        messages = [
            entry
            for entry in self._entries
            if entry.type == "message" and (before is None or entry.seq < before) and entry.kind not in without
        ]
        if len(messages) >= count or len(self._entries) == self.seq - self.forgotten:
            return messages[len(messages) - count :] if count < len(messages) else messages
        return None

    def author(self, id: str) -> Author | None:
        """Somebody who has written something of late."""
        return next((entry.user for entry in reversed(self._entries) if entry.user.id == id), None)

    # Readers of the log before it

    @property
    def is_read(self) -> bool:
        """Whether somebody reads the log now."""
        return bool(self._readers)

    @contextmanager
    def reading(self) -> Iterator[int]:
        """For one who reads the log up to the present end, which is given: what is published meanwhile stays in
        memory."""
        end = self.seq
        self._readers[end] = self._readers.get(end, 0) + 1
        try:
            yield end
        finally:
            self._readers[end] -= 1
            if not self._readers[end]:
                del self._readers[end]
            self._trim()
