"""What is said of a call: its address, who may make it, what it is given and what it answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PARAMETER = re.compile(r"\{(\w+)\}")

Asker = Literal["nobody", "anybody", "somebody", "account"]
"""Whom a call is for.

`nobody`: it does not look who asks. `anybody`: it does, and answers those who do not say as well. `somebody`: guests,
accounts and bots. `account`: the session of an account.
"""

# What any call may answer: the address is banned, the body too large, MongoDB away.
ALWAYS = ("forbidden", "too_large", "unavailable")
# What may be wrong with who asks: the name given, the token, the name that somebody else has by now, too many tokens.
ASKING = ("bad_request", "unauthenticated", "name_taken", "rate_limited")


@dataclass(frozen=True)
class Query:
    """An argument behind the question mark, of a type as msgspec knows them; that of a list may be repeated."""

    name: str
    type: Any
    description: str
    required: bool = False
    header: bool = False
    """Whether it is a header of the request instead."""


@dataclass(frozen=True)
class Body:
    """The JSON object that is sent: a struct, or one of several, without the fields that the address gives already."""

    type: Any
    without: tuple[str, ...] = ()
    name: str = ""
    """What the rest is called, if there are some."""


@dataclass(frozen=True)
class Media:
    """An answer that is no JSON, by its media types."""

    types: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class Call:
    """A method of an address. `answers` are by status: a type as msgspec knows them, Media, or None for no body.

    `errors` are codes beside those that follow from the rest; those of a `page` are shown as one.
    """

    method: str
    path: str
    summary: str
    asker: Asker
    answers: Mapping[int, Any]
    body: Body | None = None
    query: tuple[Query, ...] = ()
    errors: tuple[str, ...] = ()
    page: bool = False
    description: str = ""

    @property
    def id(self) -> str:
        """By which programs know it: `getRoomsByRoomMembers`."""
        words = re.findall(r"\{?\w+", self.path.removeprefix("/api"))
        return self.method.lower() + "".join(
            f"By{word[1:].capitalize()}" if word.startswith("{") else word.capitalize() for word in words
        )

    @property
    def parameters(self) -> list[str]:
        """The parts of the address that stand for something."""
        return PARAMETER.findall(self.path)

    @property
    def codes(self) -> list[str]:
        """The errors that it may answer, by their codes."""
        found = [*ALWAYS, *self.errors]
        if self.asker != "nobody":
            found += ASKING
        if self.body or self.query or "room" in self.parameters:
            found.append("bad_request")
        if self.parameters:
            found.append("not_found")
        return list(dict.fromkeys(found))
