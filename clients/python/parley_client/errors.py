"""What can go wrong, as far as whoever uses the client has to know it."""


class ParleyError(Exception):
    """Anything below."""


class Refused(ParleyError):
    """The server says no: `code` and `reason` as the contract has them.

    `status` is that of HTTP, 0 over a WebSocket; `retry_after` are seconds where waiting helps; `room` is the one that
    it is about where a request was about several.
    """

    def __init__(
        self, code: str, reason: str, *, status: int = 0, retry_after: float | None = None, room: str | None = None
    ) -> None:
        super().__init__(f"{reason} ({code})")
        self.code = code
        self.reason = reason
        self.status = status
        self.retry_after = retry_after
        self.room = room


class RoomLost(Refused):
    """One is not in the room any more: put out of it, or it has been deleted."""


class Unreachable(ParleyError):
    """No answer came, or none that Parley gives."""


class Closed(ParleyError):
    """The connection is over for good, with a close code of the contract: 4400, 4401, 4403; or 1000, by oneself."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason} ({code})")
        self.code = code
        self.reason = reason


class OutboxFull(ParleyError):
    """So much waits to be acknowledged that no more is taken."""
