"""Notes: what the processes of one chat tell each other beside the entries of the logs. Plain data."""

from typing import Any, ClassVar, TypeAlias

import msgspec

from chat.callers import Whom
from chat.entries import Entry
from chat.people import User


class _Note(msgspec.Struct, frozen=True, tag_field="note"):
    passing: ClassVar[bool] = False
    """Whether it may be dropped when too much waits: nobody misses it for long."""


# What passes


class Told(_Note, frozen=True, tag="told"):
    """Somebody types or has read in a room, by its key."""

    passing: ClassVar[bool] = True

    room: str
    kind: str
    user: User
    seq: int | None = None


class Signalled(_Note, frozen=True, tag="signalled"):
    """A client tells something of a kind of its own in a room, by its key."""

    passing: ClassVar[bool] = True

    room: str
    kind: str
    user: User
    data: dict[str, Any]


class Said(_Note, frozen=True, tag="said"):
    """Data for all connections, or for those in a room (by its key), of a person or of a session; not for the person
    `but`."""

    passing: ClassVar[bool] = True

    data: dict[str, Any]
    room: str = ""
    person: str = ""
    session: str = ""
    but: str = ""


# What is to be stored


class Draft(_Note, frozen=True, tag="draft"):
    """The process `to` is asked to store this in a room, by its key; see chat/homes.py."""

    to: str
    room: str
    entry: Entry


# Who is where


class Came(_Note, frozen=True, tag="came"):
    """Somebody who was not in a room at that process is there now."""

    room: str
    user: User


class Went(_Note, frozen=True, tag="went"):
    room: str
    user: User


class Named(_Note, frozen=True, tag="named"):
    """A guest has their name at that process, since a time (milliseconds since the Unix epoch)."""

    user: User
    since: int


class Unnamed(_Note, frozen=True, tag="unnamed"):
    user: User


class HeardOf(_Note, frozen=True, tag="heard-of"):
    """A guest has joined a room or written, from an address."""

    user: User
    address: str


class RollCall(_Note, frozen=True, tag="roll-call"):
    """Let everybody say who is with them."""


class Roll(_Note, frozen=True, tag="roll"):
    """Who is at that process, for the process `to` or, if that is empty, for all; there may be `more` to come."""

    to: str
    rooms: dict[str, list[User]]
    names: list[Named]
    more: bool = False


# What is no longer as it was, and is to be read anew


class RoomChanged(_Note, frozen=True, tag="room-changed"):
    """Its rules or its title; `people` belong to it or did."""

    room: str
    people: list[str]


class RoomOver(_Note, frozen=True, tag="room-over"):
    room: str
    people: list[str]


class RoomErased(_Note, frozen=True, tag="room-erased"):
    """Nothing is left of it."""

    room: str


class Forgotten(_Note, frozen=True, tag="forgotten"):
    """The entries of a room up to that number are no more."""

    room: str
    epoch: str
    upto: int


class PutOut(_Note, frozen=True, tag="put-out"):
    """Sessions are over: the tokens of `owner` that `tokens` means are worth nothing, whoever `whom` means is out."""

    owner: str
    tokens: Whom
    whom: Whom
    reason: str
    guest: User | None = None


class AccountChanged(_Note, frozen=True, tag="account-changed"):
    """Its name or its rights; `recalled` are to come back with them."""

    account: str
    recalled: Whom | None = None


class AccountGone(_Note, frozen=True, tag="account-gone"):
    account: str


class BanChanged(_Note, frozen=True, tag="ban-changed"):
    """Of an account, or a range of addresses."""

    id: str


class DeskChanged(_Note, frozen=True, tag="desk-changed"):
    """A support desk of that name is another from now on, or none."""

    name: str


class NamesTaken(_Note, frozen=True, tag="names-taken"):
    """These names and no others belong to an account or a bot; none: it has no more."""

    owner: str
    names: list[str]


Note: TypeAlias = (
    Told
    | Signalled
    | Said
    | Draft
    | Came
    | Went
    | Named
    | Unnamed
    | HeardOf
    | RollCall
    | Roll
    | RoomChanged
    | RoomOver
    | RoomErased
    | Forgotten
    | PutOut
    | AccountChanged
    | AccountGone
    | BanChanged
    | DeskChanged
    | NamesTaken
)

_decoder: msgspec.json.Decoder[Note] = msgspec.json.Decoder(Note)


def encode(note: Note) -> bytes:
    return msgspec.json.encode(note)


def decode(data: bytes) -> Note:
    """The note; raises msgspec.MsgspecError for one of a version that knows more."""
    return _decoder.decode(data)
