"""Which way to the server to take."""

from parley_client.poll_transport import PollTransport
from parley_client.socket_transport import SocketTransport
from parley_client.stream_transport import StreamTransport
from parley_client.transport import Transport, TransportName

RUNGS: tuple[type[Transport], ...] = (SocketTransport, StreamTransport, PollTransport)
"""The ways to the server, the best first."""

PATIENCE = 2
"""So many failures in a row mean that a way is blocked, and not merely unlucky."""

PATIENCE_AFTER_SUCCESS = 4
"""A way that has worked is given more time: more likely the network is moving than blocked."""

CLIMB_AFTER = 5 * 60.0
"""After so long on a lesser way the best one is tried again, in seconds."""


class TransportLadder:
    """Takes the best way that is not blocked, or the one that is `forced`."""

    def __init__(self, forced: TransportName | None) -> None:
        self._rungs = [rung for rung in RUNGS if forced in (None, rung.title)]
        if not self._rungs:
            raise ValueError(f"{forced!r} is no transport; there are ws, stream and poll")
        self._rung = 0
        self._failures = 0
        self._patience = PATIENCE
        self._worked: set[type[Transport]] = set()

    @property
    def current(self) -> type[Transport]:
        """The way to take now."""
        return self._rungs[self._rung]

    @property
    def can_climb(self) -> bool:
        """Whether there is a better way than the one taken now."""
        return self._rung > 0

    def succeeded(self) -> None:
        """The way taken now works."""
        self._failures = 0
        self._patience = PATIENCE
        self._worked.add(self.current)

    def failed(self) -> None:
        """The way taken now did not open although the server is there; steps down after some of these."""
        self._failures += 1
        patience = PATIENCE_AFTER_SUCCESS if self.current in self._worked else self._patience
        if self._failures >= patience and self._rung < len(self._rungs) - 1:
            self._rung += 1
            self._failures = 0

    def climb(self) -> None:
        """Goes back to the best way; one failure of each is now enough to step down again."""
        self._rung = 0
        self._failures = 0
        self._patience = 1
        self._worked.clear()
