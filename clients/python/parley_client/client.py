"""The client: who one is, and the rooms one is in."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import msgspec

from parley_client.connection import Connection, State
from parley_client.errors import Closed, Refused, Unreachable
from parley_client.events import Ack, Cursor, RoomLine, User
from parley_client.outbox_file import OutboxFile
from parley_client.room import Room
from parley_client.site import Query, Site
from parley_client.speech import Speech
from parley_client.subscription import Subscription
from parley_client.transport import TransportName
from parley_client.wire import decode_as

CLOSE_WITHIN = 5.0
"""Seconds that what is said but not acknowledged has when the client closes."""

HISTORY = 50
"""Messages that a newcomer is shown."""

log = logging.getLogger("parley_client")


class _Session(msgspec.Struct):
    user: User
    token: str = ""


class _Rooms(msgspec.Struct):
    rooms: list[RoomLine]


class Client:
    """One person's connection to a server of Parley, for as long as it is entered.

    `address` is like "https://chat.example.org". Who one is: a guest with `name`, an account with `name` and
    `password`, or whom a `token` names (that of a bot, or of a session). `transport` takes one way and no other;
    without it the best one that is not blocked is taken. `outbox` names a file in which what is not acknowledged
    outlives the process. `outbox_limit` commands may wait to be acknowledged, and `queue_limit` events of a room to be
    taken by its reader. `on_state` is called with the state whenever it changes.
    """

    def __init__(
        self,
        address: str,
        *,
        name: str | None = None,
        password: str | None = None,
        token: str | None = None,
        transport: TransportName | None = None,
        outbox: str | Path | None = None,
        outbox_limit: int = 10_000,
        queue_limit: int = 10_000,
        ssl: SSLContext | None = None,
        on_state: Callable[[State], object] | None = None,
    ) -> None:
        if (name is None) == (token is None):
            raise ValueError("either a name or a token says who one is")
        self._site = Site(address, token=token, ssl=ssl)
        self._sign_in = None if name is None else {"name": name} | ({} if password is None else {"password": password})
        self._transport = transport
        self._outbox = None if outbox is None else OutboxFile(Path(outbox))
        self._outbox_limit = outbox_limit
        self._queue_limit = queue_limit
        self._on_state = on_state
        self._connection: Connection | None = None
        self._running: asyncio.Task[None] | None = None
        self._user: User | None = None
        self._joined: dict[str, tuple[Subscription, Room]] = {}

    async def __aenter__(self) -> Self:
        """Signs in and connects; raises Refused (`name_taken`, `unauthenticated` …), Unreachable."""
        try:
            await self._enter()
        except BaseException:
            await self._site.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Waits a moment for what is not acknowledged, if all is well, and signs out where it has signed in."""
        try:
            if kind is None and self._here.closed is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_WITHIN):
                        await self._here.outbox.emptied()
            await self._leave()
        finally:
            await self._site.close()

    @property
    def user(self) -> User:
        """Who one is."""
        if self._user is None:
            raise RuntimeError("the client is not entered: use `async with`")
        return self._user

    @property
    def token(self) -> str | None:
        """What signs in as the same person elsewhere, until the client closes."""
        return self._site.token

    @property
    def state(self) -> State:
        """`out`: put out of all rooms; it connects again when something is wanted."""
        return self._here.state

    @property
    def closed(self) -> Closed | None:
        """Why the client is closed; None while it is not."""
        return self._here.closed

    @property
    def transport(self) -> TransportName:
        """The way to the server that is taken now."""
        return self._here.title

    @property
    def unsent(self) -> int:
        """How much of what was said is not acknowledged."""
        return len(self._here.outbox)

    async def join(self, name: str, *, history: int = HISTORY, cursor: Cursor | None = None) -> Room:
        """Joins a room, or returns it where one is in it.

        Its last `history` messages are in `recent`. With a `cursor` it goes on from there instead, and what was missed
        are its first events. It waits for as long as there is no connection. Raises RoomLost (a Refused) where the room
        cannot be had, Closed.
        """
        here = self._here
        if here.closed is not None:
            raise here.closed
        subscription = here.room(name)
        if subscription is None:
            subscription = Subscription(name, history=history, cursor=cursor, limit=self._queue_limit)
            here.subscribe(subscription)
        await asyncio.shield(subscription.answered)
        known = self._joined.get(subscription.key)
        if known is None or known[0] is not subscription:
            known = self._joined[subscription.key] = subscription, Room(here, subscription)
        return known[1]

    async def send(
        self,
        room: str,
        text: str | None = None,
        *,
        kind: str | None = None,
        data: dict[str, Any] | None = None,
        patient: bool = True,
    ) -> Ack:
        """Says something in a room without joining it, as `Room.send` does."""
        return await Speech(self._here.outbox, room).send(text, kind=kind, data=data, patient=patient)

    async def rooms(self, *, limit: int = 200) -> list[RoomLine]:
        """The rooms one may see, the latest active first; raises Refused, Unreachable."""
        raw = await self._site.call("GET", "/api/rooms", query=[("limit", limit)])
        return decode_as(raw, _Rooms).rooms

    async def make_room(self, name: str | None = None, title: str | None = None, **settings: Any) -> RoomLine:
        """Makes a room, with the settings that the contract has; raises Refused (`name_taken` …), Unreachable."""
        given = {"name": name, "title": title} | settings
        body = {field: value for field, value in given.items() if value is not None}
        return decode_as(await self._site.call("POST", "/api/rooms", body=body), RoomLine)

    async def call(self, method: str, path: str, *, query: Query = (), body: Any = None) -> Any:
        """Calls the HTTP interface, for all that has no method here; raises Refused, Unreachable."""
        raw = await self._site.call(method, path, query=query, body=body)
        return msgspec.json.decode(raw) if raw else None

    @property
    def _here(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("the client is not entered: use `async with`")
        return self._connection

    async def _enter(self) -> None:
        if self._sign_in is None:
            session = decode_as(await self._site.call("GET", "/api/session"), _Session)
        else:
            session = decode_as(await self._site.call("POST", "/api/session", body=self._sign_in), _Session)
            self._site.token = session.token
        self._user = session.user
        self._connection = Connection(
            self._site,
            transport=self._transport,
            outbox_limit=self._outbox_limit,
            outbox_file=self._outbox,
            on_state=self._on_state,
        )
        self._running = asyncio.create_task(self._connection.run())

    async def _leave(self) -> None:
        assert self._running is not None
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        was_open = self._here.closed is None
        self._here.close(Closed(1000, "The client is closed."))
        if was_open and self._sign_in is not None:
            try:
                await self._site.call("DELETE", "/api/session", patience=CLOSE_WITHIN)
            except (Refused, Unreachable) as error:
                log.info("not signed out: %s", error)
