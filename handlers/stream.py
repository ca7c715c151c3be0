"""/api/stream: server-sent events (HTML standard, section 9.2) of one room or several."""

import asyncio
import math
import socket
from typing import cast

import msgspec
from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, StreamClosedError

from chat.callers import Caller
from chat.catch_up import Cursor, bring_up, catch_up
from chat.errors import BadRequest, ChatError, NotFound
from chat.framing import event
from chat.protocol import encode, error_reply
from chat.room import Room
from chat.waiters import StreamWaiter
from handlers.base import ApiHandler
from handlers.cursors import Wanted, wanted_rooms
from handlers.telling import subscribed

# No event, but bytes that keep proxies from closing a quiet connection.
COMMENT = b":\n\n"


class StreamHandler(ApiHandler):
    """Writes its chunks itself once the headers are out, so that all clients of a room are sent the same bytes."""

    lets_visitors = True
    heard = math.inf
    waiter: StreamWaiter | None = None

    async def get(self) -> None:
        self.chat.clients.admit(self.request.remote_ip or "")
        with self.present() as caller:
            wanted = self._wanted()
            found = [await self._check(asked, caller) for asked in wanted]
            self._ended = asyncio.Event()
            self.set_header("Content-Type", "text/event-stream; charset=utf-8")
            self.set_header("X-Accel-Buffering", "no")  # nginx would collect the events otherwise
            try:
                await self.flush()
            except StreamClosedError:
                return  # gone while its rooms were woken
            stream = cast(HTTP1Connection, self.request.connection).stream
            if stream.closed():
                return
            limits = self.chat.limits
            _notice_silence(stream, limits.ping_timeout)
            self.waiter = StreamWaiter(
                caller,
                stream,
                self,
                self.chat.tick,
                chunked=self.request.version == "HTTP/1.1",
                limit=limits.backlog_limit,
                grace=limits.close_grace,
            )
            self.waiter.bound_for = [asked.name for asked in wanted]
            self.chat.clients.add(self.waiter)
            self.chat.keepalive.add(self)
            try:
                await self._follow(found)
                await self._ended.wait()
            finally:
                self.chat.keepalive.remove(self)
                self.chat.clients.remove(self.waiter)

    def _wanted(self) -> list[Wanted]:
        history = self.query.number("history", self.chat.limits.history, least=0)
        last = self.request.headers.get("Last-Event-ID", "")
        resumed = last.split(",") if last else None
        return wanted_rooms(self.query, self.chat.limits.rooms_per_client, least=0, resumed=resumed, history=history)

    async def _check(self, asked: Wanted, caller: Caller) -> tuple[Room, Cursor]:
        """Finds what is wrong with the request while it can still be answered with a status.

        A browser that comes back says after which event, and no more: it is in no room that ends before it.
        """
        try:
            return await self._find(asked, caller), asked.cursor
        except (BadRequest, NotFound):
            if "Last-Event-ID" not in self.request.headers or asked.cursor.epoch is not None:
                raise
            anew = asked._replace(cursor=msgspec.structs.replace(asked.cursor, epoch=""))
            return await self._find(anew, caller), anew.cursor

    async def _find(self, asked: Wanted, caller: Caller) -> Room:
        room = await self.chat.access.to_join(asked.name, asked.cursor, caller)
        after, epoch = asked.cursor.after, asked.cursor.epoch
        if after is not None and after > room.seq and (epoch is None or epoch == room.epoch):
            await bring_up(room, after, self.chat.history, self.chat.limits)
        return room

    async def _follow(self, found: list[tuple[Room, Cursor]]) -> None:
        assert self.waiter is not None
        for room, cursor in found:
            self.waiter.cursors[room.key] = cursor.after or 0
        try:
            self.check_still(self.waiter.caller)  # nobody could end it before it was one of the clients
            for room, cursor in found:
                await self._subscribe(room, cursor)
        except ChatError as error:
            self.waiter.put(self.waiter.framed(event(encode(error_reply(error)))))
            self.waiter.close(0, error.reason)

    async def _subscribe(self, room: Room, cursor: Cursor) -> None:
        waiter = self.waiter
        assert waiter is not None
        found = await catch_up(room, cursor, self.chat.history, self.chat.limits)
        if waiter.closed:
            return
        self.chat.access.may_read(room, waiter.caller)  # it may have been lost meanwhile
        room.join(waiter)
        first = found.entries[0].seq - 1 if found.entries else found.seq
        waiter.say(encode(subscribed(room, found, [])), room.key, first)
        for entry in found.entries:
            waiter.say(entry.for_reader(waiter.user.id).json(), room.key, entry.seq)
        waiter.cursors[room.key] = found.seq

    # As the keepalive sees it: a client of an event stream says nothing, so it is not expected to answer

    def ping(self) -> None:
        assert self.waiter is not None
        self.waiter.put_now(self.waiter.framed(COMMENT))

    def lost(self) -> None:
        """Never called: it counts as heard from for ever. TCP finds out when nobody takes the comments any more."""

    def dismiss(self) -> None:
        assert self.waiter is not None
        self.waiter.dismiss()

    # As its waiter sees it

    def left(self, code: int) -> None:
        """Who asked is present until the request ends."""
        self.chat.metrics.count_leaving(code)

    def close_transport(self, code: int, reason: str) -> None:
        """Ends the answer; the client comes back with its cursor."""
        self._ended.set()

    def on_connection_close(self) -> None:
        if self.waiter is not None:
            self.waiter.gone()
            self._ended.set()


def _notice_silence(stream: IOStream, timeout: float) -> None:
    """Lets TCP give a connection up when `timeout` seconds pass without an answer to what was sent (tcp(7), Linux)."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(timeout * 1000))
