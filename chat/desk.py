"""Support desks as plain data: who answers there, when it is open, and what visitors are told."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta

from chat.entries import Author
from chat.errors import BadRequest

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
WEEK = 7
TEXT_LIMIT = 500  # characters of a greeting: what fits above a box on a phone
CANNED_LIMIT = 100  # more are no longer found faster than they are written
CANNED_TEXT_LIMIT = 2_000
AGENTS_LIMIT = 200  # they are in memory, and looked at with each message of a conversation

Clock = Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Day = Annotated[int, Meta(ge=1, le=WEEK)]
Standing = Literal["open", "away"]


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time of the day on some days of the week (1 is Monday). One that closes before it opens does so the next
    day."""

    days: Annotated[list[Day], Meta(min_length=1, max_length=WEEK)]
    opens: Clock = "00:00"
    closes: Clock = "24:00"


class Canned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer that is ready, and the word by which agents find it."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    text: Annotated[str, Meta(min_length=1, max_length=CANNED_TEXT_LIMIT)]


class DeskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What administrators decide about a desk. Without `hours` it is always open; `agents` are ids of accounts, or
    where they are set names; `days` is how long its conversations are kept (0: for ever)."""

    title: Annotated[str, Meta(min_length=1, max_length=60)]
    agents: Annotated[list[str], Meta(max_length=AGENTS_LIMIT)] = []
    zone: str = "UTC"
    hours: Annotated[list[Hours], Meta(max_length=50)] = []
    greeting: Annotated[str, Meta(max_length=TEXT_LIMIT)] = ""
    away: Annotated[str, Meta(max_length=TEXT_LIMIT)] = ""
    canned: Annotated[list[Canned], Meta(max_length=CANNED_LIMIT)] = []
    days: Annotated[int, Meta(ge=0, le=36_500)] = 0


class Desk(DeskSettings, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A desk. `room` is the name of its agents' room, in which they are told what happens; `people` are the agents
    with the names they had when they were set; `made` is milliseconds since the Unix epoch."""

    name: str
    room: str
    made: int
    people: list[Author] = []

    @property
    def settings(self) -> DeskSettings:
        """What can be changed about it."""
        return DeskSettings(**{name: getattr(self, name) for name in DeskSettings.__struct_fields__})

    def is_open(self, at: datetime) -> bool:
        """Whether that moment (with a time zone) is within its hours."""
        return not self.hours or is_within(self.hours, at.astimezone(ZoneInfo(self.zone)))


class DeskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A desk as its visitors see it. `away`: it is closed, or no agent is there."""

    name: str
    title: str
    greeting: str
    away: str
    state: Standing


class Agents:
    """Who is an agent of which desk, by the ids of accounts: looked at with each message of a conversation."""

    def __init__(self) -> None:
        self._of: dict[str, frozenset[str]] = {}

    def know(self, desks: Iterable[Desk]) -> list[str]:
        """These are the desks from now on; the names of those whose agents are others than before."""
        before, self._of = self._of, {desk.name: frozenset(desk.agents) for desk in desks}
        return [name for name in before.keys() | self._of.keys() if before.get(name) != self._of.get(name)]

    def has(self, desk: str, account: str) -> bool:
        """Whether an account is an agent of a desk."""
        return account in self._of.get(desk, ())

    def desks_of(self, account: str) -> list[str]:
        """The names of the desks of which an account is an agent."""
        return [name for name, agents in self._of.items() if account in agents] if account else []


def desk_name(text: str) -> str:
    """The name of a desk; raises BadRequest for what cannot be one."""
    if not _NAME.fullmatch(text):
        raise BadRequest("A desk's name is 1 to 32 of a-z, 0-9 and '-', and begins with a letter or a digit.")
    return text


def check_zone(zone: str) -> None:
    """Raises BadRequest for a time zone that nobody knows."""
    if zone not in available_timezones():
        raise BadRequest(f"{zone} is no time zone; one is called like Europe/Vienna.")


def is_within(hours: Sequence[Hours], local: datetime) -> bool:
    """Whether the time of a clock on the wall there is within the hours."""
    return any(_is_in(each, local) for each in hours)


def _is_in(hours: Hours, local: datetime) -> bool:
    opens, closes, minute = _minutes(hours.opens), _minutes(hours.closes), local.hour * 60 + local.minute
    today, yesterday = local.isoweekday(), (local - timedelta(days=1)).isoweekday()
    if opens < closes:
        return today in hours.days and opens <= minute < closes
    return (today in hours.days and minute >= opens) or (yesterday in hours.days and minute < closes)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
