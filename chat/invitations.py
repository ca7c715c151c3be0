"""Invitations: links that let people into private and secret-link rooms, for a time and a number of uses."""

import asyncio
import datetime
import secrets
from typing import Annotated

import msgspec
from msgspec import Meta
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import PyMongoError

from chat.access import Access
from chat.addresses import address_key
from chat.attempts import Attempts
from chat.callers import Caller
from chat.database import DURABLE, Database, Document, mongo_errors, unusable
from chat.entries import Author
from chat.errors import BadRequest, ChatError, Forbidden, NotFound, Unauthenticated
from chat.limits import RoomLimits
from chat.members import Members
from chat.policy import Policy
from chat.registry import RoomRegistry
from chat.room import Room
from chat.secret_tokens import new_secret, secret_hash
from chat.times import now

HOUR = 3_600_000
"""Milliseconds."""


class NewInvitation(msgspec.Struct, forbid_unknown_fields=True):
    """How long it is to hold, and for how many people; 0 has no end."""

    hours: Annotated[int, Meta(ge=0)] = 24
    uses: Annotated[int, Meta(ge=0)] = 1


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """One invitation to the room of that key, name and epoch. `until` and `made` are milliseconds since the Unix epoch;
    without an end `until` is 0. `uses` are those left, or None for any number.

    `ruling`: made by an administrator, who need not belong to the room.
    """

    id: str
    room: str
    name: str
    epoch: str
    made: int
    until: int
    uses: int | None
    by: Author
    ruling: bool = False

    def holds_in(self, room: Room) -> bool:
        """Whether it is for this room, and whoever made it might still make it."""
        policy = room.policy
        if room.over or room.epoch != self.epoch or policy.access not in ("private", "link"):
            return False
        member = policy.members.get(self.by.id)
        if member is None:
            return self.ruling
        return policy.access == "link" or member.role != "member"


class Invitations:
    """Invitations in the collection `invitations`. A token is stored as its hash alone, and told once.

    Calls raise Unavailable while MongoDB is away.
    """

    def __init__(
        self,
        database: Database,
        *,
        registry: RoomRegistry,
        access: Access,
        members: Members,
        attempts: Attempts,
        limits: RoomLimits,
    ) -> None:
        self._invitations = database.get_collection("invitations", write_concern=DURABLE)
        self._registry = registry
        self._access = access
        self._members = members
        self._attempts = attempts
        self._limits = limits
        # One who comes twice at the same moment uses up one use, and not for a while another's.
        self._accepting = asyncio.Lock()

    async def prepare(self) -> None:
        """Makes the indexes; MongoDB itself removes those that are too old. Raises DatabaseError."""
        try:
            await self._invitations.create_index([("hash", ASCENDING)], unique=True, name="hash")
            await self._invitations.create_index([("room", ASCENDING), ("made", DESCENDING)], name="room")
            await self._invitations.create_index([("expires", ASCENDING)], expireAfterSeconds=0, name="expires")
        except PyMongoError as error:
            raise unusable(error) from None

    # For those who invite

    async def make(self, name: str, wanted: NewInvitation, caller: Caller) -> tuple[Invitation, str]:
        """A new invitation to a room, and its token, which nobody is told again; raises ChatError."""
        room = await self._access.to_invite(name, caller)
        if wanted.hours > self._limits.invitation_hours:
            raise BadRequest(f"An invitation holds {self._limits.invitation_hours} hours at most, or 0 for ever.")
        if wanted.uses > self._limits.members_limit:
            raise BadRequest(f"A room has {self._limits.members_limit} members at most; 0 uses are any number.")
        if len(await self._open(room)) >= self._limits.invitations_limit:
            raise Forbidden(f"There are {self._limits.invitations_limit} invitations already: revoke one first.")
        made = now()
        invitation = Invitation(
            id=secrets.token_hex(8),
            room=room.key,
            name=room.name,
            epoch=room.epoch,
            made=made,
            until=made + wanted.hours * HOUR if wanted.hours else 0,
            uses=wanted.uses or None,
            by=Author(caller.id, caller.user.name),
            ruling=caller.id not in room.policy.members,
        )
        token = new_secret()
        async with mongo_errors():
            await self._invitations.insert_one(_document(invitation, secret_hash(token)))
        return invitation, token

    async def of(self, name: str, caller: Caller) -> list[Invitation]:
        """The open invitations to a room, the latest first: for moderators all, for others their own."""
        room = await self._access.to_invite(name, caller)
        moderates = self._access.rights(room, caller).moderate
        return [each for each in await self._open(room) if moderates or each.by.id == caller.id]

    async def revoke(self, name: str, id: str, caller: Caller) -> None:
        """It lets nobody in any more; raises NotFound and other ChatErrors."""
        if id not in {invitation.id for invitation in await self.of(name, caller)}:
            raise NotFound("There is no such invitation.")
        async with mongo_errors():
            await self._invitations.delete_one({"_id": id})

    async def erase(self, room: str) -> None:
        """Removes all invitations to the room of that key."""
        async with mongo_errors():
            await self._invitations.delete_many({"room": room})

    async def _open(self, room: Room) -> list[Invitation]:
        async with mongo_errors():
            cursor = self._invitations.find({"room": room.key, "epoch": room.epoch, **_open_now()})
            found = await cursor.sort("made", DESCENDING).to_list(None)
        return [each for each in map(_invitation, found) if each.holds_in(room)]

    # For those who are invited

    async def room(self, token: str, address: str) -> Room:
        """The room to which a token invites; raises NotFound, and RateLimited for one who tries too many.

        It is the same for a token that never was, one that is used up, too old or revoked, and a room that is gone.
        """
        return (await self._find(token, address))[1]

    async def accept(self, token: str, caller: Caller) -> Room:
        """The room, of which the caller is a member from now on; raises ChatError. Who is one already uses up
        nothing."""
        invitation, room = await self._find(token, caller.address)
        async with self._accepting:
            if caller.id not in room.policy.members or caller.scope is not None:
                await self._let_in(invitation, room, caller)
        return room

    async def _let_in(self, invitation: Invitation, room: Room, caller: Caller) -> None:
        _check_guest(room.policy, caller)
        if self._access.is_banned(room, caller):
            raise Forbidden("You are banned from this room.")
        await self._use(invitation)
        try:
            await self._members.enter(room, Author(caller.id, caller.user.name))
        except ChatError:
            await self._give_back(invitation)
            raise

    async def _find(self, token: str, address: str) -> tuple[Invitation, Room]:
        try:
            async with self._attempts.trying(f"invitation {address_key(address)}"):
                return await self._valid(token)
        except Unauthenticated:
            raise _none() from None

    async def _valid(self, token: str) -> tuple[Invitation, Room]:
        """Raises Unauthenticated for a token that lets nobody in."""
        async with mongo_errors():
            found = await self._invitations.find_one({"hash": secret_hash(token), **_open_now()})
        if found is not None:
            invitation = _invitation(found)
            try:
                room = await self._registry.find(invitation.name)
            except NotFound:
                raise Unauthenticated("Its room is gone.") from None
            if invitation.holds_in(room):
                return invitation, room
        raise Unauthenticated("It lets nobody in.")

    async def _use(self, invitation: Invitation) -> None:
        """Takes one use; raises NotFound if there is none left by now."""
        which = {"_id": invitation.id, **_open_now()}
        async with mongo_errors():
            if invitation.uses is None:
                found = await self._invitations.find_one(which)
            else:
                found = await self._invitations.find_one_and_update(which, {"$inc": {"uses": -1}})
        if found is None:
            raise _none()

    async def _give_back(self, invitation: Invitation) -> None:
        if invitation.uses is not None:
            async with mongo_errors():
                await self._invitations.update_one({"_id": invitation.id}, {"$inc": {"uses": 1}})


def _none() -> NotFound:
    return NotFound("There is no such invitation.")


def _check_guest(policy: Policy, caller: Caller) -> None:
    """Raises Forbidden or Unauthenticated for one who cannot be a member."""
    if caller.scope is not None:
        raise Forbidden("A bot accepts no invitations: its maker does.")
    if not caller.account and policy.access == "private":
        raise Forbidden("An account is needed for this room: register, or sign in with a password.")
    if caller.passing:
        raise Unauthenticated("Sign in first: a guest who is gone with the connection belongs to no room.")


def _open_now() -> Document:
    """Which invitations let somebody in at this moment."""
    return {
        "$and": [{"$or": [{"uses": None}, {"uses": {"$gt": 0}}]}, {"$or": [{"until": 0}, {"until": {"$gt": now()}}]}]
    }


def _document(invitation: Invitation, hash: str) -> Document:
    document: Document = msgspec.to_builtins(invitation)
    document["_id"] = document.pop("id")
    document["hash"] = hash
    if invitation.until:
        document["expires"] = datetime.datetime.fromtimestamp(invitation.until / 1000, datetime.UTC)
    return document


def _invitation(document: Document) -> Invitation:
    return msgspec.convert({"id": document["_id"], **document}, Invitation)
