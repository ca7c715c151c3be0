"""/api/poll: waiting for what comes next in one room or several."""

import time

from chat.broadcast import Broadcast
from chat.catch_up import CatchUp, at_hand, catch_up
from chat.entries import Entry
from chat.errors import NotFound
from chat.protocol import encode
from chat.room import Room
from chat.waiters import PollWaiter
from handlers.cursors import END, Wanted, wanted_rooms
from handlers.quick import QuickHandler


class PollHandler(QuickHandler):
    """Answered at once if anything is there, else in the very turn of the loop in which something comes."""

    lets_visitors = True
    waiter: PollWaiter | None = None

    async def get(self) -> None:
        limits = self.chat.limits
        self.chat.clients.admit(self.request.remote_ip or "")
        caller = self.caller()
        user, passing = caller.user, caller.passing
        wanted = wanted_rooms(self, least=END)
        wait = self.number("wait", int(limits.poll_wait), least=0, most=int(limits.poll_wait_limit))
        self.waiter = waiter = PollWaiter(
            caller,
            self.chat.tick,
            linger=0 if passing else limits.poll_linger,
            notices="1" in self.arguments("members"),  # they change with each coming and going
            call_later=self.chat.alarms.call_later,
        )
        begun = time.monotonic()
        self.chat.people.enter(user)
        self.chat.clients.add(waiter)
        try:
            rooms = [
                (asked, *(self._join_at_once(asked, waiter) or await self._join(asked, waiter))) for asked in wanted
            ]
            if self.chat.stopping.is_set() or any(_has_something(asked, found) for asked, _, found in rooms):
                waiter.finish()
            came = await waiter.wait(wait)
        finally:
            self.chat.clients.remove(waiter)
            waiter.leave_all()
            self.chat.people.leave(user, hold=not passing)
        self.chat.metrics.poll_wait_seconds.observe(time.monotonic() - begun)
        parts = [_part(asked, room, found, came, waiter) for asked, room, found in rooms]
        self.answer_at_once(b'{"rooms":{%b}}' % b",".join(parts))

    def _join_at_once(self, asked: Wanted, waiter: PollWaiter) -> tuple[Room, CatchUp] | None:
        """As `_join`, where memory has all that is needed: the next poll of one who polls already."""
        room = self.chat.registry.awake(asked.name)
        if room is None or asked.at_end:
            return None
        try:
            self.chat.access.may_read(room, waiter.caller)
        except NotFound:
            return None  # that there is none is answered in one time, which is not so short
        found = at_hand(room, asked.cursor, self.chat.limits)
        if found is None:
            return None
        room.join(waiter)
        return room, found

    async def _join(self, asked: Wanted, waiter: PollWaiter) -> tuple[Room, CatchUp]:
        room = await self.chat.access.to_join(asked.name, asked.cursor, waiter.caller)
        if asked.at_end:  # answered at once: who asks for it is not there yet
            return room, CatchUp(room.seq, [])
        found = await catch_up(room, asked.cursor, self.chat.history, self.chat.limits)
        self.chat.access.may_read(room, waiter.caller)  # it may have been lost meanwhile
        room.join(waiter)
        return room, found

    def on_connection_close(self) -> None:
        """A client that has gone away is not waited for."""
        if self.waiter is not None:
            self.waiter.leave_all()
            self.waiter.finish()


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
