"""A moderation filter: bad words are starred, shouting is lowered, and who is refused three times in a row has to wait.

    python server.py --plugins=examples.moderation_filter

It is for all rooms but those whose name begins with `anything-`.
"""

import re
import time
from typing import Any

import msgspec

from chat.errors import Forbidden, RateLimited
from chat.events import Client, on_message
from chat.protocol import Send

BAD_WORDS = re.compile(r"\b(darn|heck|blasted)\b", re.IGNORECASE)
LINKS_AT_MOST = 3
STRIKES = 3
PAUSE = 30.0  # seconds


@on_message(room=r"^(?!anything-)")
def keep_it_civil(client: Client, context: dict[str, Any], message: Send) -> Send | None:
    """Refuses floods of links, and changes what can be mended."""
    if message.text is None:
        return None
    _wait_out(context)
    if message.text.count("://") > LINKS_AT_MOST:
        _strike(context)
        raise Forbidden(f"At most {LINKS_AT_MOST} links in one message, please.")
    context["strikes"] = 0
    text = BAD_WORDS.sub(lambda found: "*" * len(found[0]), message.text)
    if len(text) > 20 and text.isupper():
        text = text.capitalize()
    return msgspec.structs.replace(message, text=text)


def _strike(context: dict[str, Any]) -> None:
    context["strikes"] = context.get("strikes", 0) + 1
    if context["strikes"] >= STRIKES:
        context["until"] = time.monotonic() + PAUSE


def _wait_out(context: dict[str, Any]) -> None:
    left = context.get("until", 0.0) - time.monotonic()
    if left > 0:
        raise RateLimited("Take a break: too much of what you sent was refused.", retry_after=left)
