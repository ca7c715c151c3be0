"""Mutes and bans in the rules of a room, as plain data."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.callers import Caller, Scope
from chat.errors import BadRequest, Forbidden, NotFound
from chat.people import User
from chat.policy import FOREVER, Member, Policy, Sanction
from chat.sanctions import Kind, imposed, lifted, without_expired, without_member
from tests.rooms import ANN, BOB, CID

NOW = 1_700_000_000_000
PLACE = "ip-cb007107"
KINDS: tuple[Kind, ...] = ("mutes", "bans")


def guest(user: User = BOB, address: str = "203.0.113.7") -> Caller:
    return Caller(user=user, address=address)


def test_holds_for_its_time() -> None:
    """One with an end is over then, one without never."""
    assert Sanction("bob", NOW + 1).holds(NOW)
    assert not Sanction("bob", NOW).holds(NOW)
    assert Sanction("bob", FOREVER).holds(NOW * 1000)


def test_says_until_when_and_why() -> None:
    """A sentence tells both, as far as they are there."""
    assert Sanction("bob", NOW, "noise").sentence("You are out") == "You are out until 2023-11-14 22:13 UTC: noise."
    assert Sanction("bob").sentence("You are out") == "You are out."


def test_a_banned_one_reads_and_writes_nothing() -> None:
    """A ban that holds takes both; when it is over, or for others, nothing is taken."""
    policy = Policy(bans={BOB.id: Sanction("bob", NOW + 10)})
    assert not policy.rights(guest(), NOW).read
    assert not policy.rights(guest(), NOW).write
    assert policy.rights(guest(), NOW + 10).write
    assert policy.rights(guest(CID), NOW).write
    assert not policy.plain


def test_a_guest_is_known_by_their_address() -> None:
    """Another name from there helps nothing; who was there already, and who has an account, is not meant."""
    policy = Policy(bans={PLACE: Sanction("bob", NOW + 10, of=BOB.id, spares=(CID.id,))})
    assert policy.ban_of(guest(User("g-new", "new")), NOW)
    assert policy.ban_of(guest(User("g-new", "new"), "::ffff:203.0.113.7"), NOW)
    assert not policy.ban_of(guest(User("g-new", "new"), "203.0.113.8"), NOW)
    assert not policy.ban_of(guest(CID), NOW)
    assert not policy.ban_of(Caller(user=ANN, account="a-1", address="203.0.113.7"), NOW)
    mutes = Policy(mutes=policy.bans)
    assert mutes.mute_of(guest(User("g-new", "new")), NOW)
    assert not mutes.mute_of(guest(CID), NOW)


def test_a_bot_is_known_by_itself_and_by_its_maker() -> None:
    """Who bans a bot bans that one; who bans its maker bans all of them."""
    bots = [Caller(user=User(f"b-{name}", name), account="a-1", scope=Scope()) for name in "xy"]
    maker = Caller(user=User("a-1", "maker", guest=False), account="a-1")
    one, all_ = Policy(bans={"b-x": Sanction("x")}), Policy(bans={"a-1": Sanction("maker")})
    assert [one.ban_of(caller, NOW) is not None for caller in (*bots, maker)] == [True, False, False]
    assert [all_.ban_of(caller, NOW) is not None for caller in (*bots, maker)] == [True, True, True]


def test_those_who_rule_a_room_are_not_banned_from_it() -> None:
    """Neither its moderators nor an administrator."""
    policy = Policy(members={"a-1": Member("ann", "moderator")}, bans={"a-1": Sanction("ann"), "a-2": Sanction("x")})
    assert policy.rights(Caller(user=ANN, account="a-1"), NOW).read
    assert policy.rights(Caller(user=ANN, account="a-2", admin=True), NOW).read
    assert not policy.rights(Caller(user=ANN, account="a-2"), NOW).read


@pytest.mark.parametrize("kind", KINDS)
def test_imposing_forgets_what_is_over(kind: Kind) -> None:
    """What still holds stays, and what is given anew has its new time."""
    policy = msgspec.structs.replace(
        Policy(), **{kind: {"g-1": Sanction("x", NOW), "g-2": Sanction("y", NOW + 1), "g-3": Sanction("z")}}
    )
    changed = imposed(policy, kind, {"g-2": Sanction("y", NOW + 9), "g-4": Sanction("w")}, NOW, 9)
    assert getattr(changed, kind) == {
        "g-2": Sanction("y", NOW + 9),
        "g-3": Sanction("z"),
        "g-4": Sanction("w"),
    }


def test_a_room_has_so_many_at_most() -> None:
    """One more is refused; expired ones make room, and so does giving one anew."""
    policy = imposed(Policy(), "bans", {"g-1": Sanction("x", NOW + 1), "g-2": Sanction("y")}, NOW, 2)
    with pytest.raises(BadRequest):
        imposed(policy, "bans", {"g-3": Sanction("z")}, NOW, 2)
    assert len(imposed(policy, "bans", {"g-2": Sanction("y", NOW + 1)}, NOW, 2).bans) == 2
    assert list(imposed(policy, "bans", {"g-3": Sanction("z")}, NOW + 1, 2).bans) == ["g-2", "g-3"]


@pytest.mark.parametrize("kind", KINDS)
def test_lifting_lets_an_address_go_with_its_guest(kind: Kind) -> None:
    """All that was for one person is lifted together, and nothing of another."""
    given = {BOB.id: Sanction("bob"), PLACE: Sanction("bob", NOW + 9, of=BOB.id), CID.id: Sanction("cid")}
    policy = msgspec.structs.replace(Policy(), **{kind: given})
    assert list(getattr(lifted(policy, kind, BOB.id, NOW), kind)) == [CID.id]
    with pytest.raises(NotFound):
        lifted(policy, kind, ANN.id, NOW)


def test_lifting_what_is_over_finds_nothing() -> None:
    """A ban whose time has passed is none."""
    with pytest.raises(NotFound):
        lifted(Policy(bans={BOB.id: Sanction("bob", NOW)}), "bans", BOB.id, NOW)


def test_without_what_is_over_a_room_is_plain_again() -> None:
    """When the last mute is over nothing has to be looked at any more; and what holds stays."""
    policy = Policy(mutes={"g-1": Sanction("x", NOW + 1)}, bans={"g-2": Sanction("y", NOW + 1)})
    assert without_expired(policy, NOW) is policy
    assert without_expired(policy, NOW + 1).plain


def test_an_only_owner_is_not_put_out() -> None:
    """A room keeps an owner; a second one may go, and so may members; who is none changes nothing."""
    policy = Policy(members={"a-1": Member("ann", "owner"), "a-2": Member("bob", "owner"), "a-3": Member("cid")})
    assert without_member(policy, "a-9") is policy
    assert list(without_member(policy, "a-3").members) == ["a-1", "a-2"]
    with pytest.raises(Forbidden):
        without_member(without_member(policy, "a-1"), "a-2")


@given(st.dictionaries(st.text(max_size=5), st.integers(0, NOW * 2), max_size=9), st.integers(0, NOW * 2))
def test_what_holds_is_what_is_kept(ends: dict[str, int], at: int) -> None:
    """Forgetting changes for nobody whether they are banned."""
    policy = Policy(bans={id: Sanction("x", end) for id, end in ends.items()})
    kept = without_expired(policy, at)
    for id in ends:
        caller = Caller(user=User(id, "x"), account=id)
        assert (policy.ban_of(caller, at) is None) == (kept.ban_of(caller, at) is None)


def test_comes_back_from_the_store_as_it_was() -> None:
    """Also with addresses, those who are spared, and reasons."""
    policy = Policy(
        bans={PLACE: Sanction("bob", NOW, "why", of=BOB.id, spares=("g-1",)), BOB.id: Sanction("b", kick=True)}
    )
    assert msgspec.convert(msgspec.to_builtins(policy), Policy) == policy
