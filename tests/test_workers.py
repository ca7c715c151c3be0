"""Several processes of one server: the parent, its workers, and what becomes of them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rooms import new_key
from tests.servers import PATIENCE, Server, mongod_on_tcp


def workers_of(server: Server) -> list[int]:
    """The worker processes of a parent."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"server.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with Server(folder, "--processes=2", "--log-level=debug", "--log-format=plain") as running:
        yield running


@pytest.mark.timeout(120)
def test_two_workers_serve_one_room_and_one_that_dies_is_replaced(server: Server) -> None:
    """The log names the process that handled each message; SIGTERM stops all."""
    token = server.token("ann")

    def send(text: str) -> int:
        status, answer = server.call("POST", "/api/rooms/lobby/messages", {"text": text, "key": new_key()}, token=token)
        assert status == 201
        return int(answer["seq"])

    assert [send("before") for _ in range(5)] == [1, 2, 3, 4, 5]
    until(lambda: sum(" handled lobby/" in line for line in list(server.lines)) == 5)
    before = workers_of(server)
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    server.said("worker . has ended with status -9")
    assert send("while one is away") == 6
    server.said("worker . serves")
    until(lambda: len(workers_of(server)) == 2)
    now = workers_of(server)
    assert now != before
    assert send("after") == 7
    assert server.stop()[0] == 0
    assert not any(map(is_running, now))


@pytest.mark.timeout(120)
def test_workers_end_with_a_parent_that_is_killed(server: Server) -> None:
    workers = workers_of(server)
    assert len(workers) == 2
    server.process.kill()
    until(lambda: not any(map(is_running, workers)))
    with Server(server.folder) as again:  # takes over the MongoDB that is left
        assert again.call("GET", "/healthz")[0] == 200


@pytest.mark.timeout(120)
def test_a_standalone_is_for_one_process(folder: Path) -> None:
    """One that was killed is in nobody's way."""
    with mongod_on_tcp(folder / "mongod") as uri:
        several = Server(folder / "several", "--processes=2", f"--mongo={uri}")
        assert several.ended() == 1
        assert "--processes needs a replica set" in several.lines[-1]
        with Server(folder / "first", f"--mongo={uri}") as first:
            second = Server(folder / "second", f"--mongo={uri}")
            assert second.ended() == 1
            assert "works on this database already, and a second one needs a replica set" in second.lines[-1]
            first.process.kill()
            first.process.wait(PATIENCE)
        with Server(folder / "third", f"--mongo={uri}") as third:
            assert third.call("GET", "/healthz")[0] == 200
