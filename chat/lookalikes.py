"""Look-alikes: when two names cannot be told apart by eye (Unicode Technical Standard 39, section 4)."""

import unicodedata
from functools import lru_cache

from confusable_homoglyphs.confusables import confusables_data

from chat.names import JOINERS, person_key

# The data wraps what is written from right to left in this mark.
LEFT_TO_RIGHT = "\u200e"


def _prototypes() -> dict[int, str]:
    """What each character is drawn like.

    The library has every pair in both directions. A prototype is what many are drawn like, or more than one character;
    of a pair that is alone either serves.
    """
    found = {}
    for text, others in confusables_data.items():
        character, like = text.strip(LEFT_TO_RIGHT), others[0]["c"]
        if len(others) > 1 or len(character) > 1:
            continue
        prototype = like.strip(LEFT_TO_RIGHT)
        if len(confusables_data[like]) > 1 or len(prototype) > 1 or prototype < character:
            found[ord(character)] = prototype
    return found


_PROTOTYPES = _prototypes()


def skeleton(text: str) -> str:
    """What all texts that look like this one have in common."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).translate(_PROTOTYPES))


@lru_cache(maxsize=4096)  # a polling guest is named with each poll
def looks(name: str) -> frozenset[str]:
    """What a person's name looks like, as it is written, in small and in capital letters.

    Two names are look-alikes if they have one of these in common: `Ann` and `Аnn` (in Cyrillic), `Alice` and `AIice`,
    `alice` and `ALlCE`. Other spellings of one name (`person_key`) always have.
    """
    plain = JOINERS.sub("", unicodedata.normalize("NFKC", name))
    return frozenset(skeleton(spelling).casefold() for spelling in (plain, person_key(name), plain.upper()))
