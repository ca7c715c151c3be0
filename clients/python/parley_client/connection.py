"""The connection of a client: it carries several rooms over whichever transport gets through, comes back by itself
after a loss, and goes on where each room's cursor stands."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Literal

from parley_client.backoff import Backoff
from parley_client.errors import Closed, ParleyError, Refused, RoomLost, Unreachable
from parley_client.events import Ack, Deletion, Edit, Joined, Left, Message, Reaction, Read, Typing
from parley_client.ladder import CLIMB_AFTER, TransportLadder
from parley_client.outbox import PASSING, Outbox
from parley_client.outbox_file import OutboxFile
from parley_client.site import Site, room_path
from parley_client.subscription import Subscription, room_key
from parley_client.transport import LOST, Ended, Transport, TransportName
from parley_client.wire import Command, Error, ServerMessage, Subscribed, Telling, Unsubscribed

SOUND_AFTER = 5.0
"""A connection that has lasted so long counts as sound: the next loss is followed by an immediate try; in seconds."""

RESTART_SPREAD = 1.5
"""The bound of the random wait where the server says that it leaves, so that its clients spread out, in seconds."""

BUSY_WAIT = 5.0
"""How long to wait after 4429 where the server does not say it, in seconds."""

RESTARTS = (1001, 1012)
BROKEN = 4400
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
TOO_MUCH = 4429

State = Literal["connecting", "online", "reconnecting", "out", "closed"]
"""`out`: put out of all rooms; it connects again when something is wanted."""

log = logging.getLogger("parley_client")


class Connection:
    """Runs until the server says not to come back, or until it is cancelled. It is the owner of its transports."""

    def __init__(
        self,
        site: Site,
        *,
        transport: TransportName | None,
        outbox_limit: int,
        outbox_file: OutboxFile | None,
        on_state: Callable[[State], object] | None,
    ) -> None:
        self.site = site
        self.outbox = Outbox(self._say, limit=outbox_limit, file=outbox_file)
        self._state: State = "connecting"
        self._on_state = on_state
        self.closed: Closed | None = None
        self._ladder = TransportLadder(transport)
        self._backoff = Backoff()
        self._rooms: dict[str, Subscription] = {}
        self._transport: Transport | None = None
        self._ready_at: float | None = None
        self._wanted = asyncio.Event()

    @property
    def state(self) -> State:
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        if state != self._state:
            self._state = state
            if self._on_state is not None:
                self._on_state(state)

    @property
    def title(self) -> TransportName:
        """The transport in use."""
        return self._ladder.current.title

    def room(self, name: str) -> Subscription | None:
        return self._rooms.get(room_key(name))

    def subscribe(self, room: Subscription) -> None:
        """Receives a room from now on."""
        self._rooms[room.key] = room
        self._wanted.set()
        if self._transport is not None:
            self._transport.subscribe(room)

    def unsubscribe(self, room: Subscription) -> None:
        """Receives a room no longer."""
        if self._rooms.pop(room.key, None) is None:
            return
        room.end(None)
        if self._transport is not None:
            self._transport.unsubscribe(room)

    def tell(self, telling: Telling) -> None:
        """Says what passes; lost while there is no connection."""
        if self._transport is not None and self.state == "online":
            self._transport.send(telling)

    async def run(self) -> None:
        try:
            while True:
                self.state = "connecting"
                wait = await self._after(await self._one_connection())
                if wait is None:
                    await self._until_wanted()
                else:
                    self.state = "reconnecting"
                    await asyncio.sleep(wait)
        except Closed as error:
            self.close(error)

    def close(self, error: Closed) -> None:
        """The end, for all that waits for something."""
        if self.closed is None:
            self.state, self.closed = "closed", error
            for room in list(self._rooms.values()):
                room.end(error)
            self._rooms.clear()
            self.outbox.close(error)

    # As its transports see it

    def ready(self) -> None:
        self.state = "online"
        self._ready_at = time.monotonic()
        self._ladder.succeeded()
        self.outbox.start_afresh()
        log.info("connected over %s", self.title)

    def take(self, message: ServerMessage, *, entries_follow: bool = False) -> None:
        match message:
            case Message() | Edit() | Deletion() | Reaction():
                self._take_entry(message)
            case Ack():
                self.outbox.acknowledge(message.key, message)
            case Subscribed():
                room = self.room(message.room)
                if room is not None:
                    room.take_subscribed(message, entries_follow=entries_follow)
            case Joined() | Left() | Typing() | Read():
                room = self.room(message.room)
                if room is not None:
                    room.take_note(message)
            case Unsubscribed() if message.id is None:  # with one it is the answer to one's own wish
                self._lose(self.room(message.room), RoomLost("not_found", "The room is there no more."))
            case Error():
                self._take_error(message)
            case _:
                pass

    def _take_entry(self, entry: Message | Edit | Deletion | Reaction) -> None:
        room = self.room(entry.room)
        if room is not None:
            room.take_entry(entry)
        if entry.key:
            self.outbox.acknowledge(entry.key, Ack(room=entry.room, key=entry.key, seq=entry.seq, at=entry.at))

    def _take_error(self, error: Error) -> None:
        if error.key is not None:
            self.outbox.refuse(error)
            return
        # Only subscriptions carry an `id`, the room's name, so that an error can be laid at its door.
        room = self.room(str(error.id if error.id is not None else error.room or ""))
        if room is None:
            return
        if error.id is not None and error.code in PASSING:
            loop = asyncio.get_running_loop()
            loop.call_later(error.retry_after or 1.0, self._ask_again, room, self._transport)
        else:
            self._lose(room, RoomLost(error.code, error.reason, room=room.name))

    def _ask_again(self, room: Subscription, transport: Transport | None) -> None:
        if transport is not None and transport is self._transport and self.room(room.name) is room:
            transport.subscribe(room)

    def _lose(self, room: Subscription | None, error: ParleyError) -> None:
        if room is not None and self._rooms.pop(room.key, None) is not None:
            room.end(error)

    # Its life

    def _say(self, command: Command) -> bool:
        self._wanted.set()
        if self._transport is None or self.state != "online":
            return False
        self._transport.send(command)
        return True

    async def _one_connection(self) -> Ended | None:
        """Why it ended, or None where a better way is to be tried."""
        self._ready_at = None
        self._transport = self._ladder.current(self.site, lambda: list(self._rooms.values()), self)
        try:
            async with asyncio.timeout(CLIMB_AFTER if self._ladder.can_climb else None):
                await self._transport.run()
        except Ended as end:
            log.info("the connection over %s has ended: %s", self.title, end)
            return end
        except TimeoutError:
            self._ladder.climb()
            return None
        finally:
            self._transport = None
            self.state = "reconnecting"

    async def _after(self, end: Ended | None) -> float | None:
        """How long to wait after an end, in seconds, or None until something is wanted; raises Closed."""
        if end is None:
            return 0.0
        had_opened = self._ready_at is not None
        if self._ready_at is not None and time.monotonic() - self._ready_at > SOUND_AFTER:
            self._backoff.reset()
        if end.code == UNAUTHENTICATED:
            raise Closed(end.code, end.reason)
        if end.code in (FORBIDDEN, BROKEN):
            return await self._after_refusal(end, had_opened=had_opened)
        if end.code == TOO_MUCH:
            return BUSY_WAIT if end.error is None or end.error.retry_after is None else end.error.retry_after
        if end.code in RESTARTS:
            return max(self._backoff.next(), random.uniform(0, RESTART_SPREAD))
        if not had_opened and end.code == LOST:
            await self._diagnose()
        return self._backoff.next()

    async def _after_refusal(self, end: Ended, *, had_opened: bool) -> float | None:
        """A refusal is about rooms, unless the connection never opened and no request was made for them: then it is the
        end."""
        is_about_rooms = end.is_by_request or (end.code == FORBIDDEN and had_opened)
        has_lost = is_about_rooms and await self._lost_rooms(end)
        if not has_lost and (end.is_by_request or not is_about_rooms or not self._rooms):
            raise Closed(end.code, end.reason)
        return self._backoff.next() if self._rooms else None

    async def _lost_rooms(self, end: Ended) -> bool:
        """Goes on without the rooms that cannot be had, any more; false where there is none.

        Where it is not named, as of several rooms, each is asked for.
        """
        code = end.error.code if end.error else "forbidden"
        named = self.room(end.error.room) if end.error and end.error.room else None
        rooms = [named] if named else list(self._rooms.values())
        before = len(self._rooms)
        for room in rooms:
            error = Refused(code, end.reason) if len(rooms) == 1 else await self._refusal(room)
            if error is not None:
                self._lose(room, RoomLost(error.code, error.reason, room=room.name))
        return len(self._rooms) < before

    async def _refusal(self, room: Subscription) -> Refused | None:
        """Why a room cannot be had; None where it can, or where that is not known."""
        try:
            await self.site.call("GET", room_path(room.name))
        except Refused as error:
            return error if error.status in (400, 403, 404) else None
        except Unreachable:
            pass
        return None

    async def _diagnose(self) -> None:
        """If the session is good over plain HTTP the server is there, and the way to it that did not open is blocked;
        if the server is down, no other way would be open. Raises Closed."""
        try:
            await self.site.call("GET", "/api/session")
        except Refused as error:
            if error.status in (401, 409):
                raise Closed(UNAUTHENTICATED, error.reason) from error
            if error.status == 403:
                raise Closed(FORBIDDEN, error.reason) from error
        except Unreachable:
            pass
        else:
            self._ladder.failed()

    async def _until_wanted(self) -> None:
        self.state = "out"
        self._wanted.clear()
        if not self._rooms and not len(self.outbox):
            await self._wanted.wait()
