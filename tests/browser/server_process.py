"""A real server as a child process, with a private MongoDB of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

from pymongo import MongoClient
from pymongo.database import Database

# Of all accounts that tests register.
PASSWORD = "correct horse battery"
ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0

_opener = build_opener(ProxyHandler({}))


class ServerProcess:
    """`python server.py` on a free port, which stays the same over restarts. Its data is in `folder`."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self._flags = flags
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._tokens: dict[str, str] = {}

    @property
    def address(self) -> str:
        """Where it is, for a browser."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns when it serves."""
        said_before = len(self._said())
        command = [sys.executable, "server.py", f"--port={self._port}", f"--data={self._data}", "--log-format=plain"]
        command += self._flags
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        end = time.monotonic() + START_TIMEOUT
        while not (found := re.search(r"Parley is at http://\S+:(\d+)", self._said()[said_before:])):
            if not self.is_running or time.monotonic() > end:
                raise AssertionError(f"the server did not start:\n{self._said()[said_before:]}")
            time.sleep(0.02)
        self._port = int(found[1])

    def kill(self) -> None:
        """Ends it as `kill -9` does. Its MongoDB lives on, and the next start takes it over."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to stop and waits until it has."""
        self._end(signal.SIGTERM)
        assert self._process is not None
        assert self._process.returncode == 0, self._said()

    def close(self) -> None:
        """Leaves nothing running, in whatever state it is."""
        if self.is_running:
            self._end(signal.SIGTERM)
        self._kill_mongod()

    def errors(self) -> list[str]:
        """What it has logged that nobody should ever read."""
        return [line for line in self._said().splitlines() if " ERROR " in line or " CRITICAL " in line]

    def database(self) -> Database[dict[str, object]]:
        """Its database, for looking behind it."""
        socket = quote(str(self._data / "mongod.sock"), safe="")
        client: MongoClient[dict[str, object]] = MongoClient(f"mongodb://{socket}/?directConnection=true")
        return client["parley"]

    def call(self, method: str, path: str, body: object = None, token: str | None = None) -> dict[str, object]:
        """The JSON that the HTTP interface answers, or nothing."""
        request = Request(self.address + path, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.data = json.dumps(body).encode()
        with _opener.open(request, timeout=10) as response:
            content = response.read()
        return json.loads(content) if content else {}

    def token(self, name: str) -> str:
        """What signs in as a guest of that name, the same one each time."""
        if name not in self._tokens:
            self._tokens[name] = str(self.call("POST", "/api/session", {"name": name})["token"])
        return self._tokens[name]

    def account(self, name: str, *, admin: bool = False) -> str:
        """Registers an account, and gives the token of its session."""
        answer = self.call("POST", "/api/account", {"name": name, "password": PASSWORD})
        if admin:
            self.database()["accounts"].update_one({"name": name}, {"$set": {"admin": True}})
        return str(answer["token"])

    def sign_in(self, name: str) -> str:
        """The token of one more session of an account."""
        return str(self.call("POST", "/api/session", {"name": name, "password": PASSWORD})["token"])

    @property
    def setup_link(self) -> str:
        """Where the first administrator's account is made; it is said a moment after the server is up."""
        deadline = time.monotonic() + 20
        while not (found := re.findall(r"this link makes the account, once: (\S+)", self._said())):
            assert time.monotonic() < deadline, "no link for the first administrator was said"
            time.sleep(0.02)
        return str(found[-1]).replace("localhost", "127.0.0.1")

    def say(self, room: str, text: str, name: str) -> None:
        """Has a guest of that name write a message."""
        body = {"text": text, "key": str(uuid4())}
        self.call("POST", f"/api/rooms/{quote(room)}/messages", body, self.token(name))

    def fill(self, room: str, count: int) -> None:
        """Has somebody write "message 1" and so on, after the first many at once and so in any order.

        Were the first ones at once too, each would count as one that makes a room.
        """
        self.say(room, "message 1", "scribe")
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: self.say(room, f"message {number}", "scribe"), range(2, count + 1)))

    def texts(self, room: str) -> list[str]:
        """What is stored of a room, in order, at most its last 200 messages."""
        page = self.call("GET", f"/api/rooms/{quote(room)}/messages?limit=200")
        return [entry["text"] for entry in page["entries"]]  # type: ignore[index]

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def _kill_mongod(self) -> None:
        """The MongoDB of a server that was killed and not started again."""
        lock = self._data / "mongod.lock"
        number = lock.read_text(encoding="utf-8").strip() if lock.exists() else ""
        try:
            if number and Path(f"/proc/{number}/cwd").resolve() == self._data.resolve():
                os.kill(int(number), signal.SIGKILL)
        except OSError:
            pass  # it has gone meanwhile
