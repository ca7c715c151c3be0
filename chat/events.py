"""Events for developers: functions of a plug-in that are called when something happens on a connection.

    from chat.events import on_message

    @on_message(room=r"^support-")
    async def greet(client, context, message): ...

A decorator only marks its function; chat/plugins.py collects what is marked, so nothing is registered by an import.
"""

import asyncio
import inspect
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, Literal, TypeVar, overload

import msgspec

from chat.audience import Audience, Data, event
from chat.callers import Caller
from chat.errors import ChatError, NotFound
from chat.kinds import Kinds
from chat.limits import Limits
from chat.protocol import Change, Send
from chat.registry import RoomRegistry
from chat.room import Room
from chat.waiter import Waiter

log = logging.getLogger("parley.events")

Kind = Literal["connect", "message", "subscribe", "unsubscribe", "error", "disconnect", "finish", "start"]
Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)

_MARK = "__parley_events__"


class Place(Enum):
    """Where a function is called that is bound to no room by its name."""

    ANYWHERE = "anywhere"
    NOWHERE = "nowhere"


class Binding(msgspec.Struct, frozen=True):
    """One function for one kind of event: where a room's name is found by `room`, anywhere, or where there is none."""

    kind: Kind
    handler: Handler
    room: re.Pattern[str] | Place = Place.ANYWHERE

    def fits(self, rooms: Collection[str]) -> bool:
        if isinstance(self.room, Place):
            return self.room is Place.ANYWHERE or not rooms
        return any(self.room.search(room) for room in rooms)


class Decorator:
    """`@on_x`; `@on_x(room=r"…")` for rooms whose name the regular expression finds; `@on_x(room=None)` for
    connections that are in no room."""

    def __init__(self, kind: Kind, *, always_in_one: bool = False) -> None:
        self.kind = kind
        self._always_in_one = always_in_one

    @overload
    def __call__(self, handler: H) -> H: ...

    @overload
    def __call__(self, *, room: str | None) -> Callable[[H], H]: ...

    def __call__(self, handler: H | None = None, *, room: str | Place | None = Place.ANYWHERE) -> H | Callable[[H], H]:
        if room is None and self._always_in_one:
            raise TypeError(f"on_{self.kind} is always about a room: room=None would never be called")
        place = re.compile(room) if isinstance(room, str) else room or Place.NOWHERE

        def mark(marked: H) -> H:
            bindings = [*getattr(marked, _MARK, ()), Binding(self.kind, marked, place)]
            setattr(marked, _MARK, bindings)
            return marked

        return mark(handler) if handler is not None else mark


on_connect = Decorator("connect")
on_message = Decorator("message")
on_subscribe = Decorator("subscribe", always_in_one=True)
on_unsubscribe = Decorator("unsubscribe", always_in_one=True)
on_error = Decorator("error")
on_disconnect = Decorator("disconnect")
on_finish = Decorator("finish")


def on_start(handler: H) -> H:
    """Marks a function that is called once when the server is up, with its registry; one that is async may go on
    until the server stops."""
    return Decorator("start")(handler)


def bindings_in(namespace: Mapping[str, Any]) -> list[Binding]:
    """What is marked among the values of a module or a class, each once, in the order in which it stands there."""
    found: dict[int, Binding] = {}
    for value in namespace.values():
        for binding in getattr(value, _MARK, ()) if callable(value) else ():
            found.setdefault(id(binding), binding)
    return list(found.values())


class Client:
    """What the handlers know of a client: who it is, a context that lasts as long as its connection, and ways to tell
    it and others something.

    What is told this way passes: it is no entry of a log, and who is away misses it. `data` is an object for JSON. A
    client that sends single requests has no connection: its context is a new one each time, and what it is sent
    reaches the connections its person has elsewhere.
    """

    def __init__(self, caller: Caller, audience: Audience, waiter: Waiter | None = None) -> None:
        self.user = caller.user
        self.session = caller.session
        self.context: dict[str, Any] = {}
        self._audience = audience
        self._waiter = waiter
        self.turn = asyncio.Lock()
        self.rooms: dict[str, str] = {}
        """The names of the rooms its connection is in, by key; of one that has closed, was in at the end."""
        self._last: asyncio.Future[None] | None = None

    def send(self, data: Data) -> None:
        """Tells this client alone."""
        if self._waiter is not None:
            self._waiter.notify(event(data))
        else:
            self._audience.person(self.user.id, data)

    def broadcast(self, data: Data) -> int:
        """Tells everybody else who is connected; how many connections."""
        return self._audience.broadcast(data, but=self.user.id)

    def broadcast_room(self, room: str, data: Data) -> int:
        """Tells everybody else in a room; how many connections."""
        try:
            return self._audience.room(room, data, but=self.user.id)
        except NotFound:  # in a handler it would refuse the message
            return 0

    def send_and_broadcast(self, data: Data, room: str | None = None) -> int:
        """Tells this client and everybody else, or everybody else in a room; how many others."""
        self.send(data)
        return self.broadcast(data) if room is None else self.broadcast_room(room, data)


class Events:
    """Calls the handlers. Nothing that one does wrong reaches anybody but the log and `on_error`.

    What happens on one connection is told in its order. A handler that takes longer than `limit` seconds is given up.
    """

    def __init__(
        self,
        bindings: Sequence[Binding],
        audience: Audience,
        limits: Limits,
        *,
        limit: float,
        kinds: Kinds | None = None,
    ) -> None:
        self._bindings: dict[str, list[Binding]] = {}
        for binding in bindings:
            self._bindings.setdefault(binding.kind, []).append(binding)
        self._audience = audience
        self._limits = limits
        self._limit = limit
        self._kinds = kinds or Kinds()
        self._clients: dict[Waiter, Client] = {}
        self._under_way: set[asyncio.Future[None]] = set()
        self._running: list[asyncio.Task[None]] = []

    def __len__(self) -> int:
        """How many functions are bound."""
        return sum(map(len, self._bindings.values()))

    # What happens on connections; polls have none

    def came(self, waiter: Waiter) -> None:
        if waiter.transport != "poll":
            self._clients[waiter] = Client(waiter.caller, self._audience, waiter)
            self._tell("connect", waiter, rooms=waiter.bound_for)

    def went(self, waiter: Waiter) -> None:
        """Closed by the client, or by the server as it stops."""
        if waiter in self._clients:
            client = self._clients[waiter]
            self._tell("disconnect", waiter, rooms=client.rooms.values())
            self._tell("finish", waiter, rooms=client.rooms.values())
            del self._clients[waiter]

    def joined(self, room: Room, waiter: Waiter) -> None:
        if waiter in self._clients:
            self._clients[waiter].rooms[room.key] = room.name
            self._tell("subscribe", waiter, room.name, rooms=[room.name])

    def left(self, room: Room, waiter: Waiter) -> None:
        if waiter in self._clients:
            if not waiter.closed:
                self._clients[waiter].rooms.pop(room.key, None)
            self._tell("unsubscribe", waiter, room.name, rooms=[room.name])

    def _tell(self, kind: Kind, waiter: Waiter, *arguments: str, rooms: Collection[str]) -> None:
        client, handlers = self._clients[waiter], self._handlers(kind, rooms)
        if not handlers:
            return
        task = asyncio.ensure_future(self._call_all(client._last, handlers, client, arguments, list(rooms)))
        client._last = task
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _call_all(
        self,
        before: "asyncio.Future[None] | None",
        handlers: list[Handler],
        client: Client,
        arguments: Sequence[Any],
        rooms: Collection[str],
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        for handler in handlers:
            with suppress(ChatError):  # there is nothing that could be refused
                await self._call(handler, client, *arguments, rooms=rooms)

    # The server's own life

    def start(self, registry: RoomRegistry) -> None:
        """Tells that the server is up; `registry` is by what its clients are told something."""
        for handler in self._handlers("start", ()):
            self._running.append(asyncio.create_task(self._run(handler, registry)))

    async def _run(self, handler: Handler, registry: RoomRegistry) -> None:
        try:
            found = handler(registry)
            if inspect.isawaitable(found):
                await found
        except Exception:
            log.exception("%s of %s failed", _name(handler), handler.__module__)

    async def settled(self, timeout: float) -> None:
        """Waits for what is under way, as the server stops, and ends what would go on."""
        for task in self._running:
            task.cancel()
        if self._under_way or self._running:
            await asyncio.wait([*self._under_way, *self._running], timeout=timeout)

    # Messages

    @property
    def hears(self) -> bool:
        """Whether a function wants to be told of messages, so that `heard` has to be asked."""
        return "message" in self._bindings

    async def heard(self, room: Room, change: Change, caller: Caller, waiter: Waiter | None = None) -> Change:
        """A message as the handlers leave it, each given what the one before made of it; another change as it is.

        A handler gives back another message, or None to leave it as it is. Raises what one refuses it with, and
        BadRequest or TooLarge for what one has made of it. One that is stored already is not heard again.
        """
        if not self.hears or not isinstance(change, Send) or room.tail.entry_of(change.key) is not None:
            return change
        client = self._clients.get(waiter) if waiter is not None else None
        client = client or Client(caller, self._audience)
        handlers = self._handlers("message", [room.name], nowhere=not client.rooms)
        if not handlers:
            return change
        async with client.turn:  # so that the messages of a connection keep their order
            for handler in handlers:
                made = await self._call(handler, client, change, rooms=[room.name])
                if isinstance(made, Send):
                    change = msgspec.structs.replace(made, id=change.id, key=change.key, room=change.room)
                    change.check(self._limits)
                    self._kinds.check(change.kind, change.data)
        return change

    # Calling

    def _handlers(self, kind: Kind, rooms: Collection[str], *, nowhere: bool = False) -> list[Handler]:
        """`nowhere`: it is about a room, but comes from a connection that is in none."""
        return [
            binding.handler
            for binding in self._bindings.get(kind, ())
            if binding.fits(rooms) or (nowhere and binding.room is Place.NOWHERE)
        ]

    async def _call(self, handler: Handler, client: Client, *arguments: Any, rooms: Collection[str]) -> Any:
        """What the handler gives back; None for one that failed. Raises the ChatError by which it refuses."""
        try:
            async with asyncio.timeout(self._limit):
                found = handler(client, client.context, *arguments)
                return await found if inspect.isawaitable(found) else found
        except ChatError:
            raise
        except Exception as error:
            log.exception("%s of %s failed", _name(handler), handler.__module__)
            await self._tell_error(handler, client, error, rooms)
        return None

    async def _tell_error(self, failed: Handler, client: Client, error: Exception, rooms: Collection[str]) -> None:
        for handler in self._handlers("error", rooms):
            if handler is failed:
                continue
            try:
                async with asyncio.timeout(self._limit):
                    found = handler(client, client.context, error)
                    if inspect.isawaitable(found):
                        await found
            except Exception:
                log.exception("%s of %s failed", _name(handler), handler.__module__)


def _name(handler: Handler) -> str:
    return getattr(handler, "__name__", "a handler")
