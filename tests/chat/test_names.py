"""Names of rooms and people in many scripts."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import BadRequest
from chat.names import (
    PERSON_NAME_LIMIT,
    ROOM_NAME_LIMIT,
    TITLE_LIMIT,
    email_address,
    person_key,
    person_name,
    random_room_name,
    room_key,
    room_name,
    room_title,
    status_line,
)

SCRIPTS = [
    "lobby",
    "Fußball",
    "Кухня",
    "客厅",
    "リビング",
    "거실",
    "المطبخ",
    "רחוב",
    "रसोई",
    "ห้องครัว",
    "ಅಡುಗೆ",
    "Ελλάδα",
]
BAD_ROOMS = [
    "",
    " ",
    "a b",
    "a/b",
    "a?b",
    "a#b",
    "a%20b",
    "a\\b",
    "a:b",
    "<b>",
    "a\nb",
    "a\x00b",
    ".",
    "..",
    "..." * 20,
]
UNSEEN_ROOMS = ["🎉", "a" * 65, "\u0301a", "a\u200bb", "a\u202eb", "\u2800", "\u3164", "\ud800", "a\ue000", "a\u00adb"]
CONTROLS = ["", " ", "\t", "a" * 33, "a\x00", "a\x1b[31m", "\u2028", "ann\u2029"]
TURNING = ["\u202eann", "ann\u202c", "\u2066ann\u2069", "\u200eann", "\u061cann"]
UNSEEN = ["\u200bann", "an\u00adn", "\ufeffann", "\u3164", "\u2800", "\u115f", "\ud800", "\ue000", "ann\u180e"]
ALONE = ["\u200d", "\u200c\ufe0f", "\u0301", "\U000e0041ann"]


@pytest.mark.parametrize("name", [*SCRIPTS, "a", "_", "-", "x.y", "..a", "2026", "٣", "Ⅳ", "a" * 64, "客" * 64])
def test_a_room_may_have_it(name: str) -> None:
    """Letters, marks and digits of any script with `_`, `-` and `.` make a room's name."""
    assert room_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [*BAD_ROOMS, *UNSEEN_ROOMS],
)
def test_a_room_may_not_have_it(name: str) -> None:
    """Spaces, other signs, what cannot be seen, dots alone and more than 64 characters are refused."""
    with pytest.raises(BadRequest, match=r"A room's name"):
        room_name(name)


@pytest.mark.parametrize(
    "spellings",
    [("Lobby", "LOBBY", "lobby"), ("Café", "cafe\u0301", "CAFÉ"), ("Straße", "STRASSE", "strasse"), ("ΣΑΣ", "σας")],
)
def test_spellings_of_one_room(spellings: tuple[str, ...]) -> None:
    """NFC and folded case make one room of several spellings."""
    assert len({room_key(room_name(spelling)) for spelling in spellings}) == 1


@pytest.mark.parametrize("names", [("cafe", "café"), ("ａ", "a"), ("room1", "room2"), ("й", "и")])
def test_different_rooms(names: tuple[str, str]) -> None:
    """Accents and compatibility forms make different rooms."""
    assert room_key(names[0]) != room_key(names[1])


@pytest.mark.parametrize(
    "name", [*SCRIPTS, "Ann-Marie O'Neil", "J. R.", "@ann", "👩‍👩‍👧", "❤️", "ক্‍ষ", "می‌خواهم", "a" * 32, "1"]
)
def test_a_person_may_have_it(name: str) -> None:
    """People are called as they are: spaces, punctuation, emoji and joiners included."""
    assert person_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [*CONTROLS, *TURNING, *UNSEEN, *ALONE],
)
def test_a_person_may_not_have_it(name: str) -> None:
    """Controls, marks of direction, what cannot be seen, and more than 32 characters are refused."""
    with pytest.raises(BadRequest, match=r"A name|may not hold"):
        person_name(name)


def test_spaces_in_a_persons_name_are_made_one() -> None:
    """Around a name they go, within it they become one."""
    assert person_name("  Ann \u00a0  Lee ") == "Ann Lee"


@pytest.mark.parametrize(
    "spellings",
    [
        ("ann", "ANN", "ａｎｎ"),
        ("ﬁn", "FIN"),
        ("Åsa", "A\u030asa", "åsa"),
        ("ß", "SS"),
        ("an\u200dn", "ann"),
        ("❤️", "❤"),
    ],
)
def test_spellings_of_one_person(spellings: tuple[str, ...]) -> None:
    """NFKC, folded case and no joiners: nobody can pose as another by a spelling."""
    assert len({person_key(person_name(spelling)) for spelling in spellings}) == 1


@pytest.mark.parametrize("title", ["Kitchen", "A room with a view", "客厅 🎉", "x" * 100])
def test_a_room_may_be_titled(title: str) -> None:
    """A title may have spaces and signs."""
    assert room_title(title) == title


@pytest.mark.parametrize("title", ["", "  ", "x" * 101, "a\u202eb", "a\x07"])
def test_a_room_may_not_be_titled(title: str) -> None:
    """A title is 1 to 100 characters that can be seen."""
    with pytest.raises(BadRequest, match="title"):
        room_title(title)


def test_random_names_are_good_and_differ() -> None:
    """Each random name is allowed, and a hundred of them are hardly ever the same."""
    names = [random_room_name() for _ in range(100)]
    assert all(room_name(name) == name for name in names)
    assert len(set(names)) > 95


@given(st.text(max_size=70))
def test_any_text_is_a_rooms_name_or_refused(text: str) -> None:
    """Nothing but BadRequest comes of any text; what is taken is stable, in bounds and fit for an address."""
    try:
        name = room_name(text)
    except BadRequest:
        return
    assert room_name(name) == name
    assert 1 <= len(name) <= ROOM_NAME_LIMIT
    assert not set(name) & set("/?#%\\ \n")
    assert room_key(room_key(name)) == room_key(name)


@given(st.text(max_size=40))
def test_any_text_is_a_persons_name_or_refused(text: str) -> None:
    """Nothing but BadRequest comes of any text; what is taken is stable and turns no text around."""
    try:
        name = person_name(text)
    except BadRequest:
        return
    assert person_name(name) == name
    assert 1 <= len(name) <= PERSON_NAME_LIMIT
    assert not any(
        unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "PDI") for c in name
    )
    assert person_key(name)


@given(st.text(max_size=120))
def test_any_text_is_a_title_or_refused(text: str) -> None:
    """Nothing but BadRequest comes of any text."""
    try:
        title = room_title(text)
    except BadRequest:
        return
    assert room_title(title) == title
    assert 1 <= len(title) <= TITLE_LIMIT


def test_an_endless_spelling_is_not_looked_at() -> None:
    """Nor remembered: a name of thousands of spaces would be, once it was found to be short."""
    kept = person_name.cache_info().currsize
    assert person_name("a" + " " * 200 + "b") == "a b"
    with pytest.raises(BadRequest):
        person_name("a" + " " * 60_000 + "b")
    assert person_name.cache_info().currsize == kept + 1


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("  ", ""),
        (" on\u00a0 the  road ", "on the road"),
        ("x" * 140, "x" * 140),
        ("e\u0301", "é"),
        ("👩‍💻", "👩‍💻"),
    ],
)
def test_a_status_line(text: str, kept: str) -> None:
    """Normalised and trimmed; it may be empty."""
    assert status_line(text) == kept


@pytest.mark.parametrize("text", ["x" * 141, "a\nb", "\u202eabc", "\u200b"])
def test_a_status_line_that_is_none(text: str) -> None:
    """Too long, or with what cannot be seen."""
    with pytest.raises(BadRequest):
        status_line(text)


@pytest.mark.parametrize("text", ["", " ", "ann@example.org", "a.b+c@[127.0.0.1]", "почта@пример.рф", '"a@b"@c'])
def test_an_email_address(text: str) -> None:
    """Whatever has something on both sides of an @; whether it exists is not looked at."""
    assert email_address(text) == text.strip()


@pytest.mark.parametrize("text", ["a", "@", "a@", "@b", "a b@c", "a@b\nc", "a@\u202eb", "x" * 250 + "@b.de"])
def test_an_email_address_that_is_none(text: str) -> None:
    """Without both, with spaces, or with what cannot be seen."""
    with pytest.raises(BadRequest):
        email_address(text)
