"""What a room says to everybody in it, encoded once for each representation."""

from collections.abc import Sequence
from functools import cached_property

from chat.entries import Entry
from chat.framing import chunk, event, frame
from chat.protocol import encode


class Broadcast:
    """New entries of one room, in order. The same bytes go to everybody but their senders, who also get the keys."""

    def __init__(self, key: str, epoch: str, entries: Sequence[Entry]) -> None:
        self.key = key
        self.epoch = epoch
        self.entries = entries
        self.senders = frozenset(entry.user.id for entry in entries)
        self._payloads = [entry.public_json() for entry in entries]

    @property
    def seq(self) -> int:
        return self.entries[-1].seq

    @cached_property
    def frames(self) -> bytes:
        """WebSocket frames for those who sent none of the entries."""
        return b"".join(map(frame, self._payloads))

    def frames_for(self, user_id: str) -> bytes:
        """WebSocket frames for one of the senders."""
        return b"".join(map(frame, self.payloads_for(user_id)))

    @cached_property
    def events(self) -> bytes:
        """Server-sent events for those who sent none of the entries and follow this room alone."""
        entries = zip(self.entries, self._payloads, strict=True)
        return b"".join(event(payload, str(entry.seq)) for entry, payload in entries)

    @cached_property
    def chunk(self) -> bytes:
        """The same as a chunk of HTTP/1.1."""
        return chunk(self.events)

    def payloads_for(self, user_id: str) -> list[bytes]:
        """JSON of each entry as that person may see it."""
        if user_id not in self.senders:
            return self._payloads
        return [
            entry.json() if entry.user.id == user_id else payload
            for entry, payload in zip(self.entries, self._payloads, strict=True)
        ]

    @cached_property
    def poll_entry(self) -> bytes:
        """What a poll answers for this room, for those who sent none of the entries."""
        return self._poll_entry(self._payloads)

    def poll_entry_for(self, user_id: str) -> bytes:
        return self._poll_entry(self.payloads_for(user_id)) if user_id in self.senders else self.poll_entry

    def _poll_entry(self, payloads: Sequence[bytes]) -> bytes:
        return b'{"epoch":%b,"seq":%d,"entries":[%b],"gap":null,"reset":false}' % (
            encode(self.epoch),
            self.seq,
            b",".join(payloads),
        )


class Notice:
    """Something that passes: who came, who left, who types. Not stored, dropped first for a slow client."""

    def __init__(self, kind: str, room: str | None, /, **fields: object) -> None:
        self.kind = kind
        place = {} if room is None else {"room": room}
        self.payload = encode({"type": kind, **place, **fields})

    @cached_property
    def frame(self) -> bytes:
        return frame(self.payload)

    @cached_property
    def event(self) -> bytes:
        return event(self.payload)
