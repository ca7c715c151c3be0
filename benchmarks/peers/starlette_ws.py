"""Starlette on uvicorn as its standard installation is, with uvloop and httptools: a loop of `send_text`."""

import argparse

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

clients: set[WebSocket] = set()


async def chat(client: WebSocket) -> None:
    await client.accept()
    clients.add(client)
    try:
        async for message in client.iter_text():
            for other in list(clients):
                await other.send_text(message)
    except WebSocketDisconnect:
        pass
    finally:
        clients.discard(client)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(
        Starlette(routes=[WebSocketRoute("/", chat)]),
        host="127.0.0.1",
        port=parser.parse_args().port,
        log_level="error",
        ws_per_message_deflate=False,
    )


main()
