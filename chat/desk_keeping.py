"""Desk keeping: administrators make desks, change them and end them."""

import contextlib

import msgspec

from chat.access import Access
from chat.accounts import Accounts
from chat.audit import Audit
from chat.bus import Bus
from chat.callers import Caller
from chat.changes import Changes
from chat.conversations import Conversations
from chat.desk import Desk, DeskSettings, check_zone, desk_name
from chat.desks import Desks
from chat.entries import Author
from chat.errors import BadRequest, Forbidden, NotFound
from chat.lifetimes import Lifetimes
from chat.limits import DeskLimits
from chat.names import room_title
from chat.notes import DeskChanged
from chat.policy import Policy
from chat.registry import RoomRegistry
from chat.times import now

# How long the agents' room keeps what it tells (days): the state of conversations stands elsewhere, this is news.
NEWS_DAYS = 7
ERASED_AT_ONCE = 100


class DeskKeeping:
    """Carries out what administrators decide about desks. Each act is in the audit log before it is done."""

    def __init__(
        self,
        *,
        desks: Desks,
        conversations: Conversations,
        registry: RoomRegistry,
        access: Access,
        changes: Changes,
        accounts: Accounts,
        audit: Audit,
        bus: Bus,
        lifetimes: Lifetimes,
        limits: DeskLimits,
    ) -> None:
        self._desks = desks
        self._conversations = conversations
        self._registry = registry
        self._access = access
        self._changes = changes
        self._accounts = accounts
        self._audit = audit
        self._bus = bus
        self._lifetimes = lifetimes
        self._limits = limits

    async def put(self, name: str, wanted: DeskSettings, caller: Caller) -> tuple[Desk, bool]:
        """A desk with these settings, and whether it is new; raises BadRequest, Unavailable. Who is no agent of it any
        more is out of its conversations when it returns."""
        wanted = await self._checked(wanted)
        known = next((desk for desk in self._desks.all() if desk.name == desk_name(name)), None)
        if known is None and len(self._desks.all()) >= self._limits.desks_limit:
            raise BadRequest(f"A server has at most {self._limits.desks_limit} desks.")
        people = await self._people(wanted.agents)
        async with self._audit.noted(caller, "desk", name=name, agents=len(people)):
            if known is None:
                policy = Policy(access="direct", read_only=True, days=NEWS_DAYS, desk=name)
                room, made = (await self._registry.make(None, wanted.title, policy)).name, now()
            else:
                room, made = known.room, known.made
            fields = {field: getattr(wanted, field) for field in DeskSettings.__struct_fields__}
            ids = [person.id for person in people]
            desk = Desk(**fields | {"agents": ids}, name=name, room=room, made=made, people=people)
            await self._desks.keep(desk)
        self._changed(name)
        if known is not None:
            await self._changes.announce(await self._registry.find(room), caller.user.author, "desk.changed", {})
        return desk, known is None

    async def _checked(self, wanted: DeskSettings) -> DeskSettings:
        check_zone(wanted.zone)
        return msgspec.structs.replace(wanted, title=room_title(wanted.title))

    async def _people(self, agents: list[str]) -> list[Author]:
        """The accounts of these ids or names; raises BadRequest for one that there is not."""
        found: dict[str, Author] = {}
        for who in agents:
            account = await self._accounts.by_id(who) or await self._accounts.by_name(who)
            if account is None:
                raise BadRequest(f"There is no account called {who}.")
            found[account.id] = account.user.author
        return list(found.values())

    def settings(self, name: str, caller: Caller) -> Desk:
        """The whole desk, for its agents and for administrators; raises NotFound."""
        if caller.admin and caller.scope is None:
            return self._desks.get(name)
        return self._desks.to_serve(name, caller)

    async def remove(self, name: str, caller: Caller) -> None:
        """The desk is no more, and nothing is left of its conversations; raises NotFound, Unavailable."""
        desk = self._desks.get(name)
        async with self._audit.noted(caller, "delete_desk", name=name):
            await self._erase_all(name)
            with contextlib.suppress(NotFound):
                await self._lifetimes.delete(await self._registry.find(desk.room))
            await self._desks.remove(name)
            self._changed(name)
            await self._erase_all(name)  # what was begun meanwhile; what is begun from now on takes itself back

    async def _erase_all(self, name: str) -> None:
        while some := await self._conversations.some(name, ERASED_AT_ONCE):
            for conversation in some:
                await self._erase(conversation.id)

    async def erase(self, id: str, caller: Caller) -> None:
        """Nothing is left of a conversation; raises NotFound, Unavailable."""
        conversation = await self._conversations.get(id)
        if not caller.admin or caller.scope is not None:
            raise Forbidden("Only administrators may do that.")
        async with self._audit.noted(caller, "delete_conversation", target=conversation.visitor):
            await self._erase(conversation.id)

    async def _erase(self, id: str) -> None:
        with contextlib.suppress(NotFound):
            await self._lifetimes.delete(await self._registry.find(id))
        await self._conversations.erase(id)

    async def refresh(self) -> None:
        """Takes up what other processes have changed; raises Unavailable."""
        for name in await self._desks.refresh():
            self.enforce(name)

    def _changed(self, name: str) -> None:
        self.enforce(name)
        self._bus.tell(DeskChanged(name))

    def enforce(self, name: str) -> None:
        """Puts out whoever is in a room of the desk and may not be there any more."""
        for room in list(self._registry):
            if room.policy.desk == name:
                self._access.enforce(room)
