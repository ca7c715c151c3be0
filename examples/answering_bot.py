"""A bot that answers: it says the time, rolls dice, and lists what it can do.

    python -m examples.answering_bot http://localhost:8888 lobby < token

The token is one of a bot, made on the account's page; it comes by the standard input, as others can read arguments.
"""

import asyncio
import random
import re
import sys
from datetime import UTC, datetime

from parley_client import Client, Message

DICE = re.compile(r"!roll (\d{1,2})d(\d{1,3})\Z")
HELP = "I know !time, !roll 2d6 and !help."


def answer_to(text: str) -> str | None:
    """What the bot says to a message; None for one that is not for it."""
    if text == "!time":
        return datetime.now(UTC).strftime("It is %H:%M UTC.")
    dice = DICE.match(text)
    if dice and int(dice[1]) and int(dice[2]):
        rolls = [random.randint(1, int(dice[2])) for _ in range(int(dice[1]))]
        return f"{' + '.join(map(str, rolls))} = {sum(rolls)}"
    return HELP if text.startswith("!") else None


async def run(site: str, room_name: str, token: str) -> None:
    """Answers until it is stopped. The client comes back by itself, and misses nothing in between."""
    async with Client(site, token=token) as client:
        room = await client.join(room_name)
        print(f"{client.user.name} is in {room_name}", flush=True)
        async for message in room:
            if is_for_us(message, client.user.id):
                said = answer_to(message.text or "")
                if said is not None:
                    await room.send(said)


def is_for_us(message: Message, own: str) -> bool:
    """Bots that answer themselves, or each other, never stop: what this one says begins with no `!`."""
    return message.user.id != own and bool(message.text)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.stdin.readline().strip()))
