"""Direct conversations: rooms of two people, or a few, to which nobody else comes."""

import hashlib

from chat.callers import Caller
from chat.entries import Author
from chat.errors import BadRequest, Forbidden, Unauthenticated
from chat.members import Members
from chat.names import TITLE_LIMIT
from chat.policy import Member, Policy
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.room import Room

OTHERS = 9
"""People beside oneself in one conversation at most."""


class Direct:
    """Finds the room of exactly these people, or makes it."""

    def __init__(self, registry: RoomRegistry, members: Members, rates: Rates) -> None:
        self._registry = registry
        self._members = members
        self._rates = rates

    async def begin(self, names: list[str], caller: Caller) -> tuple[Room, bool]:
        """The room of the caller and the others, named by ids or names, and whether it is new; raises ChatError.

        Two who begin at once get the same.
        """
        if caller.scope is not None:
            raise Forbidden("A bot begins no conversations.")
        if not caller.account:
            raise Unauthenticated("An account is needed.")
        if len(names) > OTHERS:
            raise BadRequest(f"A direct conversation is with at most {OTHERS} others.")
        people = {caller.id: Author(caller.id, caller.user.name)}
        for name in names:
            person = await self._members.account(name)
            people.setdefault(person.id, person)
        if len(people) == 1:
            raise BadRequest("A direct conversation is with somebody else.")
        circle = circle_of(list(people))
        known = await self._registry.of_circle(circle)
        if known is not None:
            return known, False
        self._rates.make_room(caller)
        for person in people.values():
            await self._members.check_memberships(person)
        members = {id: Member(person.name) for id, person in people.items()}
        title = title_of([person.name for person in people.values()])
        return await self._registry.gather(title, Policy(access="direct", members=members, circle=circle))


def circle_of(ids: list[str]) -> str:
    """What stands for these people, in whatever order."""
    return hashlib.sha256(",".join(sorted(ids)).encode()).hexdigest()


def title_of(names: list[str]) -> str:
    """Their names, as far as there is room for them in a title."""
    shown, rest = sorted(names, key=str.casefold), 0
    while len(title := _joined(shown, rest)) > TITLE_LIMIT:
        shown, rest = shown[:-1], rest + 1
    return title


def _joined(names: list[str], rest: int) -> str:
    if rest:
        return f"{', '.join(names)} and {rest} {'other' if rest == 1 else 'others'}"
    return f"{', '.join(names[:-1])} and {names[-1]}"
