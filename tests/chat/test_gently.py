"""Very many are gone through a part at a time."""

import asyncio

from chat.gently import AT_ONCE, gently


async def test_the_loop_has_its_turns_in_between() -> None:
    """Whoever waits has a turn after every so many, and all that were there are seen once, in their order."""
    turn = 0
    seen_in: dict[int, int] = {}
    many = dict.fromkeys(range(3 * AT_ONCE))

    async def look() -> None:
        async for number in gently(many):
            assert number not in seen_in
            seen_in[number] = turn

    looking = asyncio.create_task(look())
    while not looking.done():
        await asyncio.sleep(0)
        turn += 1
        del many[len(many) - 1]  # what goes meanwhile disturbs nothing
    assert list(seen_in.items()) == [(number, number // AT_ONCE) for number in range(3 * AT_ONCE)]


async def test_goes_through_few_in_one_turn() -> None:
    """Nobody waits for a turn of the loop when there is little to look at."""
    looking = asyncio.create_task(_all_of(range(AT_ONCE - 1)))
    await asyncio.sleep(0)
    assert looking.done() and looking.result() == list(range(AT_ONCE - 1))


async def _all_of(many: range) -> list[int]:
    return [each async for each in gently(many)]
