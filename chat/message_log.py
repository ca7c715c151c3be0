"""A line in the log for each entry that was stored, where that is wished (`--message-log`).

It says who (by the id), where, what kind and how long: never what. Even so it tells of everybody whom they talk with
and when, so it is off unless it is switched on.
"""

import logging
from collections.abc import Iterable

from chat.entries import Entry

log = logging.getLogger("parley.messages")


def switch(on: bool) -> None:
    """Whether anything is logged here; off costs one question for each commit."""
    log.setLevel(logging.INFO if on else logging.WARNING)


def note(entries: Iterable[tuple[str, Entry]], process: str) -> None:
    """Entries, each with the key of its room, as they are told to everybody by the process that has stored them."""
    if not log.isEnabledFor(logging.INFO):
        return
    for room, entry in entries:
        fields = {
            "room": room,
            "seq": entry.seq,
            "user": entry.user.id,
            "length": len(entry.text or ""),
            "process": process,
        }
        if entry.target:
            fields["target"] = entry.target
        log.info("%s", entry.type, extra={"fields": fields})
