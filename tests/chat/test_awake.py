"""Together: one is under way for all who want the same."""

import asyncio
import gc
from typing import Any

from chat.awake import Together
from chat.errors import Unavailable


async def test_nobody_is_told_of_an_error_that_nobody_waits_for() -> None:
    """What goes wrong after all who waited have left is no error of the loop; who waits is told."""
    loop, told = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: told.append(context))
    together, go_on = Together[None](), asyncio.Event()

    async def fail() -> None:
        await go_on.wait()
        raise Unavailable("away", retry_after=1)

    waiting = [asyncio.create_task(together.do("a", fail)) for _ in range(2)]
    left = [asyncio.create_task(together.do("b", fail)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in left:
        task.cancel()
    await asyncio.wait(left)
    go_on.set()
    assert [type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == [Unavailable] * 2
    await together.settled("b")
    assert "b" not in together
    del left, task  # what they remember of being cancelled holds what they waited for
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
