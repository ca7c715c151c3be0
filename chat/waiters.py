"""The kinds of waiters: how a client of each transport receives what its rooms publish."""

import asyncio
from typing import TYPE_CHECKING

from tornado.iostream import IOStream

from chat.broadcast import Broadcast, Notice
from chat.callers import Caller
from chat.errors import ChatError
from chat.framing import chunk, event, frame
from chat.presence import CallLater
from chat.protocol import CloseCode, Unsubscribed, encode, error_reply

if TYPE_CHECKING:
    from chat.room import Room

from chat.streaming import StreamingWaiter
from chat.waiter import Tick, Transport, Waiter


class SocketWaiter(StreamingWaiter):
    """A WebSocket client."""

    __slots__ = ()

    transport = "websocket"
    in_crowds = True

    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        data = broadcast.frames_for(self.user.id) if own else broadcast.frames
        self.put(data)

    def notify(self, notice: Notice) -> None:
        self.put_passing(notice.frame)

    def reply(self, payload: bytes) -> None:
        """Sends this client alone a JSON text."""
        self.put(frame(payload))

    def refuse(self, error: ChatError, code: CloseCode) -> None:
        self.reply(encode(error_reply(error)))
        self.close(code, error.reason)

    def lose(self, room: "Room", error: ChatError) -> None:
        """Who is in other rooms as well stays there, and is told which one is lost."""
        if len(self.rooms) == 1:
            super().lose(room, error)
        elif room.leave(self):
            self.reply(encode(error_reply(error, room=room.name)))
            self.reply(encode(Unsubscribed(room=room.name, changed=True)))

    def part(self, room: "Room") -> None:
        if room.leave(self):
            self.reply(encode(Unsubscribed(room=room.name, changed=True)))


class StreamWaiter(StreamingWaiter):
    """A client of server-sent events.

    `cursors` are its rooms, by key in the order it asked for them, with the last `seq` sent.
    """

    __slots__ = ("_chunked", "cursors")

    transport = "stream"

    def __init__(
        self,
        caller: Caller,
        stream: IOStream,
        transport: Transport,
        tick: Tick,
        *,
        chunked: bool,
        limit: int,
        grace: float,
    ) -> None:
        super().__init__(caller, stream, transport, tick, limit=limit, grace=grace)
        self._chunked = chunked
        self.cursors: dict[str, int] = {}

    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        if len(self.cursors) == 1 and not own:
            self.put(broadcast.chunk if self._chunked else broadcast.events)
            return
        payloads = broadcast.payloads_for(self.user.id)
        for entry, payload in zip(broadcast.entries, payloads, strict=True):
            self.say(payload, broadcast.key, entry.seq)

    def notify(self, notice: Notice) -> None:
        self.put_passing(self.framed(notice.event))

    def say(self, payload: bytes, room: str, seq: int) -> None:
        """Sends this client alone a JSON text; the cursor of `room` becomes `seq`."""
        self.cursors[room] = seq
        self.put(self.framed(event(payload, ",".join(map(str, self.cursors.values())))))

    def part(self, room: "Room") -> None:
        if room.leave(self):
            self.put(self.framed(event(encode(Unsubscribed(room=room.name, changed=True)))))

    def refuse(self, error: ChatError, code: CloseCode) -> None:
        self.put(self.framed(event(encode(error_reply(error)))))
        self.close(code, error.reason)

    def framed(self, events: bytes) -> bytes:
        """The bytes in which events go over this connection: chunks for HTTP/1.1, as they are for 1.0."""
        return chunk(events) if self._chunked else events


class PollWaiter(Waiter):
    """A long-poll request. It is answered once, with all that has come by the end of the turn of the loop."""

    transport = "poll"

    __slots__ = ("_answer", "_call_later", "_came", "_refused", "_tick", "linger", "notices")

    def __init__(
        self,
        caller: Caller,
        tick: Tick,
        *,
        linger: float,
        notices: bool = False,
        call_later: CallLater | None = None,
    ) -> None:
        super().__init__(caller)
        self._call_later = call_later or asyncio.get_running_loop().call_later
        self.linger = linger
        self.notices = notices
        self._tick = tick
        self._came: list[Broadcast] = []
        self._refused: ChatError | None = None
        self._answer: asyncio.Future[list[Broadcast]] = asyncio.get_running_loop().create_future()

    def deliver(self, broadcast: Broadcast, own: bool) -> None:
        if not self._came:
            self._tick.touch(self)
        self._came.append(broadcast)

    def notify(self, notice: Notice) -> None:
        """Who asked for the members is answered when they change; other notices do not concern a poll."""
        if notice.kind in ("joined", "left"):
            self._tick.touch(self)

    def flush(self) -> None:
        self.finish()

    def finish(self) -> None:
        """Answers with what has come, which may be nothing; harmless when repeated."""
        if not self._answer.done():
            self._answer.set_result(self._came)

    def dismiss(self) -> None:
        self.finish()

    def part(self, room: "Room") -> None:
        """It is answered; who asks for that room again is told that there is none."""
        if room.leave(self):
            self.finish()

    def refuse(self, error: ChatError, code: CloseCode) -> None:
        """`wait` raises the error."""
        self._refused = self._refused or error
        self.finish()

    async def wait(self, seconds: float) -> list[Broadcast]:
        """What came within that time, by room in the order of the log; then it has left its rooms.

        Raises the ChatError with which it was refused.
        """
        timer = self._call_later(seconds, self.finish)
        try:
            came = await self._answer
        finally:
            timer.cancel()
            self.leave_all()
        if self._refused is not None:
            raise self._refused
        return came
