"""The examples that are sites of their own, as they are started by hand."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from tornado.testing import bind_unused_port

from .server_process import ROOT, START_TIMEOUT


class Site(NamedTuple):
    """Where people come in."""

    address: str


@contextmanager
def running_example(name: str, folder: Path, *arguments: str) -> Iterator[str]:
    """`python -m examples.<name>` in a folder; its address. It has Parley below /talk."""
    listening, port = bind_unused_port()
    listening.close()
    folder.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PARLEY_")}
    command = [sys.executable, "-m", f"examples.{name}", str(port), *arguments]
    process = subprocess.Popen(command, cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)})
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + START_TIMEOUT
        while not _serves(address):
            assert process.poll() is None and time.monotonic() < end, "the example did not start"
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _serves(address: str) -> bool:
    try:
        urlopen(f"{address}/talk/healthz", timeout=5).close()
    except OSError:
        return False
    return True
