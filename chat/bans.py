"""Bans from the whole server: accounts, and ranges of addresses."""

import time
from collections.abc import Callable

import msgspec
from pymongo.errors import PyMongoError

from chat.addresses import RangeTable, address_range
from chat.bus import Bus, LocalBus
from chat.callers import Whom
from chat.clients import Clients
from chat.database import STORED_FOR_GOOD, Database, mongo_errors, unusable
from chat.entries import Author
from chat.errors import BadRequest, Forbidden, NotFound
from chat.notes import BanChanged
from chat.policy import Sanction, left_of, until_text
from chat.protocol import CloseCode


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is an account's, or a range of addresses in CIDR notation. Times are milliseconds since the Unix epoch."""

    id: str
    name: str
    until: int
    reason: str
    at: int
    by: Author

    def holds(self, now: int) -> bool:
        return Sanction(self.name, self.until).holds(now)


class Bans:
    """The bans in the collection `bans`, all of them in memory too: they are looked at with each request.

    At most `limit` ranges are kept. Calls that change something raise Unavailable while MongoDB is away.
    """

    def __init__(
        self,
        database: Database,
        clients: Clients,
        *,
        limit: int,
        wall: Callable[[], float] = time.time,
        bus: Bus | None = None,
    ) -> None:
        self._clients = clients
        self._bus = bus or LocalBus()
        self._bans = database.get_collection("bans", **STORED_FOR_GOOD)
        self._limit = limit
        self._wall = wall
        self._accounts: dict[str, Ban] = {}
        self._ranges: dict[str, Ban] = {}
        self._table: RangeTable[Ban] = RangeTable()

    async def prepare(self) -> None:
        """Reads what is stored; raises DatabaseError."""
        try:
            await self._read()
        except PyMongoError as error:
            raise unusable(error) from None

    async def read_anew(self) -> None:
        """What other processes may have decided; raises Unavailable."""
        known = {*self._accounts, *self._ranges}
        async with mongo_errors():
            found = await self._read()
        for id in known - found:
            self._forget(id)

    async def _read(self) -> set[str]:
        found = set()
        async for document in self._bans.find({}):
            self._keep(msgspec.convert({"id": document["_id"], **document}, Ban))
            found.add(document["_id"])
        return found

    # Who is banned

    def check_address(self, address: str) -> None:
        """Raises Forbidden for an address in a banned range."""
        if not self._table:
            return
        now = self._now()
        for ban in self._table.about(address):
            if ban.holds(now):
                raise Forbidden(_sentence("Your address is banned", ban), retry_after=left_of(ban.until, now))

    def check_account(self, account: str) -> None:
        """Raises Forbidden for a banned account."""
        ban = self.of_account(account)
        if ban is not None:
            raise Forbidden(_sentence("This account is banned", ban), retry_after=left_of(ban.until, self._now()))

    def of_account(self, account: str) -> Ban | None:
        """The ban that holds for an account now."""
        ban = self._accounts.get(account)
        return ban if ban is not None and ban.holds(self._now()) else None

    def ranges(self) -> list[Ban]:
        """The banned ranges, the latest first."""
        now = self._now()
        return sorted((ban for ban in self._ranges.values() if ban.holds(now)), key=lambda ban: -ban.at)

    # Banning

    async def ban_account(self, account: Author, by: Author, *, seconds: int, reason: str) -> Ban:
        return await self._store(self._ban(account.id, account.name, by, seconds, reason))

    async def ban_range(self, text: str, by: Author, *, seconds: int, reason: str) -> Ban:
        """Raises BadRequest for what is no range, and when there are too many."""
        where = address_range(text).text
        if where not in self._ranges and len(self._ranges) >= self._limit:
            raise BadRequest(f"There are {self._limit} banned ranges already; lift one, or ban a wider one.")
        return await self._store(self._ban(where, where, by, seconds, reason))

    async def lift(self, which: str) -> None:
        """Ends the ban of an account; raises NotFound if there is none."""
        await self._lift(which, self._accounts)

    async def lift_range(self, text: str) -> None:
        """Ends the ban of exactly that range; raises NotFound, BadRequest."""
        await self._lift(address_range(text).text, self._ranges)

    async def drop_expired(self) -> None:
        """Forgets bans that are over."""
        now = self._now()
        over = [ban for ban in (*self._accounts.values(), *self._ranges.values()) if not ban.holds(now)]
        if not over:
            return
        async with mongo_errors():
            await self._bans.delete_many({"until": {"$gt": 0, "$lte": now}})
        for ban in over:  # unless it was given anew meanwhile
            if self._accounts.get(ban.id) is ban:
                del self._accounts[ban.id]
            elif self._ranges.get(ban.id) is ban:
                self._forget(ban.id)

    def _ban(self, id: str, name: str, by: Author, seconds: int, reason: str) -> Ban:
        now = self._now()
        return Ban(id=id, name=name, until=now + seconds * 1000 if seconds else 0, reason=reason, at=now, by=by)

    async def _store(self, ban: Ban) -> Ban:
        fields = msgspec.to_builtins(ban)
        async with mongo_errors():
            await self._bans.replace_one({"_id": fields.pop("id")}, fields, upsert=True)
        self._keep(ban)
        self._bus.tell(BanChanged(ban.id))
        self._put_out(ban)
        return ban

    def _put_out(self, ban: Ban) -> None:
        """Nobody from a banned range stays; an account's sessions are ended by whoever bans it."""
        if _is_range(ban.id):
            whom = Whom(range=ban.id)
            self._clients.end(whom.fits, Forbidden("Your address is banned."), CloseCode.NOT_ALLOWED)

    async def changed(self, id: str) -> None:
        """Reads anew what another process has decided; raises Unavailable."""
        async with mongo_errors():
            document = await self._bans.find_one({"_id": id})
        if document is None:
            self._forget(id)
        else:
            ban = msgspec.convert({"id": id, **document}, Ban)
            self._keep(ban)
            self._put_out(ban)

    def _forget(self, id: str) -> None:
        self._accounts.pop(id, None)
        if self._ranges.pop(id, None) is not None:
            self._table.discard(address_range(id))

    def _keep(self, ban: Ban) -> None:
        if _is_range(ban.id):
            self._ranges[ban.id] = ban
            self._table.put(address_range(ban.id), ban)
        else:
            self._accounts[ban.id] = ban

    async def _lift(self, which: str, kept: dict[str, Ban]) -> None:
        if which not in kept:
            raise NotFound("There is no such ban.")
        async with mongo_errors():
            await self._bans.delete_one({"_id": which})
        self._forget(which)
        self._bus.tell(BanChanged(which))

    def _now(self) -> int:
        return int(self._wall() * 1000)


def _is_range(id: str) -> bool:
    return "/" in id


def _sentence(what: str, ban: Ban) -> str:
    reason = f": {ban.reason}" if ban.reason else ""
    return f"{what}{until_text(ban.until)}{reason}."
