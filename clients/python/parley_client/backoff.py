"""How long to wait before the next try to connect."""

import random

CAP = 30.0
"""The longest wait, in seconds: long enough to spare a server that is down for hours."""

FIRST = 0.5
"""The bound of the first wait after the immediate try, in seconds. It doubles from try to try."""


class Backoff:
    """No wait at first, then a random one below a bound that doubles ("full jitter"), so that the clients of a
    restarted server do not all come back at once."""

    def __init__(self) -> None:
        self._tries = 0

    def next(self) -> float:
        """Seconds."""
        bound = 0.0 if self._tries == 0 else min(CAP, FIRST * 2 ** min(self._tries - 1, 16))
        self._tries += 1
        return random.uniform(0, bound)

    def reset(self) -> None:
        """A try has succeeded: the next wait is none again."""
        self._tries = 0
