"""Internet addresses: what counts as one place, and ranges of them."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Generic, NamedTuple, TypeVar

from chat.errors import BadRequest

T = TypeVar("T")

# A household or a server is given at least this much of IPv6 and may use any address in it (RFC 6177), so it counts as
# one place.
PLACE_IPV6 = 64


class Number(NamedTuple):
    """An address as a number of 32 or 128 bits."""

    value: int
    bits: int


@lru_cache(maxsize=4096)  # a client's address is looked at with each of its requests
def number_of(address: str) -> Number | None:
    """None for what is no address, like that of a client on a Unix socket. IPv4 within IPv6 counts as IPv4."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    return Number(int(found), found.max_prefixlen)


@lru_cache(maxsize=4096)
def address_key(address: str) -> str:
    """What all addresses of one place have in common; it has no dots, and is no id of a person."""
    number = number_of(address)
    if number is None:
        return "ip-"
    if number.bits == 32:
        return f"ip-{number.value:08x}"
    return f"ip-{number.value >> PLACE_IPV6:016x}"


def place_of(address: str) -> str:
    """The range of all addresses of that one's place."""
    number = number_of(address)
    return f"{address}/{PLACE_IPV6}" if number is not None and number.bits == 128 else address


class Range(NamedTuple):
    """The addresses that begin with the same `length` bits."""

    prefix: int
    length: int
    bits: int
    text: str

    def __contains__(self, address: object) -> bool:
        number = number_of(address) if isinstance(address, str) else None
        return (
            number is not None and number.bits == self.bits and number.value >> self.bits - self.length == self.prefix
        )


def address_range(text: str) -> Range:
    """The range in CIDR notation (RFC 4632), or of one address; raises BadRequest."""
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise BadRequest("A range of addresses is written like 203.0.113.0/24 or 2001:db8::/48.") from None
    first, bits, length = network.network_address, network.max_prefixlen, network.prefixlen
    if isinstance(first, IPv6Address) and first.ipv4_mapped is not None:
        return address_range(f"{first.ipv4_mapped}/{length - 96}")
    return Range(int(first) >> bits - length, length, bits, str(network))


class RangeTable(Generic[T]):
    """Something about each of many ranges; looking an address up costs a step for each length of range there is."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[int, int], dict[int, T]] = {}

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def put(self, where: Range, what: T) -> None:
        self._ranges.setdefault((where.bits, where.length), {})[where.prefix] = what

    def discard(self, where: Range) -> None:
        """Harmless when repeated."""
        same = self._ranges.get((where.bits, where.length), {})
        same.pop(where.prefix, None)
        if not same:
            self._ranges.pop((where.bits, where.length), None)

    def about(self, address: str) -> list[T]:
        """What is known of the ranges that hold an address."""
        number = number_of(address)
        if number is None:
            return []
        return [
            same[number.value >> bits - length]
            for (bits, length), same in self._ranges.items()
            if bits == number.bits and number.value >> bits - length in same
        ]
