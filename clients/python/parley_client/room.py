"""A room, as whoever uses the client has it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from parley_client.connection import Connection
from parley_client.events import Ack, Cursor, Deletion, Edit, Event, Gap, HistoryPage, Message, Person, Reaction, Reset
from parley_client.site import room_path
from parley_client.speech import Speech
from parley_client.subscription import Subscription
from parley_client.wire import Telling, decode_as

PAGE = 200
"""Messages in one page that fills a gap: the most that the server gives."""


class Room:
    """What is said and done in it from joining on: each event once and in order, whatever happens to the connection.

    `async for message in room` gives the messages alone, `events()` gives all. Both take from the same queue, so there
    is one reader at a time. What nobody takes is kept within a bound, and beyond that becomes a gap.
    """

    def __init__(self, connection: Connection, subscription: Subscription) -> None:
        self._connection = connection
        self._subscription = subscription
        self._speech = Speech(connection.outbox, subscription.name)
        self._is_read = False
        assert subscription.begun_at is not None
        self._cursor = subscription.begun_at

    @property
    def name(self) -> str:
        return self._subscription.name

    @property
    def title(self) -> str:
        return self._subscription.title

    @property
    def cursor(self) -> Cursor:
        """How far its reader has come. Given to `Client.join` later, also by another process, it goes on from there."""
        return self._cursor

    @property
    def recent(self) -> list[Message]:
        """What was said last before joining."""
        return self._subscription.recent

    @property
    def members(self) -> Mapping[str, Person]:
        """Those present, by id; at most 200 of them, while `people` counts all."""
        return MappingProxyType(self._subscription.members)

    @property
    def people(self) -> int:
        return self._subscription.people

    # What one says

    async def send(
        self,
        text: str | None = None,
        *,
        kind: str | None = None,
        data: dict[str, Any] | None = None,
        patient: bool = True,
    ) -> Ack:
        """Says a text, or something of another kind with data; returns once it is stored, however long that takes.

        Where it is too much for now it waits, unless it is not to be `patient`: then `rate_limited` is raised. It is in
        the outbox from the first moment: giving up the waiting does not take it back. Raises Refused, Closed,
        OutboxFull; so do the three below.
        """
        return await self._speech.send(text, kind=kind, data=data, patient=patient)

    async def edit(self, target: Message | int, text: str) -> Ack:
        """Changes one's own message, given as it is or by its `seq`."""
        return await self._speech.edit(target, text)

    async def delete(self, target: Message | int) -> Ack:
        """Deletes one's own message."""
        return await self._speech.delete(target)

    async def react(self, target: Message | int, emoji: str, *, on: bool = True) -> Ack:
        """Adds a reaction to a message, or takes it back."""
        return await self._speech.react(target, emoji, on=on)

    def typing(self) -> None:
        """Tells that one is typing; lost where there is no connection, as `read` is."""
        self._connection.tell(Telling(type="typing", room=self.name))

    def read(self, seq: int) -> None:
        """Tells how far one has read."""
        self._connection.tell(Telling(type="read", room=self.name, seq=seq))

    # What one is told

    async def __aiter__(self) -> AsyncIterator[Message]:
        """The messages as they come, those in a gap too, and without those that are deleted already.

        After a reset it goes on with the latest messages of the room that there is now. Raises Closed, RoomLost.
        """
        async for event in self.events():
            if isinstance(event, Gap):
                async for message in self.between(event.first, event.last):
                    yield message
            elif isinstance(event, Message) and not event.deleted:
                yield event

    async def events(self) -> AsyncIterator[Event]:
        """All that happens: entries, gaps, resets, and who comes, goes, types and reads.

        It ends when one leaves. Raises Closed, RoomLost.
        """
        with self._reading():
            while (event := await self._subscription.queue.get()) is not None:
                yield event
                self._advance(event)  # once the reader asks for the next one, this one is done with

    async def history(self, *, before: int | None = None, limit: int = 50) -> HistoryPage:
        """The last messages before an entry, or of all; raises Refused, Unreachable."""
        query = [("limit", limit)] + ([] if before is None else [("before", before)])
        raw = await self._connection.site.call("GET", f"{room_path(self.name)}/messages", query=query)
        return decode_as(raw, HistoryPage)

    async def between(self, first: int, last: int) -> AsyncIterator[Message]:
        """The messages from `first` to `last`, as they are now, without deleted ones; raises Refused, Unreachable."""
        while first <= last:
            end = min(first + PAGE - 1, last)
            page = await self.history(before=end + 1, limit=PAGE)
            # A page may be cut short by its size; what it lacks at its beginning is asked for next.
            for message in page.entries:
                if message.seq >= first and not message.deleted:
                    yield message
            first = end + 1

    def leave(self) -> None:
        """Receives it no longer."""
        self._connection.unsubscribe(self._subscription)

    def _advance(self, event: Event) -> None:
        if isinstance(event, Reset):
            self._cursor = Cursor(event.epoch, 0)
        elif isinstance(event, Gap):
            self._cursor = Cursor(self._cursor.epoch, event.last)
        elif isinstance(event, Message | Edit | Deletion | Reaction):
            self._cursor = Cursor(self._cursor.epoch, event.seq)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if self._is_read:
            raise RuntimeError(f"Somebody reads the room {self.name} already.")
        self._is_read = True
        try:
            yield
        finally:
            self._is_read = False
