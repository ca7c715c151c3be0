"""Internet addresses: what counts as one place, and ranges of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.addresses import RangeTable, address_key, address_range, place_of
from chat.errors import BadRequest

IPV4 = st.ip_addresses(v=4)
IPV6 = st.ip_addresses(v=6)


def test_one_place() -> None:
    """An address of IPv4 is a place of its own, also within IPv6; of IPv6 the half is that a household is given."""
    assert address_key("203.0.113.7") == address_key("::ffff:203.0.113.7") != address_key("203.0.113.8")
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff:2") != address_key("2001:db8:0:1::1")
    assert address_range(place_of("2001:db8::1")).text == "2001:db8::/64"
    assert address_range(place_of("::ffff:203.0.113.7")).text == address_range(place_of("203.0.113.7")).text
    assert address_key("") == address_key("/run/parley.sock") == "ip-"


@given(st.one_of(IPV4, IPV6).map(str))
def test_a_key_is_no_field_of_mongodb(address: str) -> None:
    """It has no dots and no dollars."""
    key = address_key(address)
    assert key.startswith("ip-")
    assert key[3:].isalnum()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("203.0.113.7/24", "203.0.113.0/24"),
        (" 2001:DB8::/48 ", "2001:db8::/48"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_reads_ranges(text: str, meant: str) -> None:
    """Bits beyond the length are dropped; one address is a range too."""
    assert address_range(text).text == meant


@pytest.mark.parametrize("text", ["", "x", "203.0.113.0/33", "1.2.3", "203.0.113.0/-1", "1/2/3"])
def test_refuses_what_is_no_range(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(BadRequest):
        address_range(text)


@given(st.one_of(IPV4, IPV6), st.integers(0, 128), st.one_of(IPV4, IPV6))
def test_a_range_holds_what_begins_like_it(first: object, length: int, other: object) -> None:
    """The table finds an address exactly in the ranges that hold it."""
    where = address_range(f"{first}/{min(length, getattr(first, 'max_prefixlen', 0))}")
    table: RangeTable[str] = RangeTable()
    table.put(where, "this")
    assert str(first) in where
    assert table.about(str(first)) == ["this"]
    assert (table.about(str(other)) == ["this"]) == (str(other) in where)


def test_finds_all_ranges_of_an_address() -> None:
    """Ranges may lie within each other; one that is taken out is found no more, and the others are."""
    table: RangeTable[str] = RangeTable()
    assert not table
    for text in ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32"):
        table.put(address_range(text), text)
    assert sorted(table.about("10.1.2.3")) == ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3"]
    assert table.about("2001:db8:1::1") == ["2001:db8::/32"]
    assert table.about("not an address") == []
    for text in ("10.1.0.0/16", "10.1.0.0/16", "10.1.2.3", "192.0.2.0/24"):
        table.discard(address_range(text))
    assert table.about("10.1.2.3") == ["10.0.0.0/8"]
    table.discard(address_range("10.0.0.0/8"))
    table.discard(address_range("2001:db8::/32"))
    assert not table
