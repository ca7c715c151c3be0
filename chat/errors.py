"""What a client can do wrong, or must be told: the error codes of the wire contract."""


class ChatError(Exception):
    """Refuses one request of one client with a code and a sentence, and costs nobody else anything.

    `retry_after` (seconds) is set where waiting helps.
    """

    code = "bad_request"

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class BadRequest(ChatError):
    """The contract is broken; the reason says how."""


class Unauthenticated(ChatError):
    """Not, or no longer, signed in."""

    code = "unauthenticated"


class Forbidden(ChatError):
    """Signed in, but not allowed to."""

    code = "forbidden"


class NotFound(ChatError):
    """There is no such room, message or page."""

    code = "not_found"


class NameTaken(ChatError):
    """Somebody else has the name, of a person or of a room."""

    code = "name_taken"


class TooLarge(ChatError):
    """A text, a message or a body over its limit."""

    code = "too_large"


class RateLimited(ChatError):
    """Too much at once."""

    code = "rate_limited"


class SlowDown(RateLimited):
    """One message too many where each waits for some time between two."""


class Unavailable(ChatError):
    """MongoDB is away, or the server is stopping.

    Whether a change was stored is not known: send it again with its key.
    """

    code = "unavailable"
