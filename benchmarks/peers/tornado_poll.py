"""Long-poll on Tornado at its barest: a list of futures, all resolved by the next message.

It keeps nothing: a client that is not waiting at that moment misses the message.
"""

import argparse
import asyncio

import tornado.web


class Poll(tornado.web.RequestHandler):
    """Waits for the next message."""

    def initialize(self, waiting: list[asyncio.Future[bytes]]) -> None:
        self.waiting = waiting

    async def get(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        self.write(await future)


class Send(tornado.web.RequestHandler):
    """Answers everyone who waits."""

    def initialize(self, waiting: list[asyncio.Future[bytes]]) -> None:
        self.waiting = waiting

    def post(self) -> None:
        for future in self.waiting:
            future.set_result(self.request.body)
        self.waiting.clear()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    shared: dict[str, list[asyncio.Future[bytes]]] = {"waiting": []}
    application = tornado.web.Application([("/poll", Poll, shared), ("/send", Send, shared)])
    application.listen(parser.parse_args().port, address="127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
