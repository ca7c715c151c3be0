"""Kinds of messages: what fits them, and how they are found."""

import msgspec
import pytest

from chat.errors import BadRequest
from chat.kinds import Kinds, kind, kinds_in


@kind("poll.vote")
class Vote(msgspec.Struct, forbid_unknown_fields=True):
    question: str
    option: int


class Other(Vote):
    """Of a kind by its base alone, which does not count."""


def test_finds_what_is_marked_once() -> None:
    """Under whatever names it stands in a module; a type that only inherits is not marked."""
    found = kinds_in({"Vote": Vote, "Again": Vote, "Other": Other, "number": 3, "function": len})
    assert [(each.name, each.schema) for each in found] == [("poll.vote", Vote)]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"question": "tea?"}, "option"),
        ({"question": "tea?", "option": "1"}, "option"),
        ({"question": "tea?", "option": 1, "more": 2}, "more"),
        (None, "object"),
    ],
)
def test_refuses_what_does_not_fit(data: object, what: str) -> None:
    """With a sentence that names the kind and says what is wrong."""
    with pytest.raises(BadRequest, match=rf"That is no poll\.vote: .*{what}"):
        Kinds(kinds_in({"Vote": Vote})).check("poll.vote", data)


def test_takes_what_fits_and_kinds_nobody_declared() -> None:
    """Of a kind that is not known any data are good."""
    kinds = Kinds(kinds_in({"Vote": Vote}))
    kinds.check("poll.vote", {"question": "tea?", "option": 1})
    kinds.check("poll.other", {"whatever": None})


def test_each_is_declared_once() -> None:
    """Nobody takes another's kind, nor that of texts."""
    with pytest.raises(ValueError, match=r"poll\.vote"):
        Kinds([*kinds_in({"Vote": Vote}), *kinds_in({"Vote": Vote})])
    with pytest.raises(ValueError, match="text"):
        Kinds(kinds_in({"Text": kind("text")(type("Text", (), {}))}))
