"""aiohttp: `send_str` for each client in a loop."""

import argparse

from aiohttp import WSMsgType, web

CLIENTS: web.AppKey[set[web.WebSocketResponse]] = web.AppKey("clients")


async def chat(request: web.Request) -> web.WebSocketResponse:
    client = web.WebSocketResponse(compress=False)
    await client.prepare(request)
    clients = request.app[CLIENTS]
    clients.add(client)
    try:
        async for message in client:
            if message.type == WSMsgType.TEXT:
                for other in list(clients):
                    await other.send_str(message.data)
    finally:
        clients.discard(client)
    return client


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    application = web.Application()
    application[CLIENTS] = set()
    application.router.add_get("/", chat)
    web.run_app(application, host="127.0.0.1", port=parser.parse_args().port, print=None, access_log=None)


main()
