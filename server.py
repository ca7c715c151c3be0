"""Parley's start and stop: settings, database, registry, application, listen, drain."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from tornado.netutil import bind_sockets

import configuration
import logs
import web
from assembly import make_chat, prepare
from chat import message_log
from chat.bus import Bus
from chat.chat import Chat
from chat.database import Connection, DatabaseError
from chat.errors import Unavailable
from chat.events import Binding
from chat.kinds import Kind
from chat.mongo_bus import MongoBus
from chat.mongod import PrivateMongod
from chat.plugins import PluginError, load, load_kinds
from chat.processes import Processes, process_name
from handlers.identity import Sessions
from handlers.listener import Listener, raise_file_limit
from handlers.routes import application
from handlers.tls import CertificateError
from handlers.web_server import WebServer
from settings import Settings, SettingsError
from workers import Worker, WorkerError, Workers

log = logging.getLogger("parley")

# Why one process has to be enough for a MongoDB.
STANDALONE = (
    "needs a replica set, as processes hear of each other by its change streams; this MongoDB is a standalone. "
    "Make it a replica set of one member (docs/scaling.md), or leave --mongo out"
)

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


async def supervise(config: Settings) -> None:
    """Runs several processes until SIGTERM or SIGINT: holds the sockets and MongoDB, and lets workers serve.

    Raises StartError, DatabaseError, or WorkerError if one cannot start.
    """
    asyncio.get_running_loop().set_exception_handler(logs.loop_failed)
    starting = asyncio.current_task()
    assert starting is not None
    _on_signals(partial(_give_up, starting))
    async with AsyncExitStack() as closing:
        sockets = _bind(config)
        closing.callback(_close, sockets)
        uri = config.mongo or await private_mongod(config, closing)
        workers = Workers(config.processes, sockets, uri, patience=config.stop_timeout)
        closing.push_async_callback(workers.stop)
        await workers.start()
        stop = asyncio.Event()
        _on_signals(stop.set)
        renew = partial(workers.signal, signal.SIGHUP) if config.tls_cert else stop.set
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
        log.info("%d processes serve", config.processes)
        log.info("Parley is at %s", _place(config, sockets))
        await stop.wait()
        log.info("stopping")
        _close(sockets)
    log.info("stopped")


async def serve(config: Settings, worker: Worker | None = None) -> None:
    """Runs until SIGTERM or SIGINT; as a worker, also until its parent is gone.

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
        sockets = worker.listening() if worker else _bind(config)
        closing.callback(_close, sockets)
        chat, secret = await open_chat(config, closing, bindings, kinds, worker=worker)
        openid = web.make_openid(config, secret)
        closing.callback(openid.close)
        server = web.make_server(config, application(chat, Sessions(chat), reach, openid))
        listener = Listener(server, sockets, file_limit=file_limit, tls=tls)
        for part in (chat.commit, chat.identity, chat.keepalive):
            part.start()
        tasks = _work(chat, server)
        stop = asyncio.Event()
        _on_signals(stop.set)
        renew = stop.set if tls is None else partial(web.renew_tls, listener, config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
        listener.start()
        chat.events.start(chat.registry)
        _say(config, chat, sockets, worker)
        if worker is None or worker.number == 0:
            await _invite_administrator(chat, config, sockets)
        _spare_the_collector()
        if worker is not None:
            worker.ready(stop.set)
        await stop.wait()
        log.info("stopping")
        for task in tasks:
            task.cancel()
        listener.stop()
        await drain(server, chat, config.stop_timeout)
    log.info("stopped")


def _work(chat: Chat, server: WebServer) -> list[asyncio.Task[None]]:
    """What goes on for as long as it serves."""
    work = (*work_of(chat), server.overdue.run())
    return [asyncio.create_task(each) for each in work]


def _say(config: Settings, chat: Chat, sockets: list[socket.socket], worker: Worker | None) -> None:
    if worker is None:
        log.info("Parley is at %s", _place(config, sockets))
    else:
        log.info("worker %d serves as the process %s", worker.number, chat.bus.process)


async def _invite_administrator(chat: Chat, config: Settings, sockets: list[socket.socket]) -> None:
    """While there is no administrator, says how to become the first: by a link that works once, until the next
    start."""
    with suppress(Unavailable):
        if await chat.identity.entrance.needs_setup():
            token = await chat.identity.entrance.open_setup()
            place = web.public_address(config, sockets[0].getsockname()[1]) or _place(config, sockets)
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


def _bind(config: Settings) -> list[socket.socket]:
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


async def open_chat(
    config: Settings,
    closing: AsyncExitStack,
    bindings: Sequence[Binding],
    kinds: Sequence[Kind],
    *,
    worker: Worker | None = None,
) -> tuple[Chat, str]:
    """The domain on its database, ready to be started, and the secret that it signs with; raises DatabaseError."""
    uri = worker.mongo if worker else config.mongo or await private_mongod(config, closing)
    connection = await _connect(config, uri, closing)
    secret = await connection.secret()
    bus = await _bus(connection, closing, worker) if worker or config.mongo else None
    chat = make_chat(config, connection, secret, bindings, kinds, bus=bus)
    closing.callback(chat.identity.close)
    closing.callback(chat.hearsay.close)
    closing.push_async_callback(chat.bus.stop)
    await chat.bus.start()  # before anything is read that others may change
    await prepare(chat)
    if chat.bus.is_shared:
        await chat.registry.company.gather()
    return chat, secret


async def private_mongod(config: Settings, closing: AsyncExitStack) -> str:
    mongod = PrivateMongod(Path(config.data), cache=config.mongod_cache)
    closing.push_async_callback(mongod.stop)
    await mongod.start()
    return mongod.uri


def work_of(chat: Chat) -> list[Coroutine[Any, Any, None]]:
    """What goes on for as long as it serves."""
    return [
        _upkeep(chat),
        chat.clients.keep_relieved(),
        chat.metrics.measure_lag(),
        chat.oversight.figures.run(),
        chat.house.lifetimes.run(),
        chat.hooks.deliverer.run(),
    ]


async def _upkeep(chat: Chat) -> None:
    while True:
        await asyncio.sleep(UPKEEP_INTERVAL)
        with suppress(Unavailable):  # it will be tried again
            await chat.registry.in_memory.mark_active()
            await chat.oversight.upkeep()
            await chat.reception.upkeep()
        await chat.identity.upkeep()
        await chat.registry.in_memory.drop_idle()
        chat.house.boards.drop_idle()


async def drain(server: WebServer | None, chat: Chat, timeout: float) -> None:
    """Takes nothing new, stores what was accepted, answers polls, closes sockets and streams; and the connections of a
    server of our own."""
    chat.bus.deafen()
    await chat.commit.stop(timeout)
    await chat.redaction.stop()
    await chat.hooks.stop()
    chat.stopping.set()
    for room in chat.registry:
        room.dismiss()
    chat.keepalive.stop()
    leaving = asyncio.create_task(chat.bus.stop())
    await asyncio.sleep(POLL_ANSWERS)
    with suppress(TimeoutError):
        await asyncio.wait_for(chat.keepalive.emptied.wait(), LAST_ANSWERS)
    if server is not None:
        with suppress(TimeoutError):
            await asyncio.wait_for(server.close_all_connections(), LAST_ANSWERS)
    await chat.events.settled(timeout)
    with suppress(Unavailable):
        await chat.registry.in_memory.mark_active()
    await chat.identity.upkeep()
    await leaving


async def _connect(config: Settings, uri: str, closing: AsyncExitStack) -> Connection:
    connection = Connection(uri, config.database, timeout=config.mongo_timeout)
    closing.callback(connection.close)
    await connection.open()
    return connection


async def _bus(connection: Connection, closing: AsyncExitStack, worker: Worker | None) -> Bus | None:
    """What joins this process to others on the same MongoDB; None where there can be none, as it is a standalone.

    Raises DatabaseError where there are others nevertheless.
    """
    if await connection.has_change_streams():
        return MongoBus(connection.database, connection.streaming(), process_name())
    if worker is not None:
        raise DatabaseError(f"--processes {STANDALONE}")
    alone = Processes(connection.database, process_name(), asyncio.get_running_loop().time)
    await alone.join()
    living = asyncio.create_task(alone.live())
    closing.push_async_callback(alone.leave)
    closing.callback(living.cancel)
    rival = await alone.find_rival()
    if rival is not None:
        raise DatabaseError(f"the process {rival} works on this database already, and a second one {STANDALONE}")
    return None


def _place(config: Settings, sockets: list[socket.socket]) -> str:
    """Where it is reached from this machine."""
    scheme = "https" if config.tls_cert else "http"
    return f"{scheme}://{_shown(config.address)}:{sockets[0].getsockname()[1]}"


def _shown(address: str) -> str:
    """The address as a browser on this machine would use it."""
    return "localhost" if address in ("127.0.0.1", "::1", "0.0.0.0", "::", "") else address


def main() -> None:
    try:
        config = configuration.read(sys.argv[1:], os.environ)
    except SettingsError as error:
        sys.exit(_complain(str(error), 2))
    logs.configure(config.log_format, config.log_level)
    worker = Worker.of(os.environ)
    message_log.switch(config.message_log == "yes")
    try:
        asyncio.run(supervise(config) if config.processes > 1 and worker is None else serve(config, worker))
    except SettingsError as error:
        sys.exit(_complain(str(error), 2))
    except (StartError, CertificateError, DatabaseError, PluginError) as error:
        sys.exit(_complain(str(error), 1))
    except WorkerError as error:
        sys.exit(error.status)  # it has said why
    except asyncio.CancelledError:
        pass  # asked to stop before it was up


def _complain(message: str, status: int) -> int:
    print(f"parley: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
