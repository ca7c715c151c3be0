"""Turns: in order for each key, side by side for different ones."""

import asyncio
import gc

from chat.turns import Turns


async def test_one_after_the_other_for_each_key() -> None:
    """Who comes later for the same key comes later; another key waits for nobody."""
    turns, done, go_on = Turns(), list[str](), asyncio.Event()

    async def work(key: str, name: str) -> None:
        async with turns.of(key):
            if key == "a":
                await go_on.wait()
            done.append(name)

    tasks = [asyncio.create_task(work(*each)) for each in (("a", "one"), ("a", "two"), ("b", "three"), ("a", "four"))]
    await asyncio.sleep(0.01)
    assert done == ["three"]
    go_on.set()
    await asyncio.gather(*tasks)
    assert done == ["three", "one", "two", "four"]


async def test_keeps_nothing() -> None:
    """A key that nobody is about any more is forgotten, also when whoever waited for it has given up."""
    turns = Turns()

    async def hold(key: str) -> None:
        async with turns.of(key):
            await asyncio.sleep(10)

    tasks = [asyncio.create_task(hold(key)) for key in "aab"]
    await asyncio.sleep(0)
    assert len(turns) == 2
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    tasks.clear()
    del task
    gc.collect()
    assert len(turns) == 0
