"""Desks: the support desks as they are stored, and who is at them."""

import datetime
from collections.abc import Iterable

import msgspec
from pymongo import ASCENDING, UpdateOne
from pymongo.errors import PyMongoError

from chat.callers import Caller
from chat.database import STORED_FOR_GOOD, Database, Document, mongo_errors, unusable
from chat.desk import Agents, Desk, DeskFacts
from chat.desk import now as this_moment
from chat.errors import NotFound

NO_DESK = "There is no such desk."


class Desks:
    """The desks in the collection `desks`, all of them in memory too: rights are asked for with each message.

    Another process learns of changes when it `refresh`es. Which agents are there stands in `desk_presence`, for all
    processes: one counts as there for `linger` seconds after it was said. Calls that are awaited raise Unavailable
    while MongoDB is away.
    """

    def __init__(self, database: Database, *, linger: float) -> None:
        self._desks = database.get_collection("desks", **STORED_FOR_GOOD)
        self._presence = database.get_collection("desk_presence")
        self._linger = datetime.timedelta(seconds=linger)
        self._known: dict[str, Desk] = {}
        self._changes = 0
        self.agents = Agents()

    async def prepare(self) -> None:
        """Makes the index and reads what is stored; raises DatabaseError."""
        try:
            await self._presence.create_index([("until", ASCENDING)], expireAfterSeconds=60, name="until")
            self._know([_desk(document) async for document in self._desks.find({})])
        except PyMongoError as error:
            raise unusable(error) from None

    async def refresh(self) -> list[str]:
        """Reads what other processes may have changed; the names of the desks whose agents are others now."""
        while True:
            before = self._changes
            async with mongo_errors():
                found = [_desk(document) async for document in self._desks.find({})]
            if self._changes == before:  # else something was changed here while it was read
                return self._know(found)

    def _know(self, desks: Iterable[Desk]) -> list[str]:
        self._known = {desk.name: desk for desk in desks}
        return self.agents.know(self._known.values())

    # Who is who

    def all(self) -> list[Desk]:
        """Every desk, by its name."""
        return sorted(self._known.values(), key=lambda desk: desk.name)

    def get(self, name: str) -> Desk:
        """Raises NotFound."""
        desk = self._known.get(name)
        if desk is None:
            raise NotFound(NO_DESK)
        return desk

    async def is_there(self, name: str) -> bool:
        """Whether it is one of the desks still, whichever process may have removed it."""
        async with mongo_errors():
            return await self._desks.find_one({"_id": name}, {"_id": True}) is not None

    def to_serve(self, name: str, caller: Caller) -> Desk:
        """The desk of which the caller is an agent; raises NotFound, as for one that there is not.

        A bot's token that is for some rooms is for no desk but those whose agents' room is among them.
        """
        desk = self._known.get(name)
        if desk is None or not self._is_served(desk, caller):
            raise NotFound(NO_DESK)
        return desk

    def served_by(self, caller: Caller) -> list[Desk]:
        """The desks of which the caller is an agent, by their names."""
        return [desk for desk in self.all() if self._is_served(desk, caller)]

    def _is_served(self, desk: Desk, caller: Caller) -> bool:
        return self.agents.has(desk.name, caller.account) and (caller.scope is None or caller.scope.covers(desk.room))

    # Changing

    async def keep(self, desk: Desk) -> None:
        """Stores a desk, new or changed."""
        document: Document = msgspec.to_builtins(desk)
        document["_id"] = document.pop("name")
        async with mongo_errors():
            await self._desks.replace_one({"_id": desk.name}, document, upsert=True)
        self._changes += 1
        self._know([*(known for known in self._known.values() if known.name != desk.name), desk])

    async def remove(self, name: str) -> None:
        async with mongo_errors():
            await self._desks.delete_one({"_id": name})
            await self._presence.delete_many({"desk": name})
        self._changes += 1
        self._know([known for known in self._known.values() if known.name != name])

    # Who is there

    async def note_present(self, agents: Iterable[tuple[str, str]]) -> None:
        """Those agents (desk and account) are there."""
        until = this_moment() + self._linger
        updates = [
            UpdateOne({"_id": f"{desk} {agent}"}, {"$set": {"desk": desk, "until": until}}, upsert=True)
            for desk, agent in agents
        ]
        if updates:
            async with mongo_errors():
                await self._presence.bulk_write(updates, ordered=False)

    async def is_staffed(self, desk: Desk) -> bool:
        """Whether one of its agents is there."""
        which = {"_id": {"$in": [f"{desk.name} {agent}" for agent in desk.agents]}, "until": {"$gt": this_moment()}}
        async with mongo_errors():
            return await self._presence.find_one(which, {"_id": True}) is not None

    async def facts(self, name: str) -> DeskFacts:
        """What visitors may know; raises NotFound."""
        desk = self.get(name)
        is_there = desk.is_open(this_moment()) and await self.is_staffed(desk)
        return DeskFacts(
            name=desk.name,
            title=desk.title,
            greeting=desk.greeting,
            away=desk.away,
            state="open" if is_there else "away",
        )


def _desk(document: Document) -> Desk:
    return msgspec.convert({"name": document["_id"], **document}, Desk)
