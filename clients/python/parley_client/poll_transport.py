"""Long-poll for all rooms, in one request at a time."""

from collections.abc import Sequence

from parley_client.http_transport import HttpTransport
from parley_client.subscription import Subscription

WAIT = 25
"""How long the server may hold a poll, in seconds: under the 30 after which many proxies give up."""

GRACE = 10.0
"""How many seconds longer than that an answer may take."""


class PollTransport(HttpTransport):
    title = "poll"

    async def round(self, rooms: Sequence[Subscription]) -> None:
        await self.meet(rooms)
        while True:
            # Whoever joins from a cursor is waiting for the first answer.
            wait = WAIT if all(room.answered.done() for room in rooms) else 0
            news = await self.poll([*self.cursors(rooms), ("wait", wait)], patience=WAIT + GRACE)
            for room in rooms:
                self.owner.take(news[room.key].subscribed(room.name))
