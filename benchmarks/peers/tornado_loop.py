"""Tornado as its chat demo does it: `write_message` for each client in a loop."""

import argparse
import asyncio

import tornado.web
from tornado.websocket import WebSocketHandler


class Chat(WebSocketHandler):
    """Hands every message to all clients, its sender included."""

    def initialize(self, clients: set["Chat"]) -> None:
        self.clients = clients

    def open(self) -> None:
        self.set_nodelay(True)
        self.clients.add(self)

    def on_message(self, message: str | bytes) -> None:
        for client in self.clients:
            client.write_message(message)

    def on_close(self) -> None:
        self.clients.discard(self)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    clients: set[Chat] = set()
    application = tornado.web.Application([("/", Chat, {"clients": clients})])
    application.listen(parser.parse_args().port, address="127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
