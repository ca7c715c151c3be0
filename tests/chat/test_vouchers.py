"""Vouchers: what one who signs in elsewhere may be called here."""

import itertools

import pytest

from chat.names import PERSON_NAME_LIMIT, person_name
from chat.vouchers import Voucher, fitting


def voucher(username: str = "", name: str = "") -> Voucher:
    return Voucher(issuer="https://provider.example", subject="1", username=username, name=name)


@pytest.mark.parametrize(
    ("username", "name", "first"),
    [
        ("ann", "Ann Arbor", ["ann", "Ann Arbor", "ann 2", "ann 3"]),
        ("", "Ann Arbor", ["Ann Arbor", "Ann Arbor 2"]),
        ("ann", "ann", ["ann", "ann 2"]),
        ("ann@example.org", "", ["ann", "ann 2"]),
        ("", "", ["somebody", "somebody 2"]),
        ("\u202e\x00", "\u2800", ["somebody", "somebody 2"]),
    ],
)
def test_names_come_in_order(username: str, name: str, first: list[str]) -> None:
    """The user name, then the name, then either with numbers; of an address only what stands before the @."""
    assert list(itertools.islice(voucher(username, name).names(), len(first))) == first


@pytest.mark.parametrize(
    "username", ["", "ann", "x" * 100, "é" * 32, "a b\t\nc" * 9, "\U0001f469\u200d\U0001f680" * 12]
)
def test_every_name_is_allowed(username: str) -> None:
    """Whatever the provider tells, each name to try is one that a person may have, and they end."""
    names = list(voucher(username).names())
    assert len(names) > 30
    assert len(set(names)) > 30
    for name in names:
        assert person_name(name) == name
        assert len(name) <= PERSON_NAME_LIMIT


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" Ann \n Arbor ", "Ann Arbor"),
        ("Ann\u202eArbor\x00", "AnnArbor"),
        ("x" * 40, "x" * 32),
        ("x" * 31 + " y", "x" * 31),
        ("", ""),
        (" \u200b", ""),
    ],
)
def test_what_cannot_be_in_a_name_is_left_out(text: str, name: str) -> None:
    """Characters that cannot be seen go, spaces become one, and what is too long is cut."""
    assert fitting(text) == name
