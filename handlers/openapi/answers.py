"""The shapes of the answers that handlers put together; tests hold each answer against its shape."""

from typing import Any, Literal, NotRequired, TypedDict

from chat.administration import AccountFacts, RangeFacts, RoomSummary
from chat.audit import Act
from chat.board import Drawn
from chat.conversations import Conversation
from chat.directory import RoomInfo
from chat.entries import Author, Entry
from chat.figures import Sample
from chat.members import MemberFacts
from chat.people import User
from chat.protocol import Kept, Paired, Unpaired, Waiting
from chat.reports import Report
from chat.webhooks import DeadLetter, EntryType

Code = Literal[
    "bad_request",
    "forbidden",
    "name_taken",
    "not_found",
    "rate_limited",
    "too_large",
    "unauthenticated",
    "unavailable",
]


class OwnAccount(TypedDict):
    """An account as its owner sees it; `picture` is an address, `password` whether there is one, `linked` the issuers
    of the OpenID sign-ins that lead into it."""

    id: str
    name: str
    display: str
    colour: str
    status: str
    picture: str
    email: str
    admin: bool
    password: bool
    made: int
    linked: list[str]


class Present(TypedDict):
    """Who one is; `account` is null for guests and bots."""

    user: User
    account: OwnAccount | None


class Profile(TypedDict):
    """What everybody may know of a person; `picture` is an address, or empty."""

    id: str
    name: str
    display: str
    colour: str
    status: str
    picture: str
    guest: bool


class ProfileList(TypedDict):
    people: list[Profile]


class OneSession(TypedDict):
    """A sign-in; `current` is the one that asks."""

    id: str
    made: int
    seen: int
    address: str
    agent: str
    current: bool


class SessionList(TypedDict):
    sessions: list[OneSession]


class Token(TypedDict):
    """The token of a bot, without itself. No `rooms` means all of them."""

    id: str
    name: str
    rooms: list[str]
    write: bool
    made: int
    seen: int | None
    until: int


class NewToken(Token):
    """The token of a new bot, which is shown this once."""

    token: str


class TokenList(TypedDict):
    tokens: list[Token]


class Provider(TypedDict):
    name: str
    label: str


class ProviderList(TypedDict):
    providers: list[Provider]


class RoomList(TypedDict):
    """`version` goes back as `after`, to wait for a change."""

    rooms: list[RoomInfo]
    version: int


class MemberList(TypedDict):
    members: list[MemberFacts]


class OpenInvitation(TypedDict):
    """An invitation; `until` and `uses` are 0 where there is no end."""

    id: str
    until: int
    uses: int
    made: int
    by: Author


class FreshInvitation(OpenInvitation):
    """A new invitation with its link, which is shown this once; `qr` is an SVG."""

    url: str
    token: str
    qr: str


class InvitationList(TypedDict):
    invitations: list[OpenInvitation]


class InvitedTo(TypedDict):
    """The room that an invitation is to."""

    room: str
    title: str


class Joined(TypedDict):
    """The room that one is a member of now."""

    room: str


class DirectRoom(TypedDict):
    """The room of a direct conversation."""

    name: str
    title: str


class Sent(TypedDict):
    """Where in the log a message stands, and since when."""

    seq: int
    at: int


class Page(TypedDict):
    """A page of history: messages in their present state, in order; `more`: there are older ones."""

    room: str
    epoch: str
    seq: int
    entries: list[Entry]
    more: bool


class BoardPicture(TypedDict):
    """What has been drawn, after the entry `seq`. Each part is the `seq` of its entry, the place of its stroke among
    `strokes`, and its points: x, y and pressure in turn. `clear`: one may clear it."""

    room: str
    epoch: str
    seq: int
    strokes: list[Drawn]
    parts: list[tuple[int, int, list[int]]]
    clear: bool


class RoomNews(TypedDict):
    """What is new in a room; `members` and `people` only where they were asked for."""

    epoch: str
    seq: int
    entries: list[Entry]
    gap: tuple[int, int] | None
    reset: bool
    members: NotRequired[list[Author]]
    people: NotRequired[int]


class News(TypedDict):
    """What is new, by the names of the rooms as the request has them."""

    rooms: dict[str, RoomNews]


class PairingState(TypedDict):
    """What one was told last; `told` counts."""

    told: int
    state: Waiting | Paired | Unpaired | Kept | None


class OneDesk(TypedDict):
    """A support desk; `room` is its agents' room, `serves` whether one is one of them."""

    name: str
    title: str
    room: str
    serves: bool


class DeskList(TypedDict):
    desks: list[OneDesk]


class ConversationPage(TypedDict):
    conversations: list[Conversation]
    more: bool


class Told(TypedDict):
    """How many rooms were told."""

    rooms: int


class Made(TypedDict):
    """The id of what was made."""

    id: str


class AccountPage(TypedDict):
    people: list[AccountFacts]
    more: bool


class RangeList(TypedDict):
    addresses: list[RangeFacts]


class RoomPage(TypedDict):
    rooms: list[RoomSummary]
    more: bool


class ReportPage(TypedDict):
    reports: list[Report]
    more: bool


class AuditPage(TypedDict):
    entries: list[Act]
    more: bool


class LiveFigures(TypedDict):
    """The figures of now, and those of the last minutes by their names, the oldest first."""

    now: Sample
    series: dict[str, list[float]]


class Health(TypedDict):
    status: Literal["ok"]


class Trouble(TypedDict):
    """Why it does not serve."""

    status: Literal["unavailable"]
    reason: str


class Reason(TypedDict):
    """What went wrong: a code for programs, and a sentence for people."""

    code: Code
    reason: str


class Failure(TypedDict):
    error: Reason


class WebhookFacts(TypedDict):
    """A webhook. `seq` is the last entry that is done with, `paused` why nothing is sent at the moment (empty: it is),
    `failing` since when nothing has arrived (0: it does), `error` what was wrong the last time."""

    id: str
    url: str
    types: list[EntryType]
    made: int
    by: Author
    seq: int
    paused: str
    failing: int
    error: str


class FreshWebhook(WebhookFacts):
    """One that was just made; the secret is not shown again."""

    secret: str


class WebhookList(TypedDict):
    webhooks: list[WebhookFacts]


class LetterList(TypedDict):
    letters: list[DeadLetter]


class IntegrationFacts(TypedDict):
    id: str
    name: str
    made: int
    seen: int | None
    until: int


class FreshIntegration(IntegrationFacts):
    """One that was just made; its address is not shown again."""

    url: str
    token: str


class IntegrationList(TypedDict):
    integrations: list[IntegrationFacts]


class Hooked(TypedDict):
    """What a program says by its secret address."""

    text: NotRequired[str]
    kind: NotRequired[str]
    data: NotRequired[dict[str, Any]]
    key: NotRequired[str]
