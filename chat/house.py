"""House: the rooms, and all that goes with having rooms. Its parts, joined."""

from dataclasses import dataclass

from chat.access import Access
from chat.audit import Audit
from chat.board_store import BoardStore
from chat.boards import Boards
from chat.bus import Bus
from chat.commit import GroupCommit
from chat.database import Database, DatabaseError
from chat.direct import Direct
from chat.errors import Unavailable
from chat.history import History
from chat.identity import Identity
from chat.invitations import Invitations
from chat.lifetimes import Lifetimes, LifetimeTable
from chat.limits import BoardLimits, RoomLimits
from chat.members import Members
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.rooms import Rooms


@dataclass(frozen=True, kw_only=True)
class House:
    """One of each."""

    rooms: Rooms
    members: Members
    invitations: Invitations
    direct: Direct
    lifetimes: Lifetimes
    boards: Boards

    async def prepare(self) -> None:
        """Makes the indexes, and takes up what an earlier server has left; raises DatabaseError."""
        await self.invitations.prepare()
        await self.boards.prepare()
        try:
            await self.lifetimes.recover()
        except Unavailable as error:
            raise DatabaseError(f"the rooms cannot be read: {error.__cause__}") from None


def make_house(
    database: Database,
    *,
    access: Access,
    audit: Audit,
    board: BoardLimits,
    bus: Bus,
    commit: GroupCommit,
    history: History,
    identity: Identity,
    limits: RoomLimits,
    lifetimes: LifetimeTable,
    rates: Rates,
    registry: RoomRegistry,
) -> House:
    """The parts, which all work on the same rooms."""
    ending = Lifetimes(history, registry, commit, lifetimes, bus=bus)
    members = Members(
        registry=registry, access=access, accounts=identity.accounts, lifetimes=ending, audit=audit, limits=limits
    )
    invitations = Invitations(
        database, registry=registry, access=access, members=members, attempts=identity.attempts, limits=limits
    )
    boards = Boards(BoardStore(database), history, registry, board)
    ending.also_erase(invitations.erase)
    ending.also_erase(boards.erase)
    ending.also_forget(boards.forget)
    identity.erasure.also(members.forget)
    identity.departures.also(members.hand_over)
    return House(
        rooms=Rooms(registry=registry, access=access, lifetimes=ending, audit=audit, rates=rates, limits=limits),
        members=members,
        invitations=invitations,
        direct=Direct(registry, members, rates),
        lifetimes=ending,
        boards=boards,
    )
