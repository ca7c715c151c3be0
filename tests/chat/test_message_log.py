"""The line for each entry that is stored, which can be switched on and off."""

from collections.abc import Iterator

import pytest

from chat import message_log
from tests.rooms import edit, message


@pytest.fixture(autouse=True)
def _switched_off_again() -> Iterator[None]:
    yield
    message_log.switch(False)


def test_a_line_says_who_where_and_how_long(caplog: pytest.LogCaptureFixture) -> None:
    """And never what."""
    message_log.switch(True)
    message_log.note([("lobby", message(7, text="secret")), ("lobby", edit(8, 7, text="x"))], "p1")
    assert [record.getMessage() for record in caplog.records] == ["message", "edit"]
    assert [record.fields for record in caplog.records] == [  # type: ignore[attr-defined]
        {"room": "lobby", "seq": 7, "user": "g-ann", "length": 6, "process": "p1"},
        {"room": "lobby", "seq": 8, "user": "g-ann", "length": 1, "process": "p1", "target": 7},
    ]


def test_it_is_off_unless_it_is_wished(caplog: pytest.LogCaptureFixture) -> None:
    """Then not even the entries are looked at."""
    message_log.switch(False)
    entries = iter([("lobby", message(7))])
    message_log.note(entries, "p1")
    assert not caplog.records and next(entries)
