"""Reception: the support desks, and all that goes with them. Its parts, joined."""

from dataclasses import dataclass

from chat.access import Access
from chat.audit import Audit
from chat.bus import Bus
from chat.changes import Changes
from chat.conversations import Conversations
from chat.desk_keeping import DeskKeeping
from chat.desks import Desks
from chat.history import History
from chat.house import House
from chat.identity import Identity
from chat.limits import DeskLimits, Limits
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.support import Support


@dataclass(frozen=True, kw_only=True)
class Reception:
    """One of each."""

    conversations: Conversations
    desks: Desks
    keeping: DeskKeeping
    support: Support

    async def prepare(self) -> None:
        """Makes the indexes, and reads which desks there are; raises DatabaseError."""
        await self.conversations.prepare()
        await self.desks.prepare()

    async def upkeep(self) -> None:
        """Takes up what other processes have changed, and tells them which agents are here; raises Unavailable."""
        await self.keeping.refresh()
        await self.support.note_present()


def make_reception(
    desks: Desks,
    conversations: Conversations,
    *,
    access: Access,
    audit: Audit,
    bus: Bus,
    changes: Changes,
    desk_limits: DeskLimits,
    history: History,
    house: House,
    identity: Identity,
    limits: Limits,
    rates: Rates,
    registry: RoomRegistry,
) -> Reception:
    """The parts, which all work on the same rooms and accounts."""
    house.lifetimes.also_erase(conversations.erase)
    keeping = DeskKeeping(
        desks=desks,
        conversations=conversations,
        registry=registry,
        access=access,
        changes=changes,
        accounts=identity.accounts,
        audit=audit,
        bus=bus,
        lifetimes=house.lifetimes,
        limits=desk_limits,
    )
    support = Support(
        desks=desks,
        conversations=conversations,
        registry=registry,
        changes=changes,
        history=history,
        lifetimes=house.lifetimes,
        rates=rates,
        limits=limits,
        desk_limits=desk_limits,
    )
    return Reception(conversations=conversations, desks=desks, keeping=keeping, support=support)
