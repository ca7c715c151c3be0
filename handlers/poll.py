"""/api/poll: waiting for what comes next in one room or several."""

import time

from chat.broadcast import Broadcast
from chat.callers import Caller
from chat.catch_up import CatchUp, at_hand, catch_up
from chat.chat import Chat
from chat.entries import Entry
from chat.errors import NotFound
from chat.protocol import encode
from chat.room import Room
from chat.waiters import PollWaiter
from handlers.arguments import Arguments
from handlers.base import ApiHandler
from handlers.cursors import END, Wanted, wanted_rooms

Joined = tuple[Wanted, Room, CatchUp]
"""A room that is asked for, and what there was when the poll joined it."""


class Poll:
    """One poll: which rooms are asked for, and who waits for them. All raises ChatError."""

    def __init__(self, chat: Chat, caller: Caller, arguments: Arguments) -> None:
        limits = chat.limits
        self._chat = chat
        self._wanted = wanted_rooms(arguments, limits.rooms_per_client, least=END)
        self._wait = arguments.number("wait", int(limits.poll_wait), least=0, most=int(limits.poll_wait_limit))
        self._rooms: list[Joined] = []
        self._begun = time.monotonic()
        self.waiter = PollWaiter(
            caller,
            chat.tick,
            linger=0 if caller.passing else limits.poll_linger,
            notices="1" in arguments.all("members"),  # they change with each coming and going
            call_later=chat.alarms.call_later,
        )

    def enter(self) -> None:
        """Takes the caller in; `leave` is to be called in the end, whatever happens meanwhile."""
        self._chat.people.enter(self.waiter.user)
        self._chat.clients.add(self.waiter)

    def leave(self) -> None:
        """The caller waits no more."""
        self._chat.clients.remove(self.waiter)
        self.waiter.leave_all()
        self._chat.people.leave(self.waiter.user, hold=not self.waiter.caller.passing)

    def give_up(self) -> None:
        """A client that has gone away is not waited for."""
        self.waiter.leave_all()
        self.waiter.finish()

    def is_at_hand(self) -> bool:
        """Whether memory has all that is needed, as it has for the next poll of one who polls already.

        Then `join_at_once` is enough, in the same turn of the loop; else `join` is needed.
        """
        for asked in self._wanted:
            found = self._at_hand(asked)
            if found is None:
                self._rooms.clear()
                return False
            self._rooms.append(found)
        return True

    def join_at_once(self) -> None:
        """Joins the rooms that were found."""
        for _, room, _ in self._rooms:
            room.join(self.waiter)

    async def join(self) -> None:
        """Joins the rooms."""
        for asked in self._wanted:
            found = self._at_hand(asked)
            if found is None:
                found = await self._join(asked)
            else:
                found[1].join(self.waiter)
            self._rooms.append(found)

    def _at_hand(self, asked: Wanted) -> Joined | None:
        room = self._chat.registry.awake(asked.name)
        if room is None or asked.at_end:
            return None
        try:
            self._chat.access.may_read(room, self.waiter.caller)
        except NotFound:
            return None  # that there is none is answered in one time, which is not so short
        found = at_hand(room, asked.cursor, self._chat.limits)
        return None if found is None else (asked, room, found)

    async def _join(self, asked: Wanted) -> Joined:
        caller = self.waiter.caller
        room = await self._chat.access.to_join(asked.name, asked.cursor, caller)
        if asked.at_end:  # answered at once: who asks for it is not there yet
            return asked, room, CatchUp(room.seq, [])
        found = await catch_up(room, asked.cursor, self._chat.history, self._chat.limits)
        self._chat.access.may_read(room, caller)  # it may have been lost meanwhile
        room.join(self.waiter)
        return asked, room, found

    async def answer(self) -> bytes:
        """Waits until anything is there or comes; returns the JSON."""
        if self._chat.stopping.is_set() or any(_has_something(asked, found) for asked, _, found in self._rooms):
            self.waiter.finish()
        came = await self.waiter.wait(self._wait)
        self._chat.metrics.poll_wait_seconds.observe(time.monotonic() - self._begun)
        parts = [_part(asked, room, found, came, self.waiter) for asked, room, found in self._rooms]
        return b'{"rooms":{%b}}' % b",".join(parts)


class PollHandler(ApiHandler):
    """Answered at once if anything is there, else in the very turn of the loop in which something comes.

    The next poll of one who polls already is answered without it: see handlers/quick.py.
    """

    lets_visitors = True
    poll: Poll | None = None

    async def get(self) -> None:
        self.chat.clients.admit(self.request.remote_ip or "")
        self.poll = poll = Poll(self.chat, self.caller(), self.query)
        poll.enter()
        try:
            await poll.join()
            self.finish(await poll.answer())
        finally:
            poll.leave()

    def on_connection_close(self) -> None:
        if self.poll is not None:
            self.poll.give_up()


def _part(asked: Wanted, room: Room, found: CatchUp, came: list[Broadcast], waiter: PollWaiter) -> bytes:
    """`"<room>":{…}` of the answer."""
    mine = [broadcast for broadcast in came if broadcast.key == room.key]
    if len(mine) == 1 and not _has_something(asked, found) and not waiter.notices:
        answer = mine[0].poll_entry_for(waiter.user.id)
    else:
        later = [entry for broadcast in mine for entry in broadcast.entries]
        answer = encode(_room_answer(room, found, later, waiter))
    return encode(asked.name) + b":" + answer


def _has_something(asked: Wanted, found: CatchUp) -> bool:
    return bool(asked.at_end or found.entries or found.reset or found.gap)


def _room_answer(room: Room, found: CatchUp, later: list[Entry], waiter: PollWaiter) -> dict[str, object]:
    entries = [entry.for_reader(waiter.user.id) for entry in found.entries + later]
    answer: dict[str, object] = {
        "epoch": room.epoch,
        "seq": later[-1].seq if later else found.seq,
        "entries": entries,
        "gap": found.gap,
        "reset": found.reset,
    }
    return answer | {"members": room.members(), "people": room.people} if waiter.notices else answer
