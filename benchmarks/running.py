"""Starts and stops servers, builds the C programs, and gives each its place on the processor."""

import contextlib
import http.client
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from servers import HERE, Server

START_SECONDS = 60  # a first start of MongoDB on a slow disk takes some
STOP_SECONDS = 15  # then it is killed
OUTPUT_SHOWN = 1500  # of what a server said, when it fails
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = {CORES[0]}
LOAD_CORES = {CORES[1 % len(CORES)]}
# A database goes where the system finds room, on cores of its own where there are any.
DATABASE_CORES = set(CORES[2:]) or set(CORES)


class BenchmarkError(Exception):
    """Something that is needed is missing or does not work; the message is a sentence for the user."""


@dataclass(frozen=True)
class Running:
    """A server that answers. `processes` holds its process id, then those of its children (a database)."""

    server: Server
    port: int
    processes: list[int]
    start_seconds: float
    folder: Path


def raise_file_limit() -> int:
    """Lets this process and its children open as many files as the system allows; returns that number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


@contextlib.contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """What is started meanwhile stays on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def built() -> Iterator[Path]:
    """A temporary folder with the load generator and the C server; they build quickly, so none are kept."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise BenchmarkError("A C compiler is needed (cc, gcc or clang): the load generator is built with it.")
    with tempfile.TemporaryDirectory(prefix="parley-benchmark-") as folder:
        for program, sources in {"load": "load/*.c", "epoll_loop": "peers/epoll_loop.c"}.items():
            files = [str(path) for path in sorted(HERE.glob(sources))]
            command = [compiler, "-O2", "-std=gnu11", "-o", f"{folder}/{program}", *files]
            outcome = subprocess.run(command, capture_output=True, text=True, check=False)
            if outcome.returncode != 0:
                raise BenchmarkError(f"{program} does not build:\n{outcome.stderr}")
        yield Path(folder)


@contextlib.contextmanager
def running(server: Server, programs: Path, folder: Path | None = None) -> Iterator[Running]:
    """Starts a server on a free port and stops it in the end; its folder is a new one if none is given."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-benchmark-")))
        port = _free_port()
        command = [part.format(port=port, folder=folder, built=programs) for part in server.command]
        output = stack.enter_context(tempfile.TemporaryFile())
        started = time.monotonic()
        try:
            with on(SERVER_CORES):
                process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        except FileNotFoundError as error:
            raise BenchmarkError(f"{server.label}: {error.filename} is not there; is it installed?") from None
        try:
            _wait_until_ready(server, port, process)
            seconds = time.monotonic() - started
            children = _children(process.pid)
            for child in children:
                _place(child, DATABASE_CORES)
            yield Running(server, port, [process.pid, *children], seconds, folder)
        except BenchmarkError as error:
            output.seek(0)
            said = output.read().decode(errors="replace")[-OUTPUT_SHOWN:].strip()
            raise BenchmarkError(f"{error}\n{said}".strip()) from None
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: Server, port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchmarkError(f"{server.label} ended with code {process.returncode} instead of serving.")
        if _is_ready(server, port):
            return
        time.sleep(0.01)
    raise BenchmarkError(f"{server.label} did not serve within {START_SECONDS} seconds.")


def _is_ready(server: Server, port: int) -> bool:
    try:
        if not server.health:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", server.health)
            return connection.getresponse().status == 200
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False


def _children(process: int) -> list[int]:
    """All processes below this one."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1])
    found = [process]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found[1:]


def _place(process: int, cores: set[int]) -> None:
    """Moves all threads of a process; new ones inherit it."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), cores)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    children = _children(process.pid)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
