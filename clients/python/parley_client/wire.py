"""What goes over the wire, in both directions (docs/protocol.md of Parley).

Fields and types of messages that this client does not know are ignored, as the contract asks.
"""

from typing import Any, TypeVar

import msgspec

from parley_client.errors import Unreachable
from parley_client.events import Ack, Deletion, Edit, Entry, Joined, Left, Message, Person, Reaction, Read, Typing, User

CLOSE_OF_STATUS = {400: 4400, 401: 4401, 403: 4403, 404: 4403, 409: 4401, 429: 4429, 503: 1012}
"""The close code that means the same as an HTTP status."""

T = TypeVar("T")


class Command(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Something that becomes an entry of a room's log: send, edit, delete, react."""

    type: str
    room: str
    key: str
    text: str | None = None
    kind: str | None = None
    data: dict[str, Any] | None = None
    target: int | None = None
    emoji: str | None = None
    on: bool | None = None


class Telling(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Something that passes: typing, read."""

    type: str
    room: str
    seq: int | None = None


class Welcome(msgspec.Struct, tag_field="type", tag="welcome"):
    user: User


class Subscribed(msgspec.Struct, tag_field="type", tag="subscribed"):
    room: str
    epoch: str
    seq: int
    entries: list[msgspec.Raw]
    gap: tuple[int, int] | None
    reset: bool
    title: str = ""
    members: list[Person] | None = None
    people: int = 0


class Unsubscribed(msgspec.Struct, tag_field="type", tag="unsubscribed"):
    room: str
    id: str | int | None = None


class Error(msgspec.Struct, tag_field="type", tag="error"):
    code: str
    reason: str
    key: str | None = None
    id: str | int | None = None
    room: str | None = None
    retry_after: float | None = None


class RoomNews(msgspec.Struct):
    """What a poll answers about one room."""

    epoch: str
    seq: int
    entries: list[msgspec.Raw]
    gap: tuple[int, int] | None
    reset: bool
    members: list[Person] | None = None
    people: int = 0

    def subscribed(self, room: str) -> Subscribed:
        """The same as a WebSocket would say it."""
        return Subscribed(room=room, **msgspec.structs.asdict(self))


class PollAnswer(msgspec.Struct):
    rooms: dict[str, RoomNews]


class RoomFacts(msgspec.Struct):
    title: str


class Fault(msgspec.Struct):
    code: str
    reason: str
    room: str | None = None


class FaultAnswer(msgspec.Struct):
    error: Fault


ServerMessage = (
    Welcome
    | Subscribed
    | Unsubscribed
    | Message
    | Edit
    | Deletion
    | Reaction
    | Ack
    | Joined
    | Left
    | Typing
    | Read
    | Error
)

_TYPES: dict[str, type] = {
    "welcome": Welcome,
    "subscribed": Subscribed,
    "unsubscribed": Unsubscribed,
    "message": Message,
    "edit": Edit,
    "delete": Deletion,
    "reaction": Reaction,
    "ack": Ack,
    "joined": Joined,
    "left": Left,
    "typing": Typing,
    "read": Read,
    "error": Error,
}
_decoders: dict[str, msgspec.json.Decoder[ServerMessage]] = {
    name: msgspec.json.Decoder(kind) for name, kind in _TYPES.items()
}


class _Head(msgspec.Struct):
    type: str = ""


_head = msgspec.json.Decoder(_Head)


def decode(raw: str | bytes | msgspec.Raw) -> ServerMessage | None:
    """A message of the server, or None for a type that is not known; raises Unreachable for what is none."""
    try:
        decoder = _decoders.get(_head.decode(raw).type)
        return None if decoder is None else decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreachable(f"That is no message of Parley: {error}") from error


def decode_as(raw: bytes, kind: type[T]) -> T:
    """The body of an answer; raises Unreachable for what is none."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreachable(f"That is no answer of Parley: {error}") from error


def entries_of(raw: list[msgspec.Raw]) -> list[Entry]:
    """The entries in a catch-up, those of types that are not known left out."""
    return [entry for each in raw if isinstance(entry := decode(each), Entry)]


def encode(message: object) -> bytes:
    """JSON."""
    return msgspec.json.encode(message)
