"""What the query of an address says, read as it was sent."""

from collections.abc import Mapping, Sequence
from typing import overload

from chat.errors import BadRequest


class Arguments:
    """The arguments of a query by their names.

    Tornado's own way costs a tenth of a poll: it cleans and strips values that are checked here anyway.
    """

    __slots__ = ("_given",)

    def __init__(self, given: Mapping[str, Sequence[bytes]]) -> None:
        self._given = given

    def all(self, name: str) -> list[str]:
        """All values of an argument; raises BadRequest."""
        try:
            return [value.decode() for value in self._given.get(name, ())]
        except UnicodeDecodeError:
            raise BadRequest(f"{name} is not UTF-8.") from None

    @overload
    def number(self, name: str, default: int, *, least: int, most: int | None = None) -> int: ...

    @overload
    def number(self, name: str, default: None, *, least: int, most: int | None = None) -> int | None: ...

    def number(self, name: str, default: int | None, *, least: int, most: int | None = None) -> int | None:
        """The whole number that an argument is, at most `most`; raises BadRequest."""
        given = self.all(name)
        if not given:
            return default
        value = whole(name, given[-1], least)
        return value if most is None else min(value, most)


def whole(name: str, text: str, least: int) -> int:
    """The whole number in an argument; raises BadRequest if it is none or below `least`."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 16:
        raise BadRequest(f"{name} must be a whole number.")
    if int(text) < least:
        raise BadRequest(f"{name} must be at least {least}.")
    return int(text)
