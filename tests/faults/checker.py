"""Compares the journal with the history. Plain data, no connections; test_checker.py shows that it sees each loss."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tests.faults.journal import Event

# What a server in trouble may answer. Anything else would say that the client broke the contract, and it did not.
ALLOWED_REFUSALS = frozenset({"unavailable", "rate_limited"})


class Message(NamedTuple):
    """A message of the history. `at` is milliseconds since the Unix epoch."""

    seq: int
    text: str
    at: int


class Violation(NamedTuple):
    """`rule` is the number in docs/faults.md; 0: the wire contract."""

    rule: int
    what: str


Histories = Mapping[str, Sequence[Message]]


def check(events: Sequence[Event], histories: Histories) -> list[Violation]:
    """Everything that breaks the rules 1 to 4 and 6, or the contract. Rooms of messages alone are expected."""
    found = check_history(events, histories)
    found += check_answers(events, histories)
    found += check_receipts(events, histories)
    return found


def check_history(events: Iterable[Event], histories: Histories) -> list[Violation]:
    """Rule 2: nothing twice, nothing that nobody sent, no holes; `at` never runs backwards."""
    sent = {(event.room, event.text) for event in events if event.kind == "send"}
    found = []
    for room, messages in histories.items():
        seen: dict[str, int] = {}
        for index, message in enumerate(messages):
            before = messages[index - 1].seq if index else 0
            if message.seq != before + 1:
                found.append(Violation(2, f"{room}: {message.seq} follows {before} in the history"))
            if message.text in seen:
                found.append(Violation(2, f"{room}: {message.text!r} stands at {seen[message.text]} and {message.seq}"))
            seen[message.text] = message.seq
            if (room, message.text) not in sent:
                found.append(Violation(2, f"{room}: {message.seq} {message.text!r} was sent by nobody"))
            if index and message.at < messages[index - 1].at:
                found.append(Violation(4, f"{room}: {message.seq} is older than its predecessor"))
    return found


def check_answers(events: Iterable[Event], histories: Histories) -> list[Violation]:
    """Rules 1 and 6: what was acknowledged stands in the history, where the acknowledgement says."""
    by_text = {(room, each.text): each.seq for room, messages in histories.items() for each in messages}
    acked: dict[tuple[str, str], int] = {}
    found = []
    for event in events:
        if event.kind == "refusal" and event.note not in ALLOWED_REFUSALS:
            found.append(Violation(0, f"{event.client} in {event.room}: refused with {event.note}"))
        if event.kind != "ack":
            continue
        about = (event.room, event.text)
        if acked.setdefault(about, event.seq) != event.seq:
            found.append(
                Violation(6, f"{event.room}: {event.text!r} was acknowledged as {acked[about]} and {event.seq}")
            )
        elif about not in by_text:
            found.append(Violation(1, f"{event.room}: {event.text!r}, acknowledged as {event.seq}, is lost"))
        elif by_text[about] != event.seq:
            found.append(
                Violation(6, f"{event.room}: {event.text!r}, acknowledged as {event.seq}, is {by_text[about]}")
            )
    return found


class _Reader:
    """What one client has seen of one room."""

    def __init__(self, name: str, room: str, texts: Mapping[int, str]) -> None:
        self._who = f"{name} in {room}"
        self._texts = texts
        self._at: int | None = None
        self._left = False

    def take(self, event: Event) -> Violation | None:
        match event.kind:
            case "start":
                self._at = event.seq
            case "reset":
                self._at = None
            case "gap":
                return self._skip(int(event.note), event.seq)
            case "told":
                return self._told(event.seq)
            case "left":
                self._left = True
            case "receipt":
                return self._receive(event.seq, event.text)
        return None

    def _skip(self, first: int, last: int) -> Violation | None:
        before, self._at = self._at, last
        if before is not None and (first != before + 1 or last < first):
            return Violation(3, f"{self._who}: the gap {first}–{last} was told after {before}")
        return None

    def _told(self, seq: int) -> Violation | None:
        before, self._at = self._at, seq
        if before is not None and before != seq:
            return Violation(3, f"{self._who}: told the end is {seq}, given entries up to {before}")
        return None

    def _receive(self, seq: int, text: str) -> Violation | None:
        before, self._at = self._at, seq
        if before is not None and seq <= before:
            return Violation(3, f"{self._who}: {seq} came after {before}")
        if before is not None and seq != before + 1:
            return Violation(3, f"{self._who}: {before + 1}–{seq - 1} missing before {seq}, and no gap told")
        if self._texts.get(seq) != text:
            return Violation(4, f"{self._who}: received {text!r} as {seq}, the history has {self._texts.get(seq)!r}")
        return None

    def finish(self) -> Violation | None:
        end = max(self._texts, default=0)
        if not self._left and self._at is not None and self._at != end:
            return Violation(3, f"{self._who}: stayed at {self._at}, the history ends at {end}")
        return None


def check_receipts(events: Iterable[Event], histories: Histories) -> list[Violation]:
    """Rules 3 and 4: each client sees each entry once, in the history's order, up to its end."""
    texts = {room: {each.seq: each.text for each in messages} for room, messages in histories.items()}
    readers: dict[tuple[str, str], _Reader] = {}
    found: list[Violation | None] = []
    for event in events:
        if event.kind in ("start", "receipt", "told", "gap", "reset", "left"):
            reader = readers.get((event.client, event.room))
            if reader is None:
                reader = _Reader(event.client, event.room, texts.get(event.room, {}))
                readers[event.client, event.room] = reader
            found.append(reader.take(event))
    found += [reader.finish() for reader in readers.values()]
    return [violation for violation in found if violation is not None]


def count_checked(events: Iterable[Event]) -> int:
    """How many acknowledgements and receipts were compared with the history."""
    return sum(event.kind in ("ack", "receipt") for event in events)
