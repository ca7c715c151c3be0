"""The journal: each send, answer and receipt of each client, in the order in which they happened."""

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["send", "ack", "refusal", "start", "receipt", "told", "gap", "reset", "opened", "closed", "left"]


class Event(NamedTuple):
    """What one client did or saw. `at` is seconds on the monotonic clock.

    The text of an edit, a deletion or a reaction is its line (changes.py).

    | kind | seq | text | note |
    |---|---|---|---|
    | `send` (each attempt) | | of the message | transport |
    | `ack` | of the entry | of the message | transport |
    | `refusal` | | of the message, or empty | error code |
    | `start` (it has no cursor yet and is given this one) | cursor | | |
    | `receipt` | of the entry | of the message | transport |
    | `told` (an answer says: this is the end of what it carries) | cursor | | transport |
    | `gap` | last one missing | | first one missing |
    | `reset` | | | new epoch |
    | `opened`, `closed` (a session) | | | transport; close code or what went wrong |
    | `left` (wants nothing more) | | | |
    """

    at: float
    client: str
    kind: Kind
    room: str = ""
    seq: int = 0
    text: str = ""
    note: str = ""


class Journal:
    """Only grows. It also keeps at hand what a fault waits for: who has seen what since when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.events: list[Event] = []
        self.clock = clock
        self._texts: dict[str, str] = {}
        self.first_sent: dict[str, float] = {}
        self.fresh: dict[str, float] = {}
        """For each client, when the youngest message that has reached it was first sent."""

    def log(self, client: str, kind: Kind, room: str = "", seq: int = 0, *, text: str = "", note: str = "") -> None:
        now = self.clock()
        text = self._texts.setdefault(text, text)  # one copy for all who receive it
        self.events.append(Event(now, client, kind, room, seq, text, note))
        if kind == "send":
            self.first_sent.setdefault(text, now)
        elif kind == "receipt":
            sent = self.first_sent.get(text)
            if sent is not None and sent > self.fresh.get(client, 0.0):
                self.fresh[client] = sent

    def stale(self, clients: Iterable[str], since: float) -> list[str]:
        """The clients that no message first sent after `since` has reached."""
        return [client for client in clients if self.fresh.get(client, 0.0) <= since]

    def write(self, path: Path) -> None:
        """One JSON array a line, for whoever looks for the cause of a violation."""
        with path.open("w", encoding="utf-8") as file:
            for event in self.events:
                file.write(json.dumps(event) + "\n")


def recoveries(events: Iterable[Event], blows: list[float]) -> list[float]:
    """For each blow and each client, the seconds until a message first sent after the blow reached it.

    Clients that no such message reached before the next blow are left out: the checker finds them, if they are lost.
    """
    first_sent: dict[str, float] = {}
    done: set[tuple[int, str]] = set()
    found: list[float] = []
    index = -1
    for event in events:
        while index + 1 < len(blows) and event.at > blows[index + 1]:
            index += 1
        if event.kind == "send":
            first_sent.setdefault(event.text, event.at)
        elif event.kind == "receipt" and index >= 0 and first_sent.get(event.text, 0.0) > blows[index]:
            if (index, event.client) not in done:
                found.append(event.at - blows[index])
            done.add((index, event.client))
    return found


def answer_times(events: Iterable[Event], begin: float, end: float) -> list[float]:
    """The seconds from each attempt made between two moments to its answer, ack or refusal.

    Infinite if none came before the client tried again. Attempts on a socket that the client left are not counted.
    """
    waiting: dict[tuple[str, str], Event] = {}
    found: list[float] = []
    for event in events:
        about = (event.client, event.text)
        if event.kind == "send":
            if waiting.pop(about, None) is not None:
                found.append(float("inf"))
            if begin <= event.at <= end:
                waiting[about] = event
        elif event.kind in ("ack", "refusal") and about in waiting:
            found.append(event.at - waiting.pop(about).at)
        elif event.kind == "closed":
            mine = [each for each, sent in waiting.items() if each[0] == event.client and sent.note == "socket"]
            for each in mine:
                del waiting[each]
    return found + [float("inf")] * len(waiting)
