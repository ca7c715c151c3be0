"""Claims: names that belong to somebody for good."""

import pytest

from chat.claims import Claims
from chat.errors import NameTaken


def test_a_name_belongs_to_its_owner() -> None:
    """Nobody else can have it, or what looks like it; the owner can."""
    claims = Claims()
    claims.take("a-1", ["Ann", ""])
    claims.check("bob")
    claims.check("ann", "a-1")
    for name in ("ann", "Аnn"):
        for refused in (lambda name=name: claims.check(name), lambda name=name: claims.take("a-2", ["bob", name])):
            with pytest.raises(NameTaken):
                refused()
    claims.take("a-2", ["bob"])
    assert len(claims) == 2


def test_other_names_free_the_old_ones() -> None:
    """Who takes other names has only these."""
    claims = Claims()
    claims.take("a-1", ["ann", "Ann Lee"])
    claims.take("a-1", ["Ann Lee", "cid"])
    claims.take("a-2", ["ann"])
    with pytest.raises(NameTaken):
        claims.take("a-1", ["ann"])
    with pytest.raises(NameTaken):
        claims.check("ann lee")


def test_releasing_frees_the_names() -> None:
    """It is harmless when repeated, and frees nobody else's."""
    claims = Claims()
    claims.take("a-1", ["ann"])
    claims.take("a-2", ["bob"])
    for _ in range(2):
        claims.release("a-1")
    claims.check("ann")
    with pytest.raises(NameTaken):
        claims.check("bob")


def test_what_is_stored_is_known_whatever_it_looks_like() -> None:
    """Names that were let in by older rules stay their owners' all the same."""
    claims = Claims()
    claims.know("a-1", ["Alice"])
    claims.know("a-2", ["AIice"])
    with pytest.raises(NameTaken):
        claims.check("alice")
    claims.release("a-2")
    claims.release("a-1")
    claims.check("alice")
