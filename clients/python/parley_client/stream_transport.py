"""One event stream for all rooms."""

import asyncio
from collections.abc import Sequence

import aiohttp

from parley_client.errors import Unreachable
from parley_client.event_stream import events
from parley_client.http_transport import HttpTransport
from parley_client.subscription import Subscription
from parley_client.wire import Subscribed, decode

FIRST_WITHIN = 5.0
"""A stream that has brought nothing for so long after it was asked for is held back by a proxy; in seconds."""

NEXT_WITHIN = 90.0
"""The server writes something at least so often; a stream that is silent for longer is dead; in seconds."""


class StreamTransport(HttpTransport):
    title = "stream"

    async def round(self, rooms: Sequence[Subscription]) -> None:
        unknown = [room for room in rooms if room.seq is None]
        if unknown:
            await self.meet(unknown)
        try:
            async with asyncio.timeout(FIRST_WITHIN) as life:
                await self._read(rooms, life)
        except TimeoutError as error:
            raise Unreachable("The event stream stays silent.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"The event stream broke off: {error!r}") from error
        raise Unreachable("The event stream has ended.")

    async def _read(self, rooms: Sequence[Subscription], life: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        async with self.site.stream("/api/stream", query=self.cursors(rooms)) as body:
            async for event in events(body.iter_any()):
                life.reschedule(loop.time() + NEXT_WITHIN)
                self.ready()
                message = None if event is None else decode(event)
                if message is not None:
                    self.owner.take(message, entries_follow=isinstance(message, Subscribed))
