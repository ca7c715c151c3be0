"""Parley's start and stop: settings, database, registry, application, listen, drain."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

from tornado.netutil import bind_sockets

import logs
import settings
import web
from assembly import make_chat, prepare
from chat.chat import Chat
from chat.database import Connection, DatabaseError
from chat.errors import Unavailable
from chat.mongod import PrivateMongod
from chat.plugins import PluginError, load, load_kinds
from handlers.identity import Sessions
from handlers.listener import Listener, raise_file_limit
from handlers.routes import application
from handlers.tls import CertificateError
from handlers.web_server import WebServer

log = logging.getLogger("parley")

# Idle rooms are looked for, and the times of activity stored, this often (seconds); after a crash the lobby's order
# may be as old.
UPKEEP_INTERVAL = 5.0
# When the server stops: for the answers of polls to be written, and for clients to answer a close (seconds). Closing a
# connection that the client still writes to would throw away what it has not read yet.
POLL_ANSWERS = 0.05
LAST_ANSWERS = 0.5
# New objects between two runs of the garbage collector over the youngest, and runs between those over older ones.
COLLECTOR_THRESHOLDS = (20_000, 20, 50)


class StartError(Exception):
    """The server cannot start; the message is one line that says what to do."""


async def serve(config: settings.Settings) -> None:
    """Runs until SIGTERM or SIGINT.

    Raises SettingsError, StartError, CertificateError, PluginError or DatabaseError if it cannot start, and leaves
    nothing running.
    """
    asyncio.get_running_loop().set_exception_handler(logs.loop_failed)
    starting = asyncio.current_task()
    assert starting is not None
    _on_signals(partial(_give_up, starting))
    reach, tls = web.make_reach(config), web.make_tls(config)
    web.openid_client(config)  # what is wrong with it is told before anything is begun
    plugins = config.plugins.split(",") if config.plugins else []
    bindings, kinds = load(plugins), load_kinds(plugins)
    file_limit = raise_file_limit()
    async with AsyncExitStack() as closing:
        sockets = _bind(config)
        closing.callback(_close, sockets)
        uri = config.mongo or await _private_mongod(config, closing)
        connection = Connection(uri, config.database, timeout=config.mongo_timeout)
        closing.callback(connection.close)
        await connection.open()
        secret = await connection.secret()
        chat = make_chat(config, connection, secret, bindings, kinds)
        closing.callback(chat.identity.close)
        openid = web.make_openid(config, secret)
        closing.callback(openid.close)
        await prepare(chat)
        server = web.make_server(config, application(chat, Sessions(chat), reach, openid))
        listener = Listener(server, sockets, file_limit=file_limit, tls=tls)
        chat.commit.start()
        chat.identity.start()
        chat.keepalive.start()
        work = (
            _upkeep(chat),
            chat.metrics.measure_lag(),
            chat.oversight.figures.run(),
            chat.house.lifetimes.run(),
            chat.hooks.deliverer.run(),
            server.overdue.run(),
        )
        tasks = [asyncio.create_task(each) for each in work]
        stop = asyncio.Event()
        _on_signals(stop.set)
        renew = stop.set if tls is None else partial(web.renew_tls, listener, config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
        listener.start()
        chat.events.start(chat.registry)
        scheme = "http" if tls is None else "https"
        port = sockets[0].getsockname()[1]
        place = f"{scheme}://{_shown(config.address)}:{port}"
        log.info("Parley is at %s", place)
        await _invite_administrator(chat, web.public_address(config, port) or place)
        _spare_the_collector()
        await stop.wait()
        log.info("stopping")
        for task in tasks:
            task.cancel()
        listener.stop()
        await drain(server, chat, config.stop_timeout)
    log.info("stopped")


async def _invite_administrator(chat: Chat, place: str) -> None:
    """While there is no administrator, says how to become the first: by a link that works once, until the next
    start."""
    with suppress(Unavailable):
        if await chat.identity.entrance.needs_setup():
            token = chat.identity.entrance.open_setup()
            log.info("nobody is administrator yet; this link makes the account, once: %s/setup?token=%s", place, token)


def _spare_the_collector() -> None:
    """Lets the cyclic garbage collector run less often, and not over what was made at the start.

    With Python's default it runs after every 700 new objects, an eighth of the time of a poll; what a request leaves
    behind is freed by counting references.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def _on_signals(act: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, act)


def _give_up(starting: asyncio.Task[None]) -> None:
    """Asked to stop before it is up: once, so that what was begun is ended in order."""
    _on_signals(lambda: None)
    starting.cancel()


def _bind(config: settings.Settings) -> list[socket.socket]:
    try:
        return bind_sockets(config.port, config.address, backlog=1024)
    except OSError as error:
        raise StartError(
            f"cannot listen on {config.address} port {config.port}: {error.strerror}; "
            "choose another with --port or --address"
        ) from None


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


async def _private_mongod(config: settings.Settings, closing: AsyncExitStack) -> str:
    mongod = PrivateMongod(Path(config.data), cache=config.mongod_cache)
    closing.push_async_callback(mongod.stop)
    await mongod.start()
    return mongod.uri


async def _upkeep(chat: Chat) -> None:
    while True:
        await asyncio.sleep(UPKEEP_INTERVAL)
        with suppress(Unavailable):  # it will be tried again
            await chat.registry.mark_active()
            await chat.oversight.upkeep()
            await chat.reception.upkeep()
        await chat.identity.upkeep()
        chat.registry.drop_idle()
        chat.house.boards.drop_idle()
        chat.clients.relieve()


async def drain(server: WebServer, chat: Chat, timeout: float) -> None:
    """Takes nothing new, stores what was accepted, answers polls, closes sockets and streams."""
    await chat.commit.stop(timeout)
    await chat.hooks.stop()
    chat.stopping.set()
    for room in chat.registry:
        room.dismiss()
    chat.keepalive.stop()
    await asyncio.sleep(POLL_ANSWERS)
    with suppress(TimeoutError):
        await asyncio.wait_for(chat.keepalive.emptied.wait(), LAST_ANSWERS)
    with suppress(TimeoutError):
        await asyncio.wait_for(server.close_all_connections(), LAST_ANSWERS)
    await chat.events.settled(timeout)
    with suppress(Unavailable):
        await chat.registry.mark_active()
    await chat.identity.upkeep()


def _shown(address: str) -> str:
    """The address as a browser on this machine would use it."""
    return "localhost" if address in ("127.0.0.1", "::1", "0.0.0.0", "::", "") else address


def main() -> None:
    try:
        config = settings.read(sys.argv[1:], os.environ)
    except settings.SettingsError as error:
        sys.exit(_complain(str(error), 2))
    logs.configure(config.log_format, config.log_level)
    try:
        asyncio.run(serve(config))
    except settings.SettingsError as error:
        sys.exit(_complain(str(error), 2))
    except (StartError, CertificateError, DatabaseError, PluginError) as error:
        sys.exit(_complain(str(error), 1))
    except asyncio.CancelledError:
        pass  # asked to stop before it was up


def _complain(message: str, status: int) -> int:
    print(f"parley: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
