"""Times as they are stored and told: milliseconds since the Unix epoch."""

import time

DAY = 86_400_000


def now() -> int:
    return int(time.time() * 1000)
