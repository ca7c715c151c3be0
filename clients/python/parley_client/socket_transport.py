"""One WebSocket for all rooms."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from parley_client.errors import Refused, Unreachable
from parley_client.site import Site, seconds
from parley_client.subscription import Subscription
from parley_client.transport import LOST, Ended, Owner, Transport
from parley_client.wire import CLOSE_OF_STATUS, Command, Error, FaultAnswer, Telling, Welcome, decode, decode_as, encode

OPEN_WITHIN = 10.0
"""Seconds for the handshake."""

WELCOME_WITHIN = 5.0
"""A socket that has opened but said nothing for so long is held up by something on the way; in seconds."""

CLOSE_WITHIN = 2.0
"""Seconds for the server to answer when one closes."""


class SocketTransport(Transport):
    title = "ws"

    def __init__(self, site: Site, rooms: Callable[[], Sequence[Subscription]], owner: Owner) -> None:
        super().__init__(site, rooms, owner)
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._is_welcome = False
        self._last_error: Error | None = None

    async def run(self) -> NoReturn:
        try:
            async with self._connecting() as socket:
                writing = asyncio.create_task(self._write(socket))
                try:
                    await self._read(socket)
                finally:
                    writing.cancel()
        except InvalidStatus as error:
            raise _ended_by_status(error) from error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise Ended(LOST, f"The WebSocket does not open: {error!r}") from error
        except WebSocketException as error:
            raise Ended(LOST, f"The WebSocket has ended: {error!r}") from error

    def subscribe(self, room: Subscription) -> None:
        if not self._is_welcome:
            return  # all rooms are subscribed to then
        if room.seq is None:
            begin: dict[str, Any] = {"history": room.history}
        else:
            begin = {"after": room.seq, "epoch": room.epoch}
        self._say({"type": "subscribe", "id": room.name, "room": room.name, **begin})

    def unsubscribe(self, room: Subscription) -> None:
        if self._is_welcome:
            self._say({"type": "unsubscribe", "id": room.name, "room": room.name})

    def send(self, command: Command | Telling) -> None:
        self._say(command)

    def _connecting(self) -> connect:
        is_secure = self.site.socket_address.startswith("wss")
        return connect(
            f"{self.site.socket_address}/ws",
            additional_headers=self.site.headers,
            ssl=self.site.ssl if is_secure else None,
            proxy=None,
            open_timeout=OPEN_WITHIN,
            close_timeout=CLOSE_WITHIN,
            max_size=None,  # an answer is as long as the server's own limits let it be
        )

    def _say(self, message: object) -> None:
        self._outgoing.put_nowait(encode(message))

    async def _write(self, socket: ClientConnection) -> None:
        try:
            while True:
                await socket.send(await self._outgoing.get(), text=True)
        except ConnectionClosed:
            pass  # whoever reads knows

    async def _read(self, socket: ClientConnection) -> NoReturn:
        try:
            async with asyncio.timeout(WELCOME_WITHIN):
                self._take(await socket.recv())
            while True:
                self._take(await socket.recv())
        except Unreachable as error:
            raise Ended(LOST, str(error)) from error
        except ConnectionClosed:
            raise self._ended(socket) from None

    def _take(self, raw: str | bytes) -> None:
        message = decode(raw)
        if isinstance(message, Welcome):
            self._is_welcome = True
            self.owner.ready()
            for room in self.rooms():
                self.subscribe(room)
        elif message is not None:
            if isinstance(message, Error):
                self._last_error = message
            self.owner.take(message)

    def _ended(self, socket: ClientConnection) -> Ended:
        code = LOST if socket.close_code is None else int(socket.close_code)
        said = self._last_error
        reason = socket.close_reason or (said.reason if said else "") or "The connection was lost."
        error = Refused(said.code, said.reason, retry_after=said.retry_after) if said and code >= 4000 else None
        return Ended(code, reason, error=error)


def _ended_by_status(error: InvalidStatus) -> Ended:
    """A handshake refused by Parley has the error in its body; by anybody else, this way to the server is blocked."""
    response = error.response
    try:
        fault = decode_as(bytes(response.body or b""), FaultAnswer).error
    except Unreachable:
        return Ended(LOST, f"The WebSocket was refused with {response.status_code}.")
    refused = Refused(
        fault.code,
        fault.reason,
        status=response.status_code,
        retry_after=seconds(response.headers.get("Retry-After")),
    )
    return Ended(CLOSE_OF_STATUS.get(response.status_code, LOST), fault.reason, error=refused)
