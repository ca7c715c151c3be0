"""A site with a sign-in of its own, and Parley's rooms below /talk.

    python -m examples.mounted 8080

Who is signed in at the site is the same person in the rooms, and is out of them after signing out.
"""

import asyncio
import signal
import sys
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler, decode_signed_value

from mounting import Mounted, parley_routes

SECRET = "of this site alone: take another"
COOKIE = "shop_user"


def who(request: HTTPServerRequest) -> tuple[str, str] | None:
    """Who is signed in at the site, by its own cookie."""
    cookie = request.cookies.get(COOKIE)
    name = decode_signed_value(SECRET, COOKIE, cookie.value) if cookie else None
    return (f"shop-{name.decode()}", name.decode()) if name else None


class Home(RequestHandler):
    """The site's own page. Its looks and its headers are its own business."""

    def get(self) -> None:
        user = who(self.request)
        if user is None:
            self.write("<form method=post action=/hello><input name=name aria-label=Name><button>Hello</button></form>")
        else:
            self.write(f'Hello {user[1]}. <a href="/talk/chat/shop">Talk to us</a>')
            self.write("<form method=post action=/bye><button>Bye</button></form>")


class Hello(RequestHandler):
    """A sign-in as simple as one can be: any name, of letters."""

    def post(self) -> None:
        name = self.get_body_argument("name")
        if name.isalpha():
            self.set_signed_cookie(COOKIE, name, httponly=True, samesite="Lax")
        self.redirect("/")


class Bye(RequestHandler):
    def initialize(self, talk: Mounted) -> None:
        self.talk = talk

    async def post(self) -> None:
        user = who(self.request)
        if user is not None:
            await self.talk.sign_out(user[0])
        self.clear_cookie(COOKIE)
        self.redirect("/")


def site(**settings: Any) -> tuple[Application, Mounted]:
    """The whole site; it runs while the second of them is open."""
    talk = parley_routes("/talk", identify=who, **settings)
    rules = [(r"/", Home), (r"/hello", Hello), (r"/bye", Bye, {"talk": talk}), *talk]
    return Application(rules, cookie_secret=SECRET), talk


async def main(port: int) -> None:
    application, talk = site()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with talk:
        application.listen(port, "127.0.0.1")
        print(f"http://localhost:{port}/", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8080))
