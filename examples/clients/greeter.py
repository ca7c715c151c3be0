"""Greets whoever calls its name: python greeter.py http://localhost:8888 lobby"""

import asyncio
import sys

from parley_client import Client


async def main(address: str, name: str) -> None:
    async with Client(address, name="greeter", outbox="greeter.outbox") as client:
        room = await client.join(name)
        await room.send("Call me if you need me.")
        async for message in room:
            if "greeter" in message.text and not message.is_own:
                await room.send(f"Hello, {message.user.name}!")
                await room.react(message, "👋")


asyncio.run(main(*sys.argv[1:]))
