"""Vouchers: what a provider of sign-ins vouches for about a person, and what they may be called here."""

import itertools
import secrets
import unicodedata
from collections.abc import Iterator

import msgspec

from chat.errors import BadRequest
from chat.names import PERSON_NAME_LIMIT, SPACES, person_name

# What one is called whom the provider gives no name that can be used.
NAMELESS = "somebody"
# Numbers tried behind a name that is taken, before one at random is.
NUMBERED = 20


class Voucher(msgspec.Struct, frozen=True, kw_only=True):
    """A person as a provider knows them.

    Only `issuer` and `subject` together say who it is. A name or an address that equals somebody's here makes nobody
    that person. `email` is empty unless the provider has verified it.
    """

    issuer: str
    subject: str
    username: str = ""
    name: str = ""
    email: str = ""

    @property
    def key(self) -> str:
        """Who it is, as one text; an issuer's address holds no space."""
        return f"{self.issuer} {self.subject}"

    def names(self) -> Iterator[str]:
        """Names to try for a new account, in order and all allowed: as they are, then with numbers, at last at random.

        Of a name that is an e-mail address only what stands before the @ is shown to others.
        """
        wished = [fitting(text.partition("@")[0]) for text in (self.username, self.name)]
        names = list(dict.fromkeys(name for name in wished if name)) or [NAMELESS]
        yield from names
        for number in itertools.chain(range(2, NUMBERED), (secrets.randbelow(10**6) for _ in range(NUMBERED))):
            ending = f" {number}"
            yield names[0][: PERSON_NAME_LIMIT - len(ending)].rstrip() + ending


def fitting(text: str) -> str:
    """What of a text can be a person's name here; empty if nothing can."""
    spaced = SPACES.sub(" ", unicodedata.normalize("NFC", text))
    name = "".join(character for character in spaced if _is_allowed(character)).strip()[:PERSON_NAME_LIMIT].rstrip()
    try:
        return person_name(name)
    except BadRequest:
        return ""


def _is_allowed(character: str) -> bool:
    try:
        person_name(f"a{character}a")
    except BadRequest:
        return False
    return True
