"""The certainty that nothing of a test run outlives it.

Run as a program it waits for its input to end, which it does however the tests end, and kills what still works in a
folder.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def sweeping(folder: Path) -> Iterator[None]:
    """Kills what works in `folder` when the run has ended, and complains if there was anything."""
    guard = subprocess.Popen(
        [sys.executable, __file__, str(folder)], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
    )
    try:
        yield
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        assert guard.wait(20) == 0, "a test has left a process running"


def processes_in(folder: Path) -> list[int]:
    """The processes whose working directory is in a folder (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def sweep(folder: Path) -> int:
    sys.stdin.read()
    left = processes_in(folder)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(sweep(Path(sys.argv[1]).resolve()))
