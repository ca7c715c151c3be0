"""Rooms, people and entries as plain data."""

import uuid
from typing import Any

from chat.broadcast import Broadcast, Notice
from chat.callers import Caller
from chat.entries import Author, Entry
from chat.errors import ChatError
from chat.limits import Limits
from chat.people import User
from chat.protocol import CloseCode
from chat.room import Room, RoomRecord
from chat.waiter import Waiter
from settings import Settings
from tests.clock import FakeClock

ANN = User(id="g-ann", name="ann")
BOB = User(id="g-bob", name="bob")
CID = User(id="g-cid", name="cid")


def new_key() -> str:
    return str(uuid.uuid4())


def limits(**values: Any) -> Limits:
    """The limits of the default settings, with some values changed."""
    config = Settings(**values)
    return Limits(**{name: getattr(config, name) for name in Limits.__struct_fields__})


def message(seq: int = 0, user: User = ANN, text: str = "hi", **fields: Any) -> Entry:
    """A text message as it is when it has just been stored."""
    return _entry("message", seq, user, {"kind": "text", "text": text} | fields)


def edit(seq: int, target: int, user: User = ANN, text: str = "changed", **fields: Any) -> Entry:
    return _entry("edit", seq, user, {"target": target, "text": text} | fields)


def delete(seq: int, target: int, user: User = ANN, **fields: Any) -> Entry:
    return _entry("delete", seq, user, {"target": target} | fields)


def reaction(seq: int, target: int, user: User = ANN, emoji: str = "👍", on: bool = True, **fields: Any) -> Entry:
    return _entry("reaction", seq, user, {"target": target, "emoji": emoji, "on": on} | fields)


def _entry(type: str, seq: int, user: User, fields: dict[str, Any]) -> Entry:
    given: dict[str, Any] = {"room": "Lobby", "at": 1_000 + seq, "key": new_key()} | fields
    return Entry(type=type, seq=seq, user=Author(user.id, user.name), **given)


def new_room(
    recent: list[Entry] | None = None,
    *,
    name: str = "Lobby",
    keep: int = 200,
    presence_limit: int = 200,
    clock: FakeClock | None = None,
) -> Room:
    """An awake room that no history knows."""
    record = RoomRecord(key=name.casefold(), name=name, title=f"The {name}", epoch="e1", made=500)
    later = (clock or FakeClock()).call_later
    return Room(record, recent or [], keep=keep, presence_limit=presence_limit, call_later=later)


class FakeWaiter(Waiter):
    """Remembers what it was given, and fails if it is told to."""

    def __init__(
        self, user: User = ANN, *, linger: float = 0, failing: bool = False, address: str = "", account: str = ""
    ) -> None:
        super().__init__(Caller(user=user, address=address, account=account))
        self.linger = linger
        self.failing = failing
        self.broadcasts: list[Broadcast] = []
        self.told: list[bytes] = []
        self.flushes = 0
        self.refused: list[tuple[ChatError, CloseCode]] = []
        self.is_dismissed = False

    @property
    def seqs(self) -> list[int]:
        return [entry.seq for broadcast in self.broadcasts for entry in broadcast.entries]

    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        if self.failing:
            raise RuntimeError("a waiter of the test fails")
        self.broadcasts.append(broadcast)

    def notify(self, notice: Notice) -> None:
        self.told.append(notice.payload)

    def flush(self) -> None:
        self.flushes += 1
        if self.failing:
            raise RuntimeError("a waiter of the test fails")

    def refuse(self, error: ChatError, code: CloseCode) -> None:
        self.refused.append((error, code))

    def dismiss(self) -> None:
        self.is_dismissed = True
        self.leave_all()
