"""A live dashboard: a page of one's own that shows what goes on in some rooms while it happens.

    python -m examples.dashboard 8080 lobby support

The rooms are Parley's, below /talk; the page follows them by the event stream, as any page or program can.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from tornado.web import Application, RequestHandler

from mounting import Mounted, parley_routes

HERE = Path(__file__).resolve().parent


class Dashboard(RequestHandler):
    """The page. Its script asks for the rooms that it names."""

    def initialize(self, rooms: list[str]) -> None:
        self.rooms = rooms

    def get(self) -> None:
        self.set_header("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
        self.render("page.html", rooms=self.rooms)


def site(rooms: list[str], **settings: Any) -> tuple[Application, Mounted]:
    """The whole site; it runs while the second of them is open."""
    talk = parley_routes("/talk", **settings)
    rules = [(r"/", Dashboard, {"rooms": rooms}), *talk]
    return Application(rules, template_path=HERE, static_path=HERE / "static"), talk


async def main(port: int, rooms: list[str]) -> None:
    application, talk = site(rooms)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with talk:
        application.listen(port, "127.0.0.1")
        print(f"http://localhost:{port}/", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8080, sys.argv[2:] or ["lobby"]))
