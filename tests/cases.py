"""The case that the tests of handlers share: a whole server in the test's event loop, on a database of its own."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, cast
from urllib.parse import quote, urlencode

import pytest
from argon2 import PasswordHasher
from tornado.httpclient import AsyncHTTPClient
from tornado.httputil import HTTPHeaders
from tornado.testing import AsyncHTTPTestCase
from tornado.web import Application

import assembly
import web
from chat.chat import Chat
from chat.database import Connection
from chat.events import Binding
from chat.kinds import Kind
from chat.room import Room
from chat.sessions import Origin
from handlers.identity import Sessions
from handlers.routes import application
from handlers.site import Site
from handlers.web_server import WebServer
from settings import Settings
from tests.clients import SocketClient, StreamClient
from tests.mongo import SessionMongod
from tests.rooms import new_key
from tests.waiting import PATIENCE, until

SECRET = "a secret of the tests"
PASSWORD = "correct horse"
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Answer(NamedTuple):
    """What came back for a request; `body` is read from JSON where it is JSON."""

    status: int
    headers: HTTPHeaders
    body: Any

    @property
    def code(self) -> str:
        """Of an error."""
        return str(self.body["error"]["code"])

    @property
    def reason(self) -> str:
        return str(self.body["error"]["reason"])


class ChatTestCase(AsyncHTTPTestCase):
    """Settings other than the default ones stand in `settings`."""

    settings: ClassVar[dict[str, Any]] = {}
    base: ClassVar[str] = ""
    """The path below which it lies, in tests of that."""
    quick_passwords: ClassVar[bool] = True
    """Whether passwords are hashed in no time; the real parameters take a tenth of a second and 64 MiB."""

    @pytest.fixture(autouse=True)
    def _place(self, mongod: SessionMongod, database: str) -> None:
        self.mongod = mongod
        self.database_name = database

    # The server

    def bindings(self) -> list[Binding]:
        """Of the plug-ins, in tests of them."""
        return []

    def kinds(self) -> list[Kind]:
        """Of the plug-ins, in tests of them."""
        return []

    def get_app(self) -> Application:
        return self.io_loop.run_sync(self._open)

    async def _open(self) -> Application:
        self._cuts: list[Callable[[], None]] = []
        self.config = Settings(**({"send_timeout": 10, "mongo_timeout": 10} | self.settings))
        self.connection = Connection(self.mongod.uri, self.database_name, timeout=self.config.mongo_timeout)
        self.chat: Chat = assembly.make_chat(self.config, self.connection, SECRET, self.bindings(), self.kinds())
        if self.quick_passwords:
            self.chat.identity.passwords.hasher = QUICK_HASHER
        self.chat.identity.erasure._pause = 0.1  # for what is under way when an account is deleted: here nothing is
        patient = self.mongod.connection(self.database_name)
        try:  # the indexes are there before the short timeouts of some tests count
            await assembly.prepare(assembly.make_chat(self.config, patient, SECRET))
        finally:
            patient.close()
        self.sessions = Sessions(self.chat, self.base)
        self.chat.commit.start()
        self.chat.identity.start()
        self.chat.keepalive.start()
        self.openid = web.make_openid(self.config, SECRET)
        return application(self.chat, self.sessions, replace(web.make_reach(self.config), base=self.base), self.openid)

    def get_http_server(self) -> WebServer:
        return web.make_server(self.config, cast(Site, self._app))

    def get_http_client(self) -> AsyncHTTPClient:
        return AsyncHTTPClient(force_instance=True, max_clients=500)

    def tearDown(self) -> None:
        for cut in self._cuts:
            cut()
        self.io_loop.run_sync(self._close)
        super().tearDown()
        self.connection.close()

    async def _close(self) -> None:
        self.chat.keepalive.stop()
        await self.chat.commit.stop(1)
        await self.chat.redaction.stop()
        await self.chat.hooks.stop()
        self.chat.identity.close()
        self.openid.close()
        for room in self.chat.registry:
            room.dismiss()

    # Clients

    def token(self, name: str) -> str:
        """Signs a guest in."""
        user = self.chat.people.guest(name)
        self.chat.people.enter(user)
        self.chat.people.leave(user, hold=True)
        return self.sessions.token(user)

    async def account(self, name: str, *, password: str = PASSWORD, admin: bool = False) -> str:
        """Registers an account, and gives the token of its session."""
        signed_in = await self.chat.identity.entrance.register(name, password, Origin("127.0.0.1", "tests"))
        if admin:
            accounts = self.chat.identity.accounts
            account = await accounts.by_id(signed_in.user.id)
            assert account is not None
            self.chat.identity.tokens.update(await accounts.change(account, admin=True))
        return signed_in.token

    async def sign_in(self, name: str, *, password: str = PASSWORD) -> str:
        """One more session of an account: its token."""
        answer = await self.call("POST", "/api/session", {"name": name, "password": password})
        assert answer.status == 200, answer
        return str(answer.body["token"])

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. `body` is sent as JSON unless it is bytes."""
        given = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = await self.http_client.fetch(
            self.get_url(path),
            method=method,
            body=raw,
            headers=given,
            raise_error=False,
            follow_redirects=False,
            allow_nonstandard_methods=True,
            request_timeout=PATIENCE,
        )
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        content = json.loads(response.body) if is_json and response.body else response.body
        return Answer(response.code, response.headers, content)

    async def socket(self, name: str = "", *, room: str = "", token: str = "", path: str = "") -> SocketClient:
        """A client that has been welcomed, and if a room is given subscribed. A name makes a passing guest."""
        place = f"/ws/{quote(room, safe='')}" if room else "/ws"
        query = "?" + urlencode({"username": name}) if name else ""
        client = await self.raw_socket(path or place + query, token=token)
        await client.hear("welcome")
        if room:
            await client.hear("subscribed")
        return client

    async def raw_socket(self, path: str, *, token: str = "", headers: Mapping[str, str] | None = None) -> SocketClient:
        """A WebSocket client that has heard nothing yet."""
        url = self.get_url(path).replace("http://", "ws://")
        client = await SocketClient.connect(url, token=token, headers=headers)
        self._cuts.append(client.cut)
        return client

    async def stream(
        self,
        *rooms: str,
        token: str = "",
        name: str = "",
        headers: Mapping[str, str] | None = None,
        limit: int = 2**16,
        **query: Any,
    ) -> StreamClient:
        """A client of the event stream of some rooms."""
        fields = [("room", room) for room in rooms] + _pairs(query) + ([("username", name)] if name else [])
        path = "/api/stream?" + urlencode(fields)
        client = await StreamClient.connect(self.get_http_port(), path, token=token, headers=headers, limit=limit)
        self._cuts.append(client.cut)
        return client

    async def poll(self, *rooms: str, token: str = "", name: str = "", **query: Any) -> Answer:
        fields = [("room", room) for room in rooms] + _pairs(query) + ([("username", name)] if name else [])
        return await self.call("GET", "/api/poll?" + urlencode(fields), token=token)

    async def waiting_poll(self, *rooms: str, token: str = "", name: str = "", **query: Any) -> "asyncio.Task[Answer]":
        """A poll that waits in its rooms by now."""
        before = self.waiters_in(rooms[-1])
        poll = asyncio.create_task(self.poll(*rooms, token=token, name=name, **query))
        await until(lambda: self.waiters_in(rooms[-1]) > before or poll.done())
        return poll

    async def send(self, room: str, text: str, *, token: str, key: str = "") -> int:
        """Sends a text with a request and gives its `seq`."""
        path = f"/api/rooms/{quote(room, safe='')}/messages"
        answer = await self.call("POST", path, {"text": text, "key": key or new_key()}, token=token)
        assert answer.status == 201, answer
        return int(answer.body["seq"])

    async def command(self, room: str, *, token: str, **fields: Any) -> Answer:
        path = f"/api/rooms/{quote(room, safe='')}/commands"
        return await self.call("POST", path, fields, token=token)

    async def page(self, room: str, *, token: str = "", **query: Any) -> Answer:
        path = f"/api/rooms/{quote(room, safe='')}/messages?" + urlencode(query)
        return await self.call("GET", path, token=token)

    # What the server holds

    def awake(self, name: str) -> Room | None:
        return next((room for room in self.chat.registry if room.name == name), None)

    def waiters_in(self, name: str) -> int:
        """How many clients are in a room."""
        room = self.awake(name)
        return len(room._waiters) if room else 0

    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """All that the database holds about rooms and their logs."""
        database = self.mongod.client[self.database_name]
        return {name: list(database[name].find().sort("_id", 1)) for name in ("entries", "rooms")}

    def run_async(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs a coroutine of a test whose own function is none, as hypothesis wants it."""
        self.io_loop.run_sync(work, timeout=PATIENCE)


def _pairs(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A value that is a list stands for a repeated argument."""
    return [
        (name, str(value))
        for name, values in query.items()
        for value in (values if isinstance(values, list | tuple) else [values])
    ]
