"""Compares the journal with the history. Plain data, no connections; test_checker.py shows that it sees each loss."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tests.faults.changes import DELETED, Change, State
from tests.faults.journal import Event

# What a server in trouble may answer. Anything else would say that the client broke the contract, and it did not.
ALLOWED_REFUSALS = frozenset({"unavailable", "rate_limited"})


class Message(NamedTuple):
    """A message of the history, or an entry that changes one. `text` is its line in the journal, `at` milliseconds
    since the Unix epoch, `state` what has become of it."""

    seq: int
    text: str
    at: int
    state: State = State()


class Violation(NamedTuple):
    """`rule` is the number in docs/faults.md; 0: the wire contract."""

    rule: int
    what: str


Histories = Mapping[str, Sequence[Message]]


def check(events: Sequence[Event], histories: Histories) -> list[Violation]:
    """Everything that breaks the rules 1 to 4, 6 and 7, or the contract. The histories have messages alone."""
    logs = with_changes(events, histories)
    found = check_history(events, logs)
    found += check_answers(events, logs)
    found += check_receipts(events, logs)
    found += check_states(logs)
    return found


def with_changes(events: Iterable[Event], histories: Histories) -> Histories:
    """The whole logs: with the changes as the first one had them who received them, and with the lines that deleted
    messages had before."""
    lines: dict[tuple[str, int], str] = {}
    for event in events:
        if event.kind in ("ack", "receipt") and event.text != DELETED:
            lines.setdefault((event.room, event.seq), event.text)
    logs = {}
    for room, messages in histories.items():
        log = {each.seq: each for each in messages}
        for seq, each in log.items():
            if each.state.deleted:
                log[seq] = each._replace(text=lines.get((room, seq), DELETED))
        changes = {seq: line for (where, seq), line in lines.items() if where == room and Change.of(line) is not None}
        at = 0
        for seq in sorted(changes.keys() | log.keys()):
            at = log.setdefault(seq, Message(seq, changes.get(seq, ""), at)).at
        logs[room] = [log[seq] for seq in sorted(log)]
    return logs


def check_states(logs: Histories) -> list[Violation]:
    """Rule 7: each message is what the changes in the log have made of it, one after the other."""
    found = []
    for room, log in logs.items():
        states: dict[int, State] = {}
        for change in (Change.of(each.text) for each in log):
            if change is not None:
                states[change.target] = states.get(change.target, State()).after(change)
        for each in log:
            expected = states.get(each.seq, State())
            if Change.of(each.text) is None and each.state != expected:
                found.append(Violation(7, f"{room}: {each.seq} is {each.state}, the log makes it {expected}"))
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
            if message.text == DELETED:
                continue  # nobody was told of it before it was gone
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

    def __init__(self, name: str, room: str, texts: Mapping[int, str], deleted: frozenset[int]) -> None:
        self._who = f"{name} in {room}"
        self._texts = texts
        self._deleted = deleted
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
        if self._texts.get(seq) != text and not (text == DELETED and seq in self._deleted):
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
    deleted = {room: frozenset(each.seq for each in log if each.state.deleted) for room, log in histories.items()}
    readers: dict[tuple[str, str], _Reader] = {}
    found: list[Violation | None] = []
    for event in events:
        if event.kind in ("start", "receipt", "told", "gap", "reset", "left"):
            reader = readers.get((event.client, event.room))
            if reader is None:
                known = texts.get(event.room, {}), deleted.get(event.room, frozenset())
                reader = _Reader(event.client, event.room, *known)
                readers[event.client, event.room] = reader
            found.append(reader.take(event))
    found += [reader.finish() for reader in readers.values()]
    return [violation for violation in found if violation is not None]


def count_checked(events: Iterable[Event]) -> int:
    """How many acknowledgements and receipts were compared with the history."""
    return sum(event.kind in ("ack", "receipt") for event in events)
