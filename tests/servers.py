"""Servers of Parley and of MongoDB as processes of their own."""

import contextlib
import http.client
import json
import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pymongo

from chat.mongod import find_binary

SERVER = Path(__file__).resolve().parent.parent / "server.py"
PATIENCE = 30.0
"""Seconds for a server to come up or go down; a busy machine takes a few."""


def environment(**variables: str) -> dict[str, str]:
    """This process's variables without Parley's own, and with those given."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")} | variables


class Server:
    """`python server.py` in a folder of its own, with its data there."""

    def __init__(self, folder: Path, *flags: str, **variables: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.tls: ssl.SSLContext | None = None
        """With which it is called, if it was started with a certificate."""
        self.lines: list[str] = []
        self._new_lines: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), "--port=0", *flags],
            cwd=folder,
            env=environment(**variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            self._new_lines.put(line)
        self._new_lines.put(None)

    def __enter__(self) -> Self:
        self.ready()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    def ready(self) -> None:
        """Waits until it serves."""
        self.port = int(self.said(r"Parley is at https?://[^:]+:(\d+)")[1])

    def said(self, pattern: str) -> re.Match[str]:
        """Waits for a line that nobody has waited for yet."""
        end = time.monotonic() + PATIENCE
        while True:
            line = self._new_lines.get(timeout=max(0.1, end - time.monotonic()))
            assert line is not None, "the server ended: " + "\n".join(self.lines)
            found = re.search(pattern, line)
            if found:
                return found

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit status, once it has ended and all it said is read."""
        status = self.process.wait(PATIENCE)
        while self._new_lines.get(timeout=PATIENCE) is not None:
            pass
        return status

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Exit status and seconds."""
        begin = time.monotonic()
        self.send_signal(number)
        return self.process.wait(PATIENCE), time.monotonic() - begin

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> tuple[int, Any]:
        """One request: status, and the body read from JSON."""
        connection = (
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            if self.tls is None
            else http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE, context=self.tls)
        )
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def token(self, name: str) -> str:
        return str(self.call("POST", "/api/session", {"name": name})[1]["token"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def mongod_on_tcp(folder: Path, *, replica_set: str = "") -> Iterator[str]:
    """The address of a mongod that listens on a port of this machine."""
    folder.mkdir(parents=True)
    port = free_port()
    flags = ["--replSet", replica_set, "--oplogSize", "256"] if replica_set else []
    process = subprocess.Popen(
        [
            *(find_binary(), "--dbpath", ".", "--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"),
            *("--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false", *flags),
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"mongodb://127.0.0.1:{port}/"
        with contextlib.closing(pymongo.MongoClient[Any](address, directConnection=True, timeoutMS=30_000)) as client:
            client.admin.command("ping")
            if replica_set:
                members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
                client.admin.command("replSetInitiate", {"_id": replica_set, "members": members})
                while not client.admin.command("hello")["isWritablePrimary"]:
                    time.sleep(0.02)
        yield address + (f"?replicaSet={replica_set}" if replica_set else "")
    finally:
        process.kill()
        process.wait(PATIENCE)
