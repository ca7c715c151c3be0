"""How events are logged."""

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any, Literal

import pytest

import logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The loggers and hooks of the test run, as they were."""
    root = logging.getLogger()
    names = (None, "parley", "tornado.general", "tornado.access")
    levels = {name: logging.getLogger(name).level for name in names}
    kept = root.handlers, sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions
    yield
    root.handlers, sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions = kept
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def configured(
    form: Literal["auto", "plain", "json"] = "json", level: str = "info", stream: io.StringIO | None = None
) -> io.StringIO:
    stream = stream or io.StringIO()
    logs.configure(form, level, stream)
    return stream


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def failing(word: str) -> None:
    raise ValueError(word)


def test_an_event_is_one_object() -> None:
    """With when, how bad, who says it, what, and what else is known."""
    stream = configured()
    logging.getLogger("parley.room").info("room %r is idle", "a", extra={"fields": {"people": 3}})
    (event,) = events(stream)
    assert event.pop("at").endswith("+00:00")
    assert event == {"level": "info", "logger": "parley.room", "event": "room 'a' is idle", "people": 3}


def test_a_terminal_is_shown_plain_lines() -> None:
    """`auto` looks at where it goes; either form can be had anywhere."""
    for form, stream, is_plain in (
        ("auto", Terminal(), True),
        ("auto", io.StringIO(), False),
        ("plain", io.StringIO(), True),
        ("json", Terminal(), False),
    ):
        configured(form, stream=stream)  # type: ignore[arg-type]
        logging.getLogger("parley").info("hello", extra={"fields": {"ms": 3}})
        assert stream.getvalue().endswith("INFO parley: hello ms=3\n") == is_plain


@pytest.mark.parametrize("form", ["plain", "json"])
@pytest.mark.parametrize(
    "sign",
    ["\n", "\r", "\r\n", "\x1b[2J", "\x9b2J", "\x00", "\x7f", "\u2028", "\u2029", "\x85", "\u202e", "\ud800", "\x0b"],
)
def test_no_name_makes_a_line_of_its_own(form: Literal["plain", "json"], sign: str) -> None:
    """Line breaks, escape sequences and what turns the direction come out as they are written in JSON."""
    stream = configured(form)
    name = f'bob"{sign}12:00:00 INFO parley: all is well'
    logging.getLogger("parley").info("hello %s", name, extra={"fields": {"name": name}})
    text = stream.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n")
    assert text[:-1].isprintable()
    assert "all is well" in text
    if form == "json":
        assert json.loads(text)["name"] == name


@pytest.mark.parametrize("form", ["plain", "json"])
def test_an_exception_is_a_type_and_a_place(form: Literal["plain", "json"]) -> None:
    """Its words may quote anything, and are left out; what led to it is told in the same way."""
    stream = configured(form)
    try:
        try:
            failing("the secret")
        except ValueError as error:
            raise KeyError("the other secret") from error
    except KeyError:
        logging.getLogger("parley").exception("a command failed")
    text = stream.getvalue()
    assert "secret" not in text
    assert "builtins.KeyError" in text and "builtins.ValueError" in text
    assert "tests/test_logs.py:" in text and "in failing" in text and "a command failed" in text
    assert len(text.splitlines()) == (1 if form == "json" else 6)


def test_libraries_are_not_quoted() -> None:
    """Of what they log there is the sentence, without what is filled in; and their chatter is left out."""
    stream = configured(level="debug")
    logging.getLogger("tornado.application").error("Uncaught exception %s\n%r", "GET /?token=secret", "secret")
    logging.getLogger("pymongo.command").warning(object())
    for name, level in (("tornado.general", "warning"), ("pymongo.command", "debug"), ("asyncio", "info")):
        getattr(logging.getLogger(name), level)("secret")
    logging.getLogger("parley").debug("ours")
    assert [event["event"] for event in events(stream)] == ["Uncaught exception %s\n%r", "object", "ours"]


def test_a_fault_in_logging_prints_nothing() -> None:
    """Python would print what was to be logged."""
    stream, kept = configured(), sys.stderr
    sys.stderr = errors = io.StringIO()
    try:
        logging.getLogger("parley").info("%d", "secret")
    finally:
        sys.stderr = kept
    assert "secret" not in errors.getvalue() + stream.getvalue()


def test_nobody_took_an_exception() -> None:
    """In a callback, a task, a thread, a destructor, or at all: a line without its words."""
    stream = configured()

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(logs.loop_failed)
        loop.call_soon(failing, "secret")
        task = loop.create_task(asyncio.to_thread(failing, "secret"))
        await asyncio.wait([task])
        del task

    asyncio.run(scene())
    thread = threading.Thread(target=failing, args=("secret",))
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError("secret"), None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    class Dying:
        def __del__(self) -> None:
            failing("secret")

    Dying()
    found = events(stream)
    assert "secret" not in stream.getvalue()
    sentences = [event["event"] for event in found]
    assert sentences[0] == "in the event loop: Exception in callback failing"
    assert "in the event loop: Task exception was never retrieved" in sentences
    assert sentences.count("ValueError was not expected") == 3
    assert all("builtins.ValueError" in event["traceback"] for event in found)
