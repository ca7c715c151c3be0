"""/ws and /ws/<room>: the live clients."""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from functools import partial
from typing import Any

from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from chat import tasks
from chat.callers import Caller
from chat.catch_up import Cursor, catch_up
from chat.errors import BadRequest, ChatError, Forbidden, RateLimited, TooLarge, Unauthenticated, Unavailable
from chat.framing import PING
from chat.in_time import in_time
from chat.names import room_key
from chat.pending import Stored
from chat.protocol import (
    VERSION,
    Ack,
    Answers,
    AnyPairing,
    Change,
    CloseCode,
    Command,
    Pairing,
    Passing,
    Ping,
    Pong,
    Read,
    Reply,
    Send,
    Signal,
    Subscribe,
    Typing,
    Unsubscribe,
    Unsubscribed,
    Welcome,
    answers,
    decode,
    encode,
    error_reply,
)
from chat.room import Room
from chat.waiters import SocketWaiter
from handlers.base import ApiHandler
from handlers.frames import FrameReader
from handlers.origins import Origins
from handlers.pairing import carry_out
from handlers.subprotocols import SUBPROTOCOL, take_token
from handlers.telling import subscribed, tell_others

log = logging.getLogger("parley.socket")

# Bytes of the reason in a close frame at most (RFC 6455, section 5.5: 125 with the code). A longer one has been told in
# full by the error before it.
REASON_LIMIT = 123


class ChatSocket(ApiHandler, WebSocketHandler):
    """One live client. Reading goes on while what it asked for is under way; how much may be is bounded."""

    lets_visitors = True
    heard = 0.0
    identified: Caller | None = None
    waiter: SocketWaiter | None = None
    _refusal: ChatError | None = None
    _of_path: Subscribe | None = None
    _takes_part = False

    def prepare(self) -> Awaitable[None] | None:
        take_token(self.request.headers)
        loading = super().prepare()
        if loading is None:
            self._admit()
            return None
        return self._admit_after(loading)

    async def _admit_after(self, loading: Awaitable[None]) -> None:
        await loading
        self._admit()

    def _admit(self) -> None:
        if self.request.headers.get("Upgrade", "").lower() != "websocket":
            raise BadRequest("This address speaks WebSocket.")
        origins: Origins = self.settings["origins"]
        has_cookie = self.sessions.has_cookie(self.request)
        refusal = origins.socket_refusal(self.request, has_cookie=has_cookie)
        if refusal:
            raise Forbidden(refusal)
        self.chat.clients.admit(self.request.remote_ip or "")
        try:
            self.identified = self.caller()
        except (Unauthenticated, Forbidden) as error:
            self._refusal = error
            return  # a browser's page is told by a close code, as it never sees the status of a handshake
        self.chat.people.check(self.identified.user)

    def check_origin(self, origin: str) -> bool:
        """Tornado asks once more, about other sites alone."""
        origins: Origins = self.settings["origins"]
        return origins.is_ours(origin, self.request)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """A browser wants one of those it offers; the one with the token is not said again."""
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def get_websocket_protocol(self) -> FrameReader | None:
        protocol = super().get_websocket_protocol()
        return FrameReader(self, False, protocol.params) if isinstance(protocol, WebSocketProtocol13) else None

    def open(self, *path: str, **_: str) -> None:
        self._under_way = 0
        self._size_under_way = 0
        self._changing = 0
        self._turn = asyncio.Lock()
        self._seeking = asyncio.Semaphore(self.chat.limits.rooms_per_client)
        self._handing = asyncio.Lock()
        self._breaches = 0
        if self.identified is None:
            self._refuse_stranger()
            return
        limits = self.chat.limits
        assert self.ws_connection is not None
        stream = self.ws_connection.stream
        if stream is None or stream.closed():
            return  # gone before it was here
        self.chat.people.enter(self.identified.user)
        self.waiter = SocketWaiter(
            self.identified,
            stream,
            self,
            self.chat.tick,
            limit=limits.backlog_limit,
            grace=limits.close_grace,
        )
        self.waiter.bound_for = [name for name in path if name]
        self.set_nodelay(True)
        self._reply(self._welcome(self.identified))
        self.chat.clients.add(self.waiter)
        self.chat.keepalive.add(self)
        if path and path[0]:
            self._of_path = Subscribe(room=path[0])
            self._start(self._of_path, len(path[0]))

    def _refuse_stranger(self) -> None:
        assert self._refusal is not None
        forbidden = isinstance(self._refusal, Forbidden)
        self.write_message(encode(error_reply(self._refusal)).decode())
        self.close_transport(
            CloseCode.NOT_ALLOWED if forbidden else CloseCode.NOT_SIGNED_IN,
            "not allowed" if forbidden else "not signed in",
        )

    def _welcome(self, caller: Caller) -> Welcome:
        limits = self.chat.limits
        return Welcome(
            user=caller.user,
            token=self.sessions.token(caller.user) if caller.passing else "",
            ping=limits.ping_interval,
            limits={
                "text": limits.text_limit,
                "message": limits.message_limit,
                "history": limits.history,
                "catch_up": limits.catch_up,
                "rooms": limits.rooms_per_client,
                "in_hand": limits.in_hand,
            },
            version=VERSION,
        )

    # What the client says

    def on_message(self, message: str | bytes) -> None:
        self.heard = asyncio.get_running_loop().time()
        if self.waiter is None or self.waiter.closed:
            return
        try:
            command = decode(message, self.chat.limits)
        except ChatError as error:
            self._refuse(error, answers(message))
            return
        if isinstance(command, Ping):
            self._reply(Pong(id=command.id))
            self._breaches = 0
        else:
            self._start(command, len(message))

    async def _in_turn(self, command: Subscribe | Unsubscribe | Passing) -> None:
        """What depends on the rooms one is in waits for the subscriptions before it, whose rooms are looked for side by
        side."""
        if isinstance(command, Subscribe):
            seeking = tasks.begin(self._seek(command))
            async with self._turn:
                await self._subscribe(command, *await seeking)
        else:
            async with self._turn:
                await self._answer(command)

    async def _seek(self, command: Subscribe) -> tuple[Room, Cursor]:
        assert self.waiter is not None
        cursor = Cursor(command.after, command.epoch, command.history, tuple(command.without))
        async with self._seeking:
            return await self.chat.access.to_join(command.room, cursor, self.waiter.caller), cursor

    async def _answer(self, command: Unsubscribe | Passing) -> None:
        assert self.waiter is not None
        match command:
            case Unsubscribe():
                room = self.waiter.rooms.get(room_key(command.room))
                changed = room is not None and room.leave(self.waiter)
                name = room.name if room is not None else command.room
                self._reply(Unsubscribed(id=command.id, room=name, changed=changed))
            case Typing() | Read() | Signal():
                room = self.waiter.rooms.get(room_key(command.room))
                if room is None:
                    raise BadRequest("Subscribe to the room first.")
                await tell_others(self.chat, room, self.waiter.caller, command)

    def _start(self, command: Change | Subscribe | Unsubscribe | Passing | AnyPairing, size: int) -> None:
        """Begins what takes time, if not too much is under way already."""
        limits = self.chat.limits
        if self._under_way >= limits.in_hand or self._size_under_way + size > limits.in_hand_bytes:
            self._refuse(RateLimited("Too much is under way; wait for answers.", retry_after=1), command)
            return
        try:
            future = self._begin(command)
        except Exception as error:
            self._failed(command, error)
            return
        self._under_way += 1
        self._size_under_way += size
        future.add_done_callback(partial(self._done, size))

    def _begin(self, command: Change | Subscribe | Unsubscribe | Passing | AnyPairing) -> asyncio.Future[Any]:
        """What is under way from now on; raises ChatError for what is refused at once."""
        match command:
            case Send() if not self._changing and (stored := self._send_at_once(command)) is not None:
                return stored
            case Change():
                self._changing += 1
                work = self._change(command)
            case Pairing():
                work = self._pair(command)
            case _:
                work = self._in_turn(command)
        return asyncio.get_running_loop().create_task(self._carry_out(work, command))

    def _send_at_once(self, message: Send) -> asyncio.Future[Stored] | None:
        """Hands a message to be stored without a task of its own, if nothing has to be waited for before; else
        None."""
        assert self.waiter is not None
        begun = self.chat.writing.at_once(message, self.waiter.caller)
        if begun is None:
            return None
        room, stored = begun
        stored.add_done_callback(partial(self._answer_sent, message, room))
        return stored

    def _answer_sent(self, message: Send, room: Room, stored: "asyncio.Future[Stored]") -> None:
        error = stored.exception()
        if isinstance(error, Exception):
            self._failed(message, error)
        else:
            self._breaches = 0
            self._acknowledge(message, room, stored.result())

    def _done(self, size: int, _: asyncio.Future[Any]) -> None:
        self._under_way -= 1
        self._size_under_way -= size

    async def _carry_out(self, work: Coroutine[Any, Any, None], command: Command) -> None:
        try:
            await work
            self._breaches = 0
        except Exception as error:
            self._failed(command, error)

    def _failed(self, command: Command, error: Exception) -> None:
        if isinstance(error, Forbidden) and command is self._of_path and self.waiter is not None:
            self.waiter.refuse(error, CloseCode.NOT_ALLOWED)  # it came for this room alone
        elif isinstance(error, ChatError):
            self._refuse(error, command)
        else:
            log.error("a command failed", exc_info=error)
            self._refuse(Unavailable("Something went wrong here; try again.", retry_after=1), command)

    async def _change(self, change: Change) -> None:
        assert self.waiter is not None
        try:
            async with in_time(self.chat.limits.send_timeout):
                async with self._handing:  # what is said first is stored first, however long its room is looked for
                    room, under_way = await self.chat.writing.begin(change, self.waiter.caller, self.waiter)
                stored = await self.chat.changes.finished(room, under_way)
            self._acknowledge(change, room, stored)
        finally:
            self._changing -= 1

    def _acknowledge(self, change: Change, room: Room, stored: Stored) -> None:
        entry = stored.entry
        self._reply(Ack(id=change.id, key=change.key, room=room.name, seq=entry.seq, at=entry.at))

    async def _subscribe(self, command: Subscribe, room: Room, cursor: Cursor) -> None:
        waiter = self.waiter
        assert waiter is not None
        found = await catch_up(room, cursor, self.chat.history, self.chat.limits)
        if waiter.closed:
            return
        self.chat.access.may_read(room, waiter.caller)  # it may have been lost meanwhile
        self._check_rooms(room)
        changed = room.join(waiter)
        entries = [entry.for_reader(waiter.user.id) for entry in found.entries]
        self._reply(subscribed(room, found, entries, id=command.id, changed=changed))

    async def _pair(self, command: AnyPairing) -> None:
        assert self.waiter is not None
        if self.waiter.user.is_visitor:
            raise Forbidden("A visitor's token is for their own conversation alone.")
        self.chat.rates.passing(self.waiter.caller)
        if not self._takes_part:
            self._takes_part = True
            self.chat.pairing.enter(self.waiter.user, self._reply)
        await carry_out(self.chat, self.waiter.user, command)

    def _check_rooms(self, room: Room) -> None:
        assert self.waiter is not None
        limit = self.chat.limits.rooms_per_client
        if room.key not in self.waiter.rooms and len(self.waiter.rooms) >= limit:
            raise BadRequest(f"One connection is in at most {limit} rooms.")

    # What it is told

    def _reply(self, reply: Reply) -> None:
        assert self.waiter is not None
        self.waiter.reply(encode(reply))

    def _refuse(self, error: ChatError, about: Answers | Command) -> None:
        """Answers a refused message; a client that breaks the contract again and again is closed."""
        assert self.waiter is not None
        self._reply(error_reply(error, about))
        if isinstance(error, BadRequest | TooLarge):
            self._breaches += 1
            if self._breaches >= self.chat.limits.violations:
                self.waiter.close(CloseCode.CONTRACT_BROKEN, "The contract was broken too often in a row.")
        elif isinstance(error, RateLimited) and not self.chat.rates.patient(self.waiter.caller):
            self.waiter.close(CloseCode.TOO_MUCH, "Too much, again and again.")

    # Its life

    def ping(self, data: str | bytes = b"") -> None:
        if self.waiter is not None:
            self.waiter.put_now(PING)

    def on_ping(self, data: bytes) -> None:
        self.heard = asyncio.get_running_loop().time()
        if self.waiter is not None:
            self.waiter.written_beside()  # Tornado's pong

    def on_pong(self, data: bytes) -> None:
        self.heard = asyncio.get_running_loop().time()

    def lost(self) -> None:
        assert self.waiter is not None
        self.waiter.close(CloseCode.NO_PONG, "No pong in time.", grace=False)

    def dismiss(self) -> None:
        assert self.waiter is not None
        self.waiter.dismiss()

    def left(self, code: int) -> None:
        """Its waiter has left the rooms: the name is free, or held for one who has a token."""
        self.chat.metrics.count_leaving(code)
        assert self.identified is not None
        if self._takes_part:
            self._takes_part = False
            self.chat.pairing.leave(self.identified.user, self._reply)
        self.chat.people.leave(self.identified.user, hold=not self.identified.passing)

    def close_transport(self, code: int, reason: str) -> None:
        self.close(code, reason.encode()[:REASON_LIMIT].decode(errors="ignore"))

    def on_close(self) -> None:
        self.chat.keepalive.remove(self)
        if self.waiter is not None:
            self.waiter.gone()
            self.chat.clients.remove(self.waiter)
