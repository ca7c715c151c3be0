"""Staff messages: what moderators say to everybody in their room, and administrators in all rooms.

They are entries like any message, so that nobody misses them, of a kind that clients cannot send themselves.
"""

import uuid
from typing import Annotated

import msgspec
from msgspec import Meta

from chat.access import Access
from chat.audit import Audit
from chat.callers import Caller
from chat.changes import Changes
from chat.entries import Entry
from chat.errors import ChatError, Unavailable
from chat.limits import Limits
from chat.protocol import check_text
from chat.rates import Rates
from chat.registry import RoomRegistry
from chat.room import Room
from chat.times import now

STAFF = "staff"
# Rooms in which something was said within this time (milliseconds) are told too, if nobody is in them at the moment.
LATELY = 3_600_000
UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class StaffMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said; sent again with its `key`, it is said once."""

    text: str
    key: Annotated[str, Meta(pattern=UUID)] | None = None


class Staff:
    """Says it. Each message is in the audit log, without its text."""

    def __init__(
        self, *, registry: RoomRegistry, access: Access, changes: Changes, audit: Audit, rates: Rates, limits: Limits
    ) -> None:
        self._registry = registry
        self._access = access
        self._changes = changes
        self._audit = audit
        self._rates = rates
        self._limits = limits

    async def tell_room(self, name: str, message: StaffMessage, caller: Caller) -> Entry:
        """To one room, by those who moderate it; raises ChatError."""
        check_text(message.text, self._limits)
        self._rates.change(caller)
        room = await self._access.to_moderate(name, caller)
        async with self._audit.noted(caller, STAFF, room=room):
            return await self._tell(room, message, caller)

    async def tell_all(self, message: StaffMessage, caller: Caller) -> int:
        """To the rooms that are in use: those in this process's memory, and open ones in which something was said
        lately. Not to direct conversations, and those with support desks. How many they were; raises ChatError."""
        check_text(message.text, self._limits)
        self._rates.change(caller)
        message = msgspec.structs.replace(message, key=message.key or str(uuid.uuid4()))
        lately = now() - LATELY
        records = await self._registry.rooms(self._limits.rooms_limit)
        names = {record.key: record.name for record in records if record.active >= lately}
        names |= {room.key: room.name for room in self._registry if room.stored and room.policy.access != "direct"}
        told = 0
        async with self._audit.noted(caller, STAFF, rooms=len(names)):
            for name in names.values():
                try:
                    await self._tell(await self._registry.find(name), message, caller)
                    told += 1
                except Unavailable:
                    raise
                except ChatError:  # it has just been deleted
                    continue
        return told

    async def _tell(self, room: Room, message: StaffMessage, caller: Caller) -> Entry:
        with room.held():
            data = {"text": message.text}
            return await self._changes.announce(room, caller.user.author, STAFF, data, key=message.key)
