"""Hours of a support desk, and who its agents are, as plain data."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from chat.desk import Agents, Desk, Hours, check_zone, desk_name, is_within
from chat.errors import BadRequest

VIENNA = ZoneInfo("Europe/Vienna")
OFFICE = [Hours([1, 2, 3, 4, 5], "09:00", "17:30")]
NIGHT = [Hours([5], "22:00", "06:00")]


def desk(name: str = "shop", *, hours: list[Hours] | None = None, agents: list[str] | None = None) -> Desk:
    return Desk(name=name, title="x", room="r", made=0, zone="Europe/Vienna", hours=hours or [], agents=agents or [])


@pytest.mark.parametrize(
    ("hours", "day", "clock", "is_open"),
    [
        (OFFICE, 4, "09:00", True),
        (OFFICE, 4, "08:59", False),
        (OFFICE, 4, "17:29", True),
        (OFFICE, 4, "17:30", False),
        (OFFICE, 7, "12:00", False),
        (NIGHT, 8, "22:00", False),  # a Monday
        (NIGHT, 5, "21:59", False),  # Friday
        (NIGHT, 5, "23:00", True),
        (NIGHT, 6, "05:59", True),
        (NIGHT, 6, "06:00", False),
        (NIGHT, 5, "05:00", False),
        ([Hours([7])], 7, "23:59", True),
        ([Hours([7])], 1, "00:00", False),
    ],
)
def test_hours(hours: list[Hours], day: int, clock: str, is_open: bool) -> None:
    """Days and times of the clock on the wall; one that closes before it opens goes into the next day."""
    assert is_within(hours, datetime.fromisoformat(f"2026-06-{day:02}T{clock}")) is is_open


def test_the_zone_counts() -> None:
    """What is nine o'clock depends on where the desk is, and on the time of the year."""
    at = desk(hours=OFFICE)
    assert at.is_open(datetime(2026, 7, 1, 7, 0, tzinfo=ZoneInfo("UTC")))
    assert not at.is_open(datetime(2026, 1, 7, 7, 0, tzinfo=ZoneInfo("UTC")))
    assert at.is_open(datetime(2026, 1, 7, 8, 0, tzinfo=ZoneInfo("UTC")))
    assert desk().is_open(datetime(2026, 1, 4, 3, 0, tzinfo=VIENNA))


def test_names_and_zones() -> None:
    """What can be none is refused."""
    assert desk_name("shop-2") == "shop-2"
    for name in ("", "-a", "Shop", "a b", "ä", "a" * 33):
        with pytest.raises(BadRequest):
            desk_name(name)
    check_zone("Europe/Vienna")
    with pytest.raises(BadRequest, match="no time zone"):
        check_zone("../etc/passwd")


def test_agents() -> None:
    """It knows who serves which desk, and says of which desks that has changed."""
    agents = Agents()
    assert sorted(agents.know([desk("a", agents=["a-1"]), desk("b", agents=["a-1", "a-2"])])) == ["a", "b"]
    assert agents.has("a", "a-1") and not agents.has("a", "a-2") and not agents.has("c", "a-1")
    assert sorted(agents.desks_of("a-1")) == ["a", "b"] and agents.desks_of("") == []
    assert agents.know([desk("a", agents=["a-1"]), desk("b", agents=["a-2"])]) == ["b"]
    assert agents.know([desk("a", agents=["a-1"])]) == ["b"]
