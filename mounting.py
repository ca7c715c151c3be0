"""Parley's rooms in somebody else's Tornado application, below a path of it.

    talk = parley_routes("/talk", identify=who_is_it, hosts="shop.example.org")
    site = Application([(r"/", Home), *talk])
    async with talk:
        site.listen(8080)
        await asyncio.Event().wait()

All that Parley serves lies below the path, with Parley's own rules and headers; the rest of the site is left as it is.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Self

import msgspec
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import PathMatches, Router, Rule

import server
import web
from chat import message_log
from chat.chat import Chat
from chat.plugins import load, load_kinds
from handlers.hosting import Host, Identify
from handlers.identity import Sessions
from handlers.routes import application
from handlers.site import Site
from settings import Settings, listed


class Mounted(Router):
    """What is put among the rules of an application (`*mounted`), and runs while its context is open.

    Outside of that there is nothing below the path: the application answers as it does for any unknown address.
    """

    def __init__(self, prefix: str, config: Settings, identify: Identify | None) -> None:
        self.prefix = prefix
        self._config = config
        self._identify = identify
        self._closing = AsyncExitStack()
        self._site: Site | None = None
        self._chat: Chat | None = None

    def __iter__(self) -> Iterator[Rule]:
        yield Rule(PathMatches(self.prefix + r"(?:/.*)?"), self)

    def find_handler(self, request: HTTPServerRequest, **given: Any) -> HTTPMessageDelegate | None:
        if self._site is None:
            return None
        found: HTTPMessageDelegate | None = self._site.find_handler(request, **given)
        return found

    @property
    def chat(self) -> Chat:
        """The parts of the running chat: `chat.registry` tells people something, for example."""
        if self._chat is None:
            raise RuntimeError("Parley is not running: use it within `async with`")
        return self._chat

    async def sign_out(self, id: str) -> None:
        """Ends what somebody of the site around has open here, by the id that `identify` gives; raises Unavailable."""
        account = await self.chat.identity.accounts.by_voucher(Host.voucher(id).key)
        if account is not None:
            await self.chat.identity.departures.end_all(account.id)

    async def __aenter__(self) -> Self:
        """Raises SettingsError, PluginError or DatabaseError if it cannot start, and leaves nothing running."""
        try:
            await self._start(self._closing)
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._site = None
        await self._closing.aclose()

    async def _start(self, closing: AsyncExitStack) -> None:
        config = self._config
        message_log.switch(config.message_log == "yes")
        plugins = listed(config.plugins)
        chat, secret = await server.open_chat(config, closing, load(plugins), load_kinds(plugins))
        openid = web.make_openid(config, secret)
        closing.callback(openid.close)
        sessions = Sessions(chat, self.prefix, Host(self._identify, chat) if self._identify else None)
        reach = replace(web.make_reach(config), base=self.prefix)
        self._site = application(chat, sessions, reach, openid)
        self._chat = chat
        chat.commit.start()
        chat.identity.start()
        chat.keepalive.start()
        closing.push_async_callback(server.drain, None, chat, config.stop_timeout)
        for work in server.work_of(chat):
            closing.callback(asyncio.create_task(work).cancel)
        chat.events.start(chat.registry)


def parley_routes(prefix: str = "/talk", *, identify: Identify | None = None, **values: Any) -> Mounted:
    """Parley for an application, below the path `prefix`. `values` are settings, as settings.py has them.

    `identify` tells who a request is from, as the site around knows it: `(id, name)`, or None for nobody. It may be
    async. Who it names is here with an account of their own, and nobody has to sign in twice. Raises ValueError for
    what is no path, TypeError and msgspec.ValidationError for what is no setting.
    """
    if not re.fullmatch(r"(/[A-Za-z0-9_-]+)+", prefix):
        raise ValueError(f"{prefix!r} is no path to mount at; one looks like /talk, without a slash at its end")
    config = msgspec.convert(msgspec.structs.asdict(Settings(**values)), Settings)
    return Mounted(prefix, config, identify)
