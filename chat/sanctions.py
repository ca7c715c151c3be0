"""Sanctions: how the rules of a room change when somebody is muted, banned or put out, as plain data."""

from typing import Literal

import msgspec

from chat.errors import BadRequest, Forbidden, NotFound
from chat.policy import Policy, Sanctions

Kind = Literal["mutes", "bans"]


def imposed(policy: Policy, kind: Kind, sanctions: Sanctions, now: int, limit: int) -> Policy:
    """With these besides those that still hold; raises BadRequest if they become more than `limit`."""
    present: Sanctions = getattr(policy, kind)
    kept = {key: sanction for key, sanction in present.items() if sanction.holds(now)} | sanctions
    if len(kept) > limit:
        raise BadRequest(f"There are {limit} {kind} in this room already; lift one first.")
    return _with(policy, kind, kept)


def lifted(policy: Policy, kind: Kind, who: str, now: int) -> Policy:
    """Without the one that was for somebody, by whatever they are known; raises NotFound if there is none."""
    present: Sanctions = getattr(policy, kind)
    holding = {key: sanction for key, sanction in present.items() if sanction.holds(now)}
    kept = {key: sanction for key, sanction in holding.items() if who not in (key, sanction.of)}
    if len(kept) == len(holding):
        raise NotFound("They are not muted here." if kind == "mutes" else "They are not banned here.")
    return _with(policy, kind, kept)


def without_expired(policy: Policy, now: int) -> Policy:
    """Without those whose time is over."""
    for kind in ("mutes", "bans"):
        present: Sanctions = getattr(policy, kind)
        kept = {key: sanction for key, sanction in present.items() if sanction.holds(now)}
        if len(kept) < len(present):
            policy = _with(policy, kind, kept)
    return policy


def without_member(policy: Policy, who: str) -> Policy:
    """Somebody does not belong to the room any more; raises Forbidden for its only owner."""
    if who not in policy.members:
        return policy
    rest = {id: member for id, member in policy.members.items() if id != who}
    if policy.members[who].role == "owner" and not any(member.role == "owner" for member in rest.values()):
        raise Forbidden("A room keeps an owner: make somebody else one first, or delete the room.")
    return msgspec.structs.replace(policy, members=rest)


def _with(policy: Policy, kind: Kind, sanctions: Sanctions) -> Policy:
    return (
        msgspec.structs.replace(policy, mutes=sanctions)
        if kind == "mutes"
        else msgspec.structs.replace(policy, bans=sanctions)
    )
