"""What the ways over plain HTTP have in common: commands go by POST, and what comes is asked for in rounds."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from parley_client.errors import Refused, Unreachable
from parley_client.events import Ack, HistoryPage
from parley_client.site import PATIENCE, Query, Site, room_path
from parley_client.subscription import Subscription, room_key
from parley_client.transport import LOST, Ended, Owner, Transport
from parley_client.wire import Command, Error, PollAnswer, RoomFacts, RoomNews, Subscribed, Telling, decode_as

TRY_AGAIN = 2.0
"""Seconds before a command is sent again that may not have reached the server."""


class HttpTransport(Transport):
    """The rooms of a round are settled when it begins: another set of rooms needs another round.

    What a round that is broken off would have said is not lost, as cursors move only with what has arrived.
    """

    def __init__(self, site: Site, rooms: Callable[[], Sequence[Subscription]], owner: Owner) -> None:
        super().__init__(site, rooms, owner)
        self._changed = asyncio.Event()
        self._posts: set[asyncio.Task[None]] = set()
        self._is_ready = False

    @abstractmethod
    async def round(self, rooms: Sequence[Subscription]) -> None:
        """Receives some rooms until it is cancelled; raises Refused, Unreachable."""

    async def run(self) -> NoReturn:
        try:
            while True:
                await self._run_round()
        except Refused as error:
            raise Ended.by(error) from error
        except Unreachable as error:
            raise Ended(LOST, str(error)) from error
        finally:
            for post in self._posts:
                post.cancel()

    def subscribe(self, room: Subscription) -> None:
        self._changed.set()

    def unsubscribe(self, room: Subscription) -> None:
        self._changed.set()

    def send(self, command: Command | Telling) -> None:
        post = asyncio.create_task(self._post(command))
        self._posts.add(post)
        post.add_done_callback(self._posts.discard)

    def ready(self) -> None:
        """Tells, once, that the connection works."""
        if not self._is_ready:
            self._is_ready = True
            self.owner.ready()

    def cursors(self, rooms: Sequence[Subscription]) -> Query:
        """The query arguments that name some rooms, and where one is in them."""
        yield from (("room", room.name) for room in rooms)
        yield from (("after", room.seq or 0) for room in rooms)
        yield from (("epoch", room.epoch or "") for room in rooms)

    async def meet(self, rooms: Sequence[Subscription]) -> None:
        """Asks who is there, and for rooms that are not begun what was said last: a poll would tell neither before
        something happens in the room."""
        query: list[tuple[str, str | int]] = [("room", room.name) for room in rooms]
        query += [("after", -1)] * len(rooms)
        ends = await self.poll(query)
        self.ready()
        for room in rooms:
            end = ends[room.key]
            if room.seq is None:
                self.owner.take(await self._first_sight(room, end))
            elif end.members is not None:
                room.take_members(end.members, end.people)

    async def poll(self, query: Query, patience: float = PATIENCE) -> dict[str, RoomNews]:
        """What a poll answers, by the keys of the rooms."""
        raw = await self.site.call("GET", "/api/poll", query=[*query, ("members", 1)], patience=patience)
        return {room_key(name): news for name, news in decode_as(raw, PollAnswer).rooms.items()}

    async def _run_round(self) -> None:
        self._changed.clear()
        rooms = list(self.rooms())
        going = asyncio.create_task(self.round(rooms) if rooms else self._without_rooms())
        changing = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait((going, changing), return_when=asyncio.FIRST_COMPLETED)
            if going.done():
                await going
        finally:
            going.cancel()
            changing.cancel()
            # Unlike waiting for each alone this tells one's own end from theirs.
            await asyncio.gather(going, changing, return_exceptions=True)

    async def _without_rooms(self) -> None:
        """No request can wait for nothing; commands have their own."""
        await self.site.call("GET", "/api/session")
        self.ready()
        await asyncio.Event().wait()

    async def _first_sight(self, room: Subscription, end: RoomNews) -> Subscribed:
        subscribed = end.subscribed(room.name)
        facts = decode_as(await self.site.call("GET", room_path(room.name)), RoomFacts)
        subscribed.title = facts.title
        if end.seq and room.history:
            query = [("limit", room.history)]
            page = await self.site.call("GET", f"{room_path(room.name)}/messages", query=query)
            found = decode_as(page, HistoryPage)
            subscribed.epoch, subscribed.seq = found.epoch, found.seq
            subscribed.entries = [msgspec.Raw(msgspec.json.encode(message)) for message in found.entries]
        return subscribed

    async def _post(self, command: Command | Telling) -> None:
        path = f"{room_path(command.room)}/commands"
        body = {name: value for name, value in msgspec.to_builtins(command).items() if name != "room"}
        key = command.key if isinstance(command, Command) else None
        try:
            answer = await self.site.call("POST", path, body=body)
            if key is not None:
                self.owner.take(decode_as(answer, Ack))
        except Refused as error:
            self._answer(key, error.code, error.reason, error.retry_after)
        except Unreachable as error:
            self._answer(key, "unavailable", str(error), TRY_AGAIN)

    def _answer(self, key: str | None, code: str, reason: str, retry_after: float | None) -> None:
        if key is not None:
            self.owner.take(Error(code=code, reason=reason, key=key, retry_after=retry_after))
