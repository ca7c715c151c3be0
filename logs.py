"""What is logged, and how: one line of JSON for each event, or a plain one for a terminal.

Logs are read by more people than messages are, and by programs. So nothing that a client has sent stands there but ids
and names of rooms, and nothing can look like a line of its own: of exceptions there are the types and the places, not
the words, which may quote anything; of what libraries log there is the sentence without what is filled in.
"""

import json
import logging
import re
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any, Literal, TextIO

HERE = Path(__file__).resolve().parent
OWN = "parley"
# Of an exception: so many that led to it, and so many places of each, the innermost.
CAUSES = 5
PLACES = 20

log = logging.getLogger("parley.loop")


def configure(form: Literal["auto", "plain", "json"], level: str, stream: TextIO = sys.stderr) -> None:
    """Lets all loggers write to `stream`; `auto` is plain on a terminal."""
    logging.raiseExceptions = False  # a fault in logging would print what was to be logged
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Plain() if form == "plain" or (form == "auto" and stream.isatty()) else Json())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(level.upper())
    # What Tornado warns of are the faults of clients, and it quotes them. A request has its own line, if any.
    for name in ("tornado.general", "tornado.access"):
        logging.getLogger(name).setLevel(logging.ERROR)
    sys.excepthook = _failed
    sys.unraisablehook = lambda unraisable: _failed(unraisable.exc_type, unraisable.exc_value, None)
    threading.excepthook = lambda arguments: _failed(arguments.exc_type, arguments.exc_value, None)


def loop_failed(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """The event loop's handler of exceptions that nobody took: asyncio's own would print what its tasks hold."""
    sentence = re.split(r"[(<]", str(context.get("message", "")))[0].strip()
    log.error("in the event loop: %s", sentence, exc_info=context.get("exception"))


def _failed(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
    if not isinstance(error, KeyboardInterrupt):
        log.critical("%s was not expected", kind.__name__, exc_info=error)


class Json(logging.Formatter):
    """An event as one object: `at`, `level`, `logger`, `event`, what else is known, and `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "at": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event(record),
            **getattr(record, "fields", {}),
        }
        traceback = list(_traceback(record))
        if traceback:
            fields["traceback"] = traceback
        return _escaped(json.dumps(fields, ensure_ascii=False, default=str))


class Plain(logging.Formatter):
    """An event as a line for people, the traceback in indented ones."""

    def format(self, record: logging.LogRecord) -> str:
        moment = _time(record).astimezone().strftime("%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in getattr(record, "fields", {}).items())
        first = f"{moment} {record.levelname} {record.name}: {_event(record)}{fields}"
        return "\n    ".join(_escaped(line) for line in (first, *_traceback(record)))


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _event(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == OWN:
        return record.getMessage()
    return record.msg if isinstance(record.msg, str) else type(record.msg).__name__


def _traceback(record: logging.LogRecord) -> Iterator[str]:
    """The exception and what led to it: the type of each, and where it passed, innermost last."""
    error = record.exc_info[1] if record.exc_info else None
    for _ in range(CAUSES):
        if error is None:
            return
        kind = type(error)
        yield f"{kind.__module__}.{kind.__qualname__}"
        for frame, line in list(walk_tb(error.__traceback__))[-PLACES:]:
            path = Path(frame.f_code.co_filename)
            shown = path.relative_to(HERE) if path.is_relative_to(HERE) else Path(*path.parts[-3:])
            yield f"at {shown}:{line} in {frame.f_code.co_qualname}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _escaped(line: str) -> str:
    """Without line breaks, escape sequences of terminals, and what turns the direction of text: as JSON has them."""
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in line)
