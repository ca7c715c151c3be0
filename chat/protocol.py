"""The typed messages of the wire contract (docs/protocol.md): what clients say, what the server answers, and the
close codes."""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chat.entries import Author, Entry
from chat.errors import BadRequest, ChatError, Forbidden, TooLarge
from chat.limits import Limits
from chat.people import User

VERSION = 1

SEQ_LIMIT = 2**53 - 1  # whole numbers up to here every JSON reader keeps exactly

Seq = Annotated[int, Meta(ge=0, le=SEQ_LIMIT)]
Id = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=-(2**53), le=2**53)] | None

_KIND = re.compile(r"[a-z][a-z0-9._-]{0,63}")
KindName = Annotated[str, Meta(pattern=rf"^{_KIND.pattern}\Z")]
WITHOUT_LIMIT = 20  # kinds that a client can do without

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
RESERVED_KINDS = ("staff", "desk.")  # what these begin with the server alone makes
DEPTH_LIMIT = 64  # levels of arrays and objects in `data`; far from the 1,000 calls that Python allows
_EMOJI_LIMIT = 16  # code points: a family with skin tones has 11, the flag of a region 7


class CloseCode(IntEnum):
    """Why the server closes a socket; docs/protocol.md says after which ones to come back."""

    RESTARTING = 1012
    NO_PONG = 4000
    SLOW_CONSUMER = 4008
    CONTRACT_BROKEN = 4400
    NOT_SIGNED_IN = 4401
    NOT_ALLOWED = 4403
    TOO_MUCH = 4429


# What clients say


class Command(msgspec.Struct, tag_field="type", kw_only=True, forbid_unknown_fields=True):
    """One message of a client. `id` comes back in the reply."""

    id: Id = None

    def check(self, limits: Limits) -> None:
        """Raises ChatError where a value of the right type does not fit."""


class Subscribe(Command, tag="subscribe"):
    room: str
    after: Seq | None = None
    epoch: str | None = None
    history: Annotated[int, Meta(ge=0)] | None = None
    without: Annotated[list[KindName], Meta(max_length=WITHOUT_LIMIT)] = []

    def check(self, limits: Limits) -> None:
        if self.after is not None and self.history is not None:
            raise BadRequest("Either after or history, not both.")
        if self.epoch is not None and self.after is None:
            raise BadRequest("The epoch goes with after.")


class Unsubscribe(Command, tag="unsubscribe"):
    room: str


class Typing(Command, tag="typing"):
    room: str


class Read(Command, tag="read"):
    room: str
    seq: Seq


class Signal(Command, tag="signal"):
    """Something of a kind that passes, and is not stored: where one points, for example."""

    room: str
    kind: KindName
    data: dict[str, Any]

    def check(self, limits: Limits) -> None:
        if len(msgspec.json.encode(self.data)) > limits.signal_limit:
            raise TooLarge(f"The data of a signal have at most {limits.signal_limit} bytes.")
        check_data(self.data)


class Ping(Command, tag="ping"):
    pass


TAGS_LIMIT = 10
Tag = Annotated[str, Meta(min_length=1, max_length=32)]


class Pairing(Command):
    """A command of chat roulette, for chat/pairing.py."""


class Pair(Pairing, tag="pair"):
    """Wants a partner, of those who share a tag first."""

    tags: Annotated[list[Tag], Meta(max_length=TAGS_LIMIT)] = []


class Next(Pairing, tag="next"):
    """Wants another partner."""

    tags: Annotated[list[Tag], Meta(max_length=TAGS_LIMIT)] = []


class Unpair(Pairing, tag="unpair"):
    """Wants no partner any more."""


class Block(Pairing, tag="block"):
    """Wants never to be paired with the present partner again."""


class Keep(Pairing, tag="keep"):
    """Wishes to keep the conversation with the present partner."""


class Change(Command):
    """A command that becomes an entry of the room's log."""

    room: str
    key: str

    def check(self, limits: Limits) -> None:
        if not _UUID.fullmatch(self.key):
            raise BadRequest("The key must be a UUID, like 6e2c1b0a-9d47-4c39-8f5e-0a1b2c3d4e5f.")


class Send(Change, tag="send"):
    text: str | None = None
    kind: str = "text"
    data: dict[str, Any] | None = None

    def check(self, limits: Limits) -> None:
        super().check(limits)
        if not _KIND.fullmatch(self.kind):
            raise BadRequest("A kind is 1 to 64 of a-z, 0-9, '.', '_', '-' and begins with a letter.")
        if self.kind.startswith(RESERVED_KINDS):
            raise Forbidden(f"Messages of the kind {self.kind} are made by the server alone.")
        if self.kind == "text":
            if self.data is not None:
                raise BadRequest("A text has no data; give another kind for it.")
            check_text(self.text, limits)
        elif self.text is not None or self.data is None:
            raise BadRequest("A kind other than text has data, an object, and no text.")
        else:
            check_data(self.data)


class Edit(Change, tag="edit"):
    target: Seq
    text: str

    def check(self, limits: Limits) -> None:
        super().check(limits)
        check_text(self.text, limits)


class Delete(Change, tag="delete"):
    target: Seq


class React(Change, tag="react"):
    target: Seq
    emoji: str
    on: bool = True

    def check(self, limits: Limits) -> None:
        super().check(limits)
        if not 1 <= len(self.emoji) <= _EMOJI_LIMIT or any(c.isspace() or c < " " for c in self.emoji):
            raise BadRequest(f"An emoji has 1 to {_EMOJI_LIMIT} characters and no spaces.")


AnyPairing = Pair | Next | Unpair | Block | Keep
Passing = Typing | Read | Signal
AnyCommand = Subscribe | Unsubscribe | Passing | Ping | Send | Edit | Delete | React | AnyPairing

_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


def check_text(text: str | None, limits: Limits) -> None:
    """Raises ChatError if it is missing, only spaces, or too long."""
    if text is None or not text.strip():
        raise BadRequest("The text is empty.")
    if len(text) > limits.text_limit:
        raise TooLarge(f"A text has at most {limits.text_limit} characters; this one has {len(text)}.")


def check_data(data: dict[str, Any]) -> None:
    """Raises BadRequest if it is nested deeper than DEPTH_LIMIT.

    Python's own limit would hold elsewhere in the code each time, and refuse to give back what was taken.
    """
    level: list[Any] = [data]
    for _ in range(DEPTH_LIMIT):
        below = [item for value in level if isinstance(value, dict | list) for item in _items(value)]
        if not below:
            return
        level = below
    raise BadRequest(f"The data is nested more than {DEPTH_LIMIT} levels deep.")


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def decode(raw: str | bytes, limits: Limits) -> AnyCommand:
    """The command in a text frame; raises ChatError."""
    if isinstance(raw, bytes):
        raise BadRequest("Binary frames are not understood; send JSON text.")
    if len(raw) > limits.message_limit or len(raw.encode()) > limits.message_limit:
        raise TooLarge(f"A message has at most {limits.message_limit} bytes.")
    try:
        command = _commands.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest(sentence(error)) from None
    command.check(limits)
    return command


def command(fields: dict[str, Any], limits: Limits) -> AnyCommand:
    """The command in a JSON object that is decoded already; raises ChatError."""
    try:
        found: AnyCommand = msgspec.convert(fields, AnyCommand)
    except msgspec.MsgspecError as error:
        raise BadRequest(sentence(error)) from None
    found.check(limits)
    return found


def sentence(error: Exception) -> str:
    """What a decoder found wrong, as a sentence for the client."""
    if isinstance(error, RecursionError):
        return "The JSON is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return "It is not UTF-8."
    return str(error).replace("`", "'") + "."


class Answers(msgspec.Struct):
    """The fields of a refused message that its answer repeats, as far as they can be read."""

    id: Any = None
    key: Any = None


def answers(raw: str | bytes) -> Answers:
    """Finds them in a frame that may be anything."""
    try:
        found = msgspec.json.decode(raw, type=Answers)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return Answers()
    return Answers(
        id=found.id if isinstance(found.id, str | int) and len(str(found.id)) <= 64 else None,
        key=found.key if isinstance(found.key, str) and len(found.key) <= 64 else None,
    )


# What the server answers


class Reply(msgspec.Struct, tag_field="type", kw_only=True, omit_defaults=True):
    """One message of the server."""

    id: Id = None


class Welcome(Reply, tag="welcome"):
    user: User
    ping: float
    limits: dict[str, int]
    version: int
    token: str = ""


class Subscribed(Reply, tag="subscribed"):
    room: str
    title: str
    epoch: str
    seq: int
    entries: Sequence[Entry]
    gap: tuple[int, int] | None
    reset: bool
    members: Sequence[Author]
    people: int
    changed: bool


class Unsubscribed(Reply, tag="unsubscribed"):
    room: str
    changed: bool


class Ack(Reply, tag="ack"):
    key: str
    room: str
    seq: int
    at: int


class Pong(Reply, tag="pong"):
    pass


class Waiting(Reply, tag="waiting"):
    """There is no partner yet; `position` in the queue, from 1."""

    position: int


class Paired(Reply, tag="paired"):
    room: str
    partner: Author


class Unpaired(Reply, tag="unpaired"):
    """`reason`: the partner wanted the next one (`next`), left (`left`) or was lost (`lost`); or one `stopped`."""

    reason: str


class Kept(Reply, tag="kept"):
    """Who wishes to keep the conversation, by their ids; it is `stored` once both do."""

    room: str
    by: Sequence[str]
    stored: bool


class Error(Reply, tag="error"):
    code: str
    reason: str
    room: str | None = None
    key: str | None = None
    retry_after: float | None = None


def error_reply(error: ChatError, about: Answers | Command | None = None, *, room: str | None = None) -> Error:
    """The answer to a refused message, or what is told of a room that was lost."""
    return Error(
        id=getattr(about, "id", None),
        key=getattr(about, "key", None),
        code=error.code,
        reason=error.reason,
        room=room,
        retry_after=error.retry_after,
    )


_encoder = msgspec.json.Encoder()


def encode(reply: Any) -> bytes:
    """JSON of a reply or a part of one."""
    return _encoder.encode(reply)
