"""What a room and a person may be called, and when two names are the same; what a person says about themselves."""

import re
import secrets
import unicodedata
from functools import lru_cache

from chat.errors import BadRequest

ROOM_NAME_LIMIT = 64
TITLE_LIMIT = 100
PERSON_NAME_LIMIT = 32
REASON_LIMIT = 500
# Characters in which a name may be spelt before it is normalised. What is longer is not looked at, nor remembered.
SPELLING_LIMIT = 256
STATUS_LIMIT = 140
EMAIL_LIMIT = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets

# Invisible characters that Unicode files under letters and symbols: fillers of Hangul, the blank of Braille.
INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
# Joiners and variation selectors make emoji and Indic ligatures; they are kept, and do not count when names are
# compared.
JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
SECRET_NAME = re.compile(r"[0-9a-f]{32}")
SPACES = re.compile(r"\s+")

WORDS = re.findall(
    r"\w+",
    """
    amber ash birch bold brave bright brook calm cedar clear cloud coral cosy dawn deep dune dusk elm fern field
    fjord gentle glad glen golden grand green grove hazel heath hill indigo ivory jade juniper keen lake lark leaf
    lilac linden lively lucid maple meadow mellow merry mild mint misty moon moss noble north oak ocean olive opal
    open pearl pine plum quick quiet rain reed ridge river robin rosy rowan sage sand shore silver sky snow south
    spring star still stone sunny swift teal tide valley velvet violet warm west wild willow wind winter wise wren
    """,
)


@lru_cache(maxsize=4096)
def room_name(text: str) -> str:
    """The name as it is kept (NFC); raises BadRequest if it is not 1-64 letters, digits, `_`, `-`, `.`."""
    name = unicodedata.normalize("NFC", text)
    if not 1 <= len(name) <= ROOM_NAME_LIMIT:
        raise BadRequest(f"A room's name has 1 to {ROOM_NAME_LIMIT} characters.")
    if not all(character in "_-." or unicodedata.category(character)[0] in "LNM" for character in name):
        raise BadRequest("A room's name is made of letters, digits, '_', '-' and '.'.")
    if INVISIBLE.intersection(name) or unicodedata.category(name[0])[0] == "M" or not name.strip("."):
        raise BadRequest("A room's name needs a letter, a digit, '_' or '-', and nothing invisible.")
    return name


def room_key(name: str) -> str:
    """What two spellings of one room have in common."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def room_title(text: str) -> str:
    """The title as it is kept; raises BadRequest if it is empty, too long or has control characters."""
    _refuse_unseen(text, "A room's title")
    title = SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if not 1 <= len(title) <= TITLE_LIMIT:
        raise BadRequest(f"A room's title has 1 to {TITLE_LIMIT} characters.")
    return title


def random_room_name() -> str:
    """A name like `quiet-river-381`, of a million, that a person can say aloud."""
    return f"{secrets.choice(WORDS)}-{secrets.choice(WORDS)}-{secrets.randbelow(900) + 100}"


def secret_room_name() -> str:
    """A name that nobody can guess (128 bits)."""
    return secrets.token_hex(16)


def is_secret(name: str) -> bool:
    """Whether it is a name of that kind. A visit makes no room of it: what is said to a secret room that is gone must
    not open one for everybody."""
    return SECRET_NAME.fullmatch(room_key(name)) is not None


@lru_cache(maxsize=4096)  # a polling guest is named with each poll
def person_name(text: str) -> str:
    """The name as it is kept; raises BadRequest if it is not 1-32 characters that can all be seen."""
    if len(text) > SPELLING_LIMIT:
        raise BadRequest(f"A name has 1 to {PERSON_NAME_LIMIT} characters.")
    _refuse_unseen(text, "A name")
    name = SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if not 1 <= len(name) <= PERSON_NAME_LIMIT:
        raise BadRequest(f"A name has 1 to {PERSON_NAME_LIMIT} characters.")
    if not any(unicodedata.category(character)[0] in "LNSP" for character in name):
        raise BadRequest("A name needs something that can be seen.")
    return name


@lru_cache(maxsize=4096)
def person_key(name: str) -> str:
    """What two spellings of one person's name have in common (NFKC, case-folded, joiners left out)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return JOINERS.sub("", folded)


def status_line(text: str) -> str:
    """What a person says about themselves, as it is kept; raises BadRequest. It may be empty."""
    _refuse_unseen(text, "A status line")
    status = SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if len(status) > STATUS_LIMIT:
        raise BadRequest(f"A status line has at most {STATUS_LIMIT} characters.")
    return status


def reason_text(text: str) -> str:
    """Why something was done to somebody, as it is kept; raises BadRequest. It may be empty."""
    _refuse_unseen(SPACES.sub(" ", text), "A reason")
    reason = SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if len(reason) > REASON_LIMIT:
        raise BadRequest(f"A reason has at most {REASON_LIMIT} characters.")
    return reason


def email_address(text: str) -> str:
    """The address as it is kept; raises BadRequest if it cannot be one. It may be empty."""
    address = text.strip()
    if not address:
        return ""
    _refuse_unseen(address, "An e-mail address")
    local, _, domain = address.rpartition("@")
    if not local or not domain or SPACES.search(address) or len(address) > EMAIL_LIMIT:
        raise BadRequest("That is no e-mail address.")
    return address


def _refuse_unseen(text: str, what: str) -> None:
    for character in JOINERS.sub("", text):
        # Controls, direction marks and other formats, surrogates, private and unassigned, line and paragraph separators
        unseen = unicodedata.category(character)[0] == "C" or unicodedata.category(character) in ("Zl", "Zp")
        if unseen or character in INVISIBLE:
            raise BadRequest(
                f"{what} may not hold control characters, or ones that change direction or cannot be seen."
            )
