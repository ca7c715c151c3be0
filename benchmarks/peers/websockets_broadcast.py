"""websockets with its own `broadcast`."""

import argparse
import asyncio

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

clients: set[ServerConnection] = set()


async def chat(client: ServerConnection) -> None:
    clients.add(client)
    try:
        async for message in client:
            broadcast(clients, message)
    except ConnectionClosed:
        pass
    finally:
        clients.discard(client)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    async with serve(chat, "127.0.0.1", parser.parse_args().port, compression=None) as server:
        await server.serve_forever()


asyncio.run(main())
