"""Look-alikes: names that cannot be told apart by eye."""

import pytest

from chat.lookalikes import looks, skeleton
from chat.names import person_key


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ann", "ANN"),
        ("Ann", "ａｎｎ"),
        ("Ann", "Аnn"),  # a Cyrillic A
        ("Alice", "AIice"),  # a capital i
        ("Alice", "A1ice"),
        ("alice", "ALlCE"),  # a small l
        ("Mia", "rnia"),
        ("Bob", "B0b"),
        ("paypal", "раураl"),
        ("João", "Joa\u0303o"),
        ("an\u200dn", "ann"),
        ("straße", "STRASSE"),
        ("a－b", "a‐b"),
        ("עו", "עו"),
        ("ااا", "١١١"),  # what is written from right to left
    ],
)
def test_look_alikes(name: str, other: str) -> None:
    """They have a look in common, whichever of them comes first."""
    assert looks(name) & looks(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ann", "Anne"),
        ("Ann", "Anna"),
        ("Bob", "Rob"),
        ("user1", "user2"),
        ("王", "玉"),
        ("Ann Lee", "AnnLee"),
        ("é", "e"),
    ],
)
def test_names_that_differ(name: str, other: str) -> None:
    """What can be told apart is two names."""
    assert not looks(name) & looks(other)


@pytest.mark.parametrize("name", ["Ann", "ßẞ", "İstanbul", "ﬁ", "Ω", "ǆ", "\u0345a", "👩‍👩‍👧", "ΣΑΣ"])
def test_spellings_of_one_name_look_alike(name: str) -> None:
    """Whatever has the same key has the same looks, so that looks alone are to be compared."""
    for spelling in (name.upper(), name.lower(), name.casefold(), name.title()):
        if person_key(spelling) == person_key(name):
            assert looks(spelling) & looks(name), spelling


def test_a_skeleton_is_its_own() -> None:
    """The skeleton of a skeleton is the same (UTS 39: prototypes look like nothing else)."""
    for text in ("Hello World 0123456789", "раураl", "mmm", "ﬁﬂ", "ااا١", "אבג"):
        assert skeleton(skeleton(text)) == skeleton(text)
