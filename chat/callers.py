"""Callers: who a request or a connection comes from, with all that their rights follow from."""

from collections.abc import Callable

import msgspec

from chat.addresses import address_key, address_range
from chat.names import room_key
from chat.people import User


class Scope(msgspec.Struct, frozen=True):
    """What a bot's token allows: `rooms` by their keys (none: all), and whether it may `write`."""

    rooms: frozenset[str] = frozenset()
    write: bool = True

    def covers(self, room: str) -> bool:
        return not self.rooms or room_key(room) in self.rooms


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """One who asks.

    `account` is the id of the account whose rights count: one's own, for a bot its maker's, for a guest none.
    `session` is the id of the session, by which it can be ended; a passing guest, who came by a name alone and is gone
    with the connection, has none. `until` is when it is over (milliseconds since the Unix epoch; 0: it is not known).
    `address` is where the request comes from.
    """

    user: User
    account: str = ""
    session: str = ""
    admin: bool = False
    passing: bool = False
    until: int = 0
    address: str = ""
    scope: Scope | None = None

    @property
    def id(self) -> str:
        """By which a room knows them: a bot's rights are those of its maker."""
        return self.account or self.user.id

    @property
    def marks(self) -> tuple[str, ...]:
        """By which a room knows those who were told off: guests by their address too, whatever their name is now; of
        somebody's bots each by itself as well."""
        if not self.account:
            return self.user.id, address_key(self.address)
        return (self.account,) if self.scope is None else (self.account, self.user.id)


class Whom(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which callers are meant, as data that can be told to another process: those for whom all that is given holds.

    `but` is a session that is not meant; without `bots` no bot is; `range` are addresses.
    """

    account: str = ""
    user: str = ""
    sessions: list[str] | None = None
    but: str = ""
    bots: bool = True
    range: str = ""

    @property
    def fits(self) -> Callable[[Caller], bool]:
        """Tells for one caller after the other whether they are meant."""
        where = address_range(self.range) if self.range else None

        def fits(caller: Caller) -> bool:
            return (
                (not self.account or caller.account == self.account)
                and (not self.user or caller.user.id == self.user)
                and (self.sessions is None or caller.session in self.sessions)
                and (not self.but or caller.session != self.but)
                and (self.bots or caller.scope is None)
                and (where is None or caller.address in where)
            )

        return fits
