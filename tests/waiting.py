"""Waiting for what no event tells."""

import asyncio
import itertools
from collections.abc import Callable

PATIENCE = 15.0
"""Seconds after which what was waited for will not come."""
SOON = 3.0
"""Seconds for what is promised within one: tests and their databases share a machine."""


async def until(holds: Callable[[], object]) -> None:
    """Returns when it holds, looking at every turn of the loop and then ever so often."""
    async with asyncio.timeout(PATIENCE):
        for turn in itertools.count():
            if holds():
                return
            await asyncio.sleep(0 if turn < 100 else 0.003)
