"""The client of clients/python, driven."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from parley_client import Client, Closed, Cursor, Gap, ParleyError, Refused, Reset, Room

from tests.conformance.driven import Driven, Event, Failure


class PythonClient(Driven):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._before = asyncio.all_tasks()
        self._client: Client | None = None
        self._rooms: dict[str, Room] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def open(self, address: str, **options: Any) -> None:
        if "outbox" in options:
            options["outbox"] = self._folder / options["outbox"]
        client = Client(address, on_state=self.states.append, **options)
        try:
            await client.__aenter__()
        except ParleyError as error:
            raise failure(error) from None
        self._client = client

    @property
    def _here(self) -> Client:
        assert self._client is not None
        return self._client

    async def join(self, room: str, *, history: int = 50, cursor: Event | None = None) -> Event:
        given = None if cursor is None else Cursor(**cursor)
        try:
            joined = await self._here.join(room, history=history, cursor=given)
        except ParleyError as error:
            raise failure(error) from None
        is_new = joined not in self._rooms.values()
        self._rooms[room] = joined
        if is_new:
            reader = asyncio.create_task(self._read(room, joined))
            self._readers.add(reader)
            reader.add_done_callback(self._readers.discard)
        return {
            "name": joined.name,
            "title": joined.title,
            "people": joined.people,
            "members": [person.name for person in joined.members.values()],
            "recent": [_plain(message) for message in joined.recent],
        }

    async def _read(self, name: str, room: Room) -> None:
        heard = self.events[name]
        try:
            async for event in room.events():
                heard.append(_plain(event))
            heard.append({"type": "over"})
        except ParleyError as error:
            heard.append({"type": "over", "error": failure(error)})

    async def do(self, call: str, room: str, *arguments: Any, **options: Any) -> Any:
        try:
            if call == "send" and room not in self._rooms:
                answer: Any = await self._here.send(room, *arguments, **options)
            else:
                answer = getattr(self._rooms[room], call)(*arguments, **options)
                answer = await answer if asyncio.iscoroutine(answer) else answer
        except ParleyError as error:
            raise failure(error) from None
        return _plain(answer)

    async def messages(self, call: str, room: str, *arguments: int, **options: int) -> list[Event]:
        if call == "history":
            return [_plain(message) for message in (await self._rooms[room].history(**options)).entries]  # type: ignore[arg-type]
        return [_plain(message) async for message in self._rooms[room].between(*arguments)]

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return await self._here.call(method, path, body=body)
        except ParleyError as error:
            raise failure(error) from None

    async def facts(self) -> Event:
        here = self._here
        return {
            "user": _plain(here.user),
            "token": here.token,
            "state": here.state,
            "transport": here.transport,
            "unsent": here.unsent,
            "closed": here.closed and {"code": here.closed.code, "reason": here.closed.reason},
        }

    async def cursor(self, room: str) -> Event:
        return _plain(self._rooms[room].cursor)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.__aexit__(None, None, None)
        self._rooms.clear()

    async def vanish(self) -> None:
        client, self._client = self._here, None
        client._sign_in = None  # nobody signs out
        await client.__aexit__(asyncio.CancelledError, None, None)
        self._rooms.clear()

    async def running(self) -> list[str]:
        await asyncio.sleep(0)
        return [repr(task) for task in asyncio.all_tasks() - self._before - {asyncio.current_task()}]


def failure(error: ParleyError) -> Failure:
    code = error.code if isinstance(error, Refused | Closed) else ""
    reason = error.reason if isinstance(error, Refused | Closed) else str(error)
    return Failure(type(error).__name__, code, reason, getattr(error, "retry_after", None))


def _plain(value: Any) -> Any:
    plain = msgspec.to_builtins(value)
    if isinstance(value, Gap | Reset):
        plain["type"] = type(value).__name__.lower()
    return plain
