"""Policies as plain data: who may do what, as a table."""

import itertools
from typing import Any

import msgspec
import pytest

from chat.callers import Caller, Scope
from chat.people import User
from chat.policy import FOREVER, Kind, Member, Policy, Rights, Sanction

NOW = 1_000_000

MEMBERS = {
    "a-owner": Member("owner", "owner"),
    "a-moderator": Member("moderator", "moderator"),
    "a-member": Member("m"),
}
BANS = {"a-banned": Sanction("banned"), "a-forgiven": Sanction("forgiven", NOW - 1), "a-moderator": Sanction("m")}


def caller(who: str, **fields: Any) -> Caller:
    return Caller(user=User(who, who, guest=False), account=who, **fields)


CALLERS = {
    "guest": Caller(user=User("g-guest", "guest")),
    "stranger": caller("a-stranger"),
    "member": caller("a-member"),
    "moderator": caller("a-moderator"),
    "owner": caller("a-owner"),
    "administrator": caller("a-admin", admin=True),
    "banned": caller("a-banned"),
    "forgiven": caller("a-forgiven"),
    "bot of the owner": caller("a-owner", scope=Scope(write=True)),
    "reading bot of the owner": caller("a-owner", scope=Scope(write=False)),
    "reading bot of a member": caller("a-member", scope=Scope(write=False)),
}


def letters(rights: Rights) -> str:
    """`rwmo` for all rights, `r---` for reading alone."""
    given = (rights.read, rights.write, rights.moderate, rights.own)
    return "".join(letter if right else "-" for letter, right in zip("rwmo", given, strict=True))


# Who: in an open room, the same read-only, a private or secret-link one, a direct one
TABLE = {
    "guest": ("rw--", "r---", "----", "----"),
    "stranger": ("rw--", "r---", "----", "----"),
    "member": ("rw--", "r---", "rw--", "rw--"),
    "moderator": ("rwm-", "rwm-", "rwm-", "rwm-"),
    "owner": ("rwmo", "rwmo", "rwmo", "rwmo"),
    "administrator": ("rwmo", "rwmo", "--mo", "----"),
    "banned": ("----", "----", "----", "----"),
    "forgiven": ("rw--", "r---", "----", "----"),
    "bot of the owner": ("rwm-", "rwm-", "rwm-", "rwm-"),
    "reading bot of the owner": ("r---", "r---", "r---", "r---"),
    "reading bot of a member": ("r---", "r---", "r---", "r---"),
}


@pytest.mark.parametrize("who", TABLE)
def test_the_table_of_rights(who: str) -> None:
    """Each one has exactly these rights in each kind of room, and locks and slow mode change none of them."""
    kinds: list[tuple[Kind, bool]] = [("open", False), ("open", True), ("private", False), ("direct", False)]
    for (access, read_only), rights in zip(kinds, TABLE[who], strict=True):
        policy = Policy(access=access, members=MEMBERS, read_only=read_only, bans=BANS)
        assert letters(policy.rights(CALLERS[who], NOW)) == rights, (access, read_only)
        locked = msgspec.structs.replace(policy, locked=True, slow=10)
        assert letters(locked.rights(CALLERS[who], NOW)) == rights
    private = Policy(access="private", members=MEMBERS, bans=BANS)
    by_link = msgspec.structs.replace(private, access="link")
    assert private.rights(CALLERS[who], NOW) == by_link.rights(CALLERS[who], NOW)


def test_a_ban_outweighs_membership_and_no_more() -> None:
    """A banned member reads nothing; a moderator cannot be kept out by a ban."""
    policy = Policy(access="private", members=MEMBERS, bans={"a-member": Sanction("m"), "a-moderator": Sanction("x")})
    assert letters(policy.rights(CALLERS["member"], NOW)) == "----"
    assert letters(policy.rights(CALLERS["moderator"], NOW)) == "rwm-"


def test_sanctions_end() -> None:
    """One with an end holds until just before it, one without for ever; another's says nothing of oneself."""
    for until, holds in ((NOW, False), (NOW + 1, True), (FOREVER, True)):
        policy = Policy(mutes={"a-member": Sanction("m", until)}, bans={"a-member": Sanction("m", until)})
        assert (policy.mute_of(CALLERS["member"], NOW) is not None) is holds
        assert (policy.banned("a-member", NOW) is not None) is holds
        assert policy.mute_of(CALLERS["owner"], NOW) is None
        assert policy.banned("a-owner", NOW) is None


def test_only_a_plain_policy_is_plain() -> None:
    """A policy that is said to leave all to everybody does so for everybody; any rule at all makes it another."""
    rules: list[dict[str, Any]] = [
        {"access": "private"},
        {"access": "link"},
        {"access": "direct"},
        {"read_only": True},
        {"locked": True},
        {"slow": 1},
        {"mutes": {"a": Sanction("a")}},
        {"bans": {"a": Sanction("a")}},
    ]
    harmless: list[dict[str, Any]] = [{"members": MEMBERS}, {"days": 3}, {"ephemeral": True}]
    for fields in harmless:
        assert Policy(**fields).plain
    for fields, more in itertools.product(rules, [{}, *harmless]):
        assert not Policy(**fields, **more).plain


def test_knows_roles_and_owners() -> None:
    """A bot has the role of its maker; strangers have none."""
    policy = Policy(members=MEMBERS)
    roles = {who: policy.role(each) for who, each in CALLERS.items()}
    assert {who for who, role in roles.items() if role} == {
        "owner",
        "moderator",
        "member",
        "bot of the owner",
        "reading bot of the owner",
        "reading bot of a member",
    }
    assert roles["bot of the owner"] == "owner"
    assert policy.owners == ["a-owner"]


def test_is_stored_without_what_is_default() -> None:
    """An open room has no access in the store, by which it is found; what is stored comes back the same."""
    assert msgspec.to_builtins(Policy()) == {}
    policy = Policy(access="link", members=MEMBERS, slow=3, bans=BANS, circle="c")
    assert msgspec.convert(msgspec.to_builtins(policy), Policy) == policy
