"""Policies: who may do what in a room, as plain data."""

import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chat.callers import Caller

Role = Literal["member", "moderator", "owner"]
Kind = Literal["open", "private", "link", "direct"]

FOREVER = 0
"""The end of a mute or a ban that has none."""


class Member(msgspec.Struct, frozen=True):
    """One who belongs to a room, by the name they had when they were let in."""

    name: str
    role: Role = "member"


class Sanction(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mute or a ban of somebody by that `name`, `until` a time (milliseconds since the Unix epoch), or FOREVER.

    One that is by an address is for whom it was meant (`of`, the id of a guest) under whatever name they come, and not
    for the guests whom it `spares`. After a `kick` one may come back.
    """

    name: str
    until: int = FOREVER
    reason: str = ""
    kick: bool = False
    of: str = ""
    spares: tuple[str, ...] = ()

    def holds(self, now: int) -> bool:
        return self.until == FOREVER or now < self.until

    @property
    def why(self) -> str:
        """The end of a sentence that gives the reason, if there is one."""
        return f": {self.reason}" if self.reason else ""

    def sentence(self, what: str) -> str:
        """`what` with until when it holds, and why."""
        return f"{what}{until_text(self.until)}{self.why}."


Sanctions = dict[str, Sanction]
"""By the ids of people, and by the keys of addresses."""


def until_text(until: int) -> str:
    """The end of a sentence that says until when something holds; nothing for what holds for ever."""
    if until == FOREVER:
        return ""
    return time.strftime(" until %Y-%m-%d %H:%M UTC", time.gmtime(until / 1000))


def left_of(until: int, now: int) -> float | None:
    """Seconds until it is over; None for what holds for ever."""
    return None if until == FOREVER else max(1.0, (until - now) / 1000)


class Rights(msgspec.Struct, frozen=True):
    """What one caller may do in one room; `write` says nothing of mutes and locks, which pass."""

    read: bool = False
    write: bool = False
    moderate: bool = False
    own: bool = False


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rules of one room.

    `open`: for everybody. `private`: for members, whom moderators let in. `link`: for members, each of whom may invite.
    `direct`: for the people it was made for. `slow` is the least time between two messages of one person (seconds).
    `days` is how long entries are kept (0: for ever); an `ephemeral` room is gone when the last one has left. `circle`
    stands for the people of a direct room, for as long as none of them has left it. A room of the support `desk` of
    that name is its agents' as well, who are no members.
    """

    access: Kind = "open"
    members: dict[str, Member] = {}
    read_only: bool = False
    locked: bool = False
    slow: Annotated[int, Meta(ge=0)] = 0
    days: Annotated[int, Meta(ge=0)] = 0
    ephemeral: bool = False
    circle: str = ""
    desk: str = ""
    mutes: Sanctions = {}
    bans: Sanctions = {}

    @property
    def plain(self) -> bool:
        """Whether it leaves everything to everybody, so that nothing is to be looked at."""
        return not (self.access != "open" or self.read_only or self.locked or self.slow or self.mutes or self.bans)

    @property
    def owners(self) -> list[str]:
        """The ids of those who own it."""
        return [id for id, member in self.members.items() if member.role == "owner"]

    def role(self, caller: Caller) -> Role | None:
        member = self.members.get(caller.id)
        return member.role if member else None

    def rights(self, caller: Caller, now: int) -> Rights:
        """What the caller may do at a time (milliseconds since the Unix epoch).

        An administrator may do all in open rooms, and decide about the others without reading them.
        """
        role = self.role(caller)
        own = role == "owner" or (caller.admin and self.access != "direct")
        moderate = own or role == "moderator"
        banned = not moderate and self.ban_of(caller, now) is not None
        read = (self.access == "open" or role is not None) and not banned
        scope = caller.scope
        write = read and (moderate or not self.read_only) and (scope is None or scope.write)
        return Rights(read, write, moderate and (scope is None or scope.write), own and scope is None)

    def banned(self, who: str, now: int) -> Sanction | None:
        """The ban that holds for somebody now."""
        ban = self.bans.get(who)
        return ban if ban is not None and ban.holds(now) else None

    def ban_of(self, caller: Caller, now: int) -> Sanction | None:
        """The ban that holds for the caller now."""
        return _of(self.bans, caller, now) if self.bans else None

    def mute_of(self, caller: Caller, now: int) -> Sanction | None:
        """The mute that holds for the caller now."""
        return _of(self.mutes, caller, now) if self.mutes else None


def _of(sanctions: Sanctions, caller: Caller, now: int) -> Sanction | None:
    for mark in caller.marks:
        sanction = sanctions.get(mark)
        if sanction is not None and sanction.holds(now) and caller.id not in sanction.spares:
            return sanction
    return None
