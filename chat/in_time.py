"""How long somebody waits to be told what has become of what they asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat.errors import Unavailable


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """Raises Unavailable for what takes longer, however many looks into the store it is made of.

    Each of those has a time of its own, but together, and with the wait for a thread, they would take several times
    that while MongoDB is away.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable("The history could not be reached in time; try again.", retry_after=1) from None
