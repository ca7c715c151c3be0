"""Reading WebSocket frames (RFC 6455, section 5.2): all that have come with one read of the stream.

Tornado's own loop asks the stream for each frame three to five times, for its head, its length, its mask and its
payload, and tells the poller twice meanwhile that it has enough and that it wants more. Tornado has no public place
for another one, so this is the one that stands in for it; what a message means, and the answers to pings and closes,
stay Tornado's.
"""

import asyncio

from tornado.iostream import StreamClosedError
from tornado.util import _websocket_mask
from tornado.websocket import WebSocketProtocol13

# Taken from the stream at once (bytes).
READ_SIZE = 64 * 1024
# One who sends without a pause lets others have their turn after so many bytes; a frame counts as some by itself, so
# that tiny ones, of which thousands come with one read, are soon enough.
TURN_SIZE = 256 * 1024
FRAME_COST = 1024

CONTROL = 0x8  # the bit that control frames have in their opcode
CONTROL_LIMIT = 125
TOO_BIG = 1009


class FrameReader(WebSocketProtocol13):
    """Tornado's protocol with another loop over what comes. There is no compression, so its bit is as wrong as any
    other reserved one."""

    _begun: bytearray | None = None
    """What has come of a message in parts, and its opcode."""
    _begun_opcode = 0
    _work = 0
    """What has been done in this turn."""

    async def _receive_frame_loop(self) -> None:
        rest = b""
        try:
            while not self.client_terminated:
                data = await self.stream.read_bytes(READ_SIZE, partial=True)
                self._wire_bytes_in += len(data)
                rest = self._take(rest + data if rest else data)
                while self._work >= TURN_SIZE:
                    self._work = 0
                    await asyncio.sleep(0)
                    rest = self._take(rest)
        except StreamClosedError:
            self._abort()
        finally:
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    def _take(self, data: bytes) -> bytes:
        """Handles the frames that are whole, as many as one turn is for; returns what is left."""
        at, end, work = 0, len(data), self._work
        while end - at >= 2 and work < TURN_SIZE and not self.client_terminated:
            first, second = data[at], data[at + 1]
            start, length = at + 2, second & 0x7F
            if length > CONTROL_LIMIT:
                start += 2 if length == 126 else 8
                if end < start:
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            if not self._fits(first, second & 0x7F, length):
                return b""
            mask = None
            if second & 0x80:
                mask, start = data[start : start + 4], start + 4
            if end < start + length:
                break
            at = start + length
            work += FRAME_COST + length
            payload = data[start:at]
            self._take_frame(first, payload if mask is None else _websocket_mask(mask, payload))
        self._work = work
        return data[at:]

    def _fits(self, first: int, short_length: int, length: int) -> bool:
        """Whether a frame that begins so is taken; ends the connection otherwise."""
        if first & self.RSV_MASK or (first & CONTROL and short_length > CONTROL_LIMIT):
            self._abort()
            return False
        begun = len(self._begun or b"")
        if length + begun > self.params.max_message_size:
            self.close(TOO_BIG, "message too big")
            self._abort()
            return False
        return True

    def _take_frame(self, first: int, payload: bytes) -> None:
        """One frame: a message, a part of one, or a control frame, which may come between the parts."""
        final, opcode = first & self.FIN, first & self.OPCODE_MASK
        begun = self._begun
        if opcode & CONTROL:
            if not final:
                return self._abort()
        elif opcode == 0:
            if begun is None:
                return self._abort()
            begun.extend(payload)
            if not final:
                return None
            opcode, payload, self._begun = self._begun_opcode, bytes(begun), None
        elif begun is not None:
            return self._abort()
        elif not final:
            self._begun_opcode, self._begun = opcode, bytearray(payload)
            return None
        self._handle_message(opcode, payload)
        return None
