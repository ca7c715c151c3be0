"""Where an outbox is kept over the end of the process."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from parley_client.errors import ParleyError
from parley_client.wire import Command

if sys.platform != "win32":
    import fcntl


class _Line(msgspec.Struct, omit_defaults=True):
    """One line of the file: something more waits, or the command with a key is done."""

    add: Command | None = None
    done: str | None = None


_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


class OutboxFile:
    """A journal of lines of JSON, one for what was said and one for its acknowledgement.

    It belongs to one client at a time, which a lock sees to where the system has one, and to one person: whoever opens
    it says what stands in it. It outlives the process, and not a loss of power.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def open(self) -> Sequence[Command]:
        """What waits in it, in order; raises ParleyError if another client has it open."""
        self._file = self._path.open("a+b")
        _lock(self._file, self._path)
        self._file.seek(0)
        raw = self._file.read()
        waiting = _replay(raw)
        if not waiting:
            self._file.truncate(0)
        elif not raw.endswith(b"\n"):
            self._file.write(b"\n")
        return waiting

    def add(self, command: Command) -> None:
        self._write(_Line(add=command))

    def remove(self, key: str, *, is_empty: bool) -> None:
        """A command is done; `is_empty`: nothing else waits, so nothing that stands in the file matters any more."""
        if is_empty and self._file is not None:
            self._file.truncate(0)
        else:
            self._write(_Line(done=key))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: _Line) -> None:
        assert self._file is not None
        self._file.write(_encoder.encode(line) + b"\n")
        self._file.flush()


def _replay(raw: bytes) -> list[Command]:
    """What the lines leave waiting. A last line that was cut off in the writing is left out."""
    waiting: dict[str, Command] = {}
    for text in raw.split(b"\n"):
        try:
            line = _decoder.decode(text)
        except msgspec.MsgspecError:
            continue
        if line.add is not None:
            waiting[line.add.key] = line.add
        elif line.done is not None:
            waiting.pop(line.done, None)
    return list(waiting.values())


def _lock(file: IO[bytes], path: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise ParleyError(f"Another client has the outbox {path} open.") from error
