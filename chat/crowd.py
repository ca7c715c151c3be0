"""The crowds of a room: the clients that take a broadcast as it is, one system call each and nothing else."""

import logging
import socket
from typing import TYPE_CHECKING

from chat.framing import send_to_all

if TYPE_CHECKING:
    from chat.streaming import StreamingWaiter

log = logging.getLogger("parley.crowd")

# A crowd is told in one go, in less than a millisecond: so long whoever else says something waits until they are heard.
LARGEST = 64


class Crowds:
    """All who stand in the crowds of one room."""

    __slots__ = ("_crowds",)

    def __init__(self) -> None:
        self._crowds: list[Crowd] = []

    def __len__(self) -> int:
        return sum(map(len, self._crowds))

    def add(self, waiter: "StreamingWaiter", connection: socket.socket) -> bool:
        """One who is not there yet, into a crowd that has room; False as `Crowd.add` says it."""
        crowd = next((crowd for crowd in self._crowds if len(crowd) < LARGEST), None)
        if crowd is None:
            crowd = Crowd()
            self._crowds.append(crowd)
        return crowd.add(waiter, connection)

    def remove(self, waiter: "StreamingWaiter") -> bytes:
        """One who is there; returns what waits for them."""
        return next(crowd for crowd in self._crowds if waiter in crowd).remove(waiter)

    def put(self, data: bytes) -> None:
        """Takes bytes for all, to be sent from the end of this turn of the loop on: one crowd after the other, and
        between them the loop may hear what is said next."""
        for crowd in self._crowds:
            if crowd:
                crowd.put(data)


class Crowd:
    """Clients for whom nothing else waits, by their sockets.

    What is said to thousands costs each of them what its system call costs: the sockets stand in one list, so that no
    client's own state is touched. Who is to get anything else, or is slow, stands apart meanwhile. What is put before
    its turn comes leaves in one write for each.
    """

    __slots__ = ("_late", "_places", "_sockets", "_waiters", "_waiting")

    def __init__(self) -> None:
        self._waiters: list[StreamingWaiter] = []
        self._sockets: list[socket.socket] = []
        self._places: dict[StreamingWaiter, int] = {}
        self._waiting: list[bytes] = []
        self._late: list[StreamingWaiter] = []

    def __len__(self) -> int:
        return len(self._waiters)

    def __contains__(self, waiter: "StreamingWaiter") -> bool:
        return waiter in self._places

    def add(self, waiter: "StreamingWaiter", connection: socket.socket) -> bool:
        """One who is not there yet. False while something waits, which is not for them: they are asked to gather when
        it has left."""
        if self._waiting:
            self._late.append(waiter)
            return False
        self._places[waiter] = len(self._waiters)
        self._waiters.append(waiter)
        self._sockets.append(connection)
        return True

    def remove(self, waiter: "StreamingWaiter") -> bytes:
        """One who is there: the last one takes the place. Returns what waits for them."""
        place = self._places.pop(waiter)
        last, connection = self._waiters.pop(), self._sockets.pop()
        if last is not waiter:
            self._waiters[place], self._sockets[place] = last, connection
            self._places[last] = place
        return b"".join(self._waiting)

    def put(self, data: bytes) -> None:
        """Takes bytes for all (there are some), to be sent when it is this crowd's turn."""
        if not self._waiting:
            self._waiters[0].tick.touch_crowd(self)
        self._waiting.append(data)

    def flush(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        # Who takes care of one may let it leave, and so move another.
        for waiter, rest in [(self._waiters[place], rest) for place, rest in send_to_all(self._sockets, data)]:
            try:
                waiter.go_on(rest)
            except Exception:  # the others have nothing to do with it; its own bytes are broken off
                log.exception("delivery to %s failed", waiter.user.id)
                waiter.go_on(None)
        late, self._late = self._late, []
        for waiter in late:
            waiter.gather()
