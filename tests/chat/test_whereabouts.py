"""Whereabouts: the addresses of guests."""

from unittest import mock

from chat import whereabouts as whereabouts_module
from chat.callers import Caller
from chat.people import User
from chat.whereabouts import Whereabouts
from tests.rooms import ANN, BOB


def test_knows_where_a_guest_was_last() -> None:
    """The latest address counts; accounts, and clients without an address, are not remembered."""
    whereabouts = Whereabouts()
    for address in ("203.0.113.7", "203.0.113.8"):
        whereabouts.note(Caller(user=BOB, address=address))
    whereabouts.note(Caller(user=ANN, account="a-1", address="203.0.113.7"))
    whereabouts.note(Caller(user=User("g-x", "x")))
    assert whereabouts.of(BOB.id) == ("bob", "203.0.113.8", "ip-cb007108")
    assert (whereabouts.at("ip-cb007107"), whereabouts.at("ip-cb007108")) == ([], [BOB.id])
    assert whereabouts.of(ANN.id) is None
    assert whereabouts.of("g-x") is None
    assert len(whereabouts) == 1


def test_remembers_so_many() -> None:
    """Those who came first are forgotten first, unless they have come from elsewhere since."""
    whereabouts = Whereabouts()
    with mock.patch.object(whereabouts_module, "REMEMBERED", 3):
        for number, place in ((1, 7), (2, 7), (3, 7), (1, 8), (2, 7), (4, 7)):
            whereabouts.note(Caller(user=User(f"g-{number}", "x"), address=f"203.0.113.{place}"))
    assert [whereabouts.of(f"g-{number}") is not None for number in (1, 2, 3, 4)] == [True, False, True, True]
