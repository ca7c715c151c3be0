"""Parley as docs/deploy/ puts it up: its unit's command, its settings, behind real proxies."""

import http.client
import json
import logging
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

import configuration
import settings
from handlers.identity import SECURE_COOKIE
from tests.certificates import Authority
from tests.deploy.proxies import DEPLOY, NAME, Configure, Proxy, caddy, connected, nginx, replaced, running
from tests.mongo import SessionMongod
from tests.servers import PATIENCE, SERVER, Server


class Visitor:
    """A browser in front of the proxy."""

    def __init__(self, proxy: Proxy, context: ssl.SSLContext) -> None:
        self.port = proxy.port
        self.plain_port = proxy.plain_port
        self._context = context
        self.origin = f"https://{NAME}:{proxy.port}"
        self.cookie = ""

    def connection(self) -> http.client.HTTPConnection:
        made = http.client.HTTPConnection(NAME, self.port, timeout=PATIENCE)
        made.sock = connected(self.port, self._context)
        return made

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        with closing(self.connection()) as connection:
            given = {"Cookie": self.cookie, "Origin": self.origin} | dict(headers or {})
            connection.request(method, path, None if body is None else json.dumps(body), given)
            response = connection.getresponse()
            return response, response.read()

    def sign_in(self, name: str) -> None:
        response, _ = self.ask("POST", "/api/session", {"name": name}, {"X-Forwarded-For": "203.0.113.66"})
        assert response.status == 200
        self.cookie = str(response.headers["Set-Cookie"]).partition(";")[0]

    def socket(self, path: str, origin: str = "") -> ClientConnection:
        return connect(
            f"wss://{NAME}:{self.port}{path}",
            sock=socket.create_connection(("127.0.0.1", self.port), PATIENCE),
            ssl=self._context,
            server_hostname=NAME,
            additional_headers={"Cookie": self.cookie, "Origin": origin or self.origin},
            compression=None,
            legacy=True,
            logger=SILENT,
        )


# The client logs an error of its own where a proxy ends a connection in the middle of what it says to a refused one.
SILENT = logging.getLogger("tests.silent")
SILENT.disabled = True


def hear(client: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(client.recv(PATIENCE))
        if message["type"] == kind:
            return message


def unit() -> dict[str, str]:
    """The settings of the unit; of those that repeat the last."""
    lines = (DEPLOY / "parley.service").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@pytest.fixture
def server(folder: Path, mongod: SessionMongod, database: str) -> Iterator[Server]:
    """One with the settings of docs/deploy/, on the database of the tests."""
    flags = (
        f"--config={DEPLOY / 'parley.toml'}",
        f"--mongo={mongod.uri}",
        f"--database={database}",
        "--access-log=yes",
    )
    with Server(folder / "server", *flags) as started:
        yield started


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def visitor(request: pytest.FixtureRequest, folder: Path, server: Server) -> Iterator[Visitor]:
    """Somebody before a proxy before the server."""
    configure: Configure = request.param
    authority = Authority(folder)
    with running(configure, folder, server.port, authority.certificate(NAME)) as proxy:
        yield Visitor(proxy, authority.context())


def test_everything_goes_through(visitor: Visitor, server: Server) -> None:
    """Pages, sign-in, sockets, polls that wait, event streams that are not collected; who asks is not who says so."""
    visitor.sign_in("ann")
    assert visitor.cookie.startswith(f"{SECURE_COOKIE}=")
    page, text = visitor.ask("GET", "/chat/a")
    assert page.status == 200 and b"</html>" in text
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not re.search(r"\d", page.headers.get("Server", ""))
    assert visitor.ask("GET", "/metrics")[0].status == 404
    assert visitor.ask("POST", "/api/rooms", {"title": "x"}, {"Origin": "https://evil.example"})[0].status == 403
    with pytest.raises(InvalidStatus, match="403"):
        visitor.socket("/ws", "https://evil.example")

    polled: list[tuple[int, Any]] = []

    def poll() -> None:
        response, body = visitor.ask("GET", "/api/poll?room=a&after=0&wait=30&username=polling")
        polled.append((response.status, json.loads(body)))

    with visitor.socket("/ws/a") as ann, closing(visitor.connection()) as stream:
        assert hear(ann, "welcome")["user"]["name"] == "ann"
        hear(ann, "subscribed")
        stream.request("GET", "/api/stream?room=a&username=streaming")
        events = stream.getresponse()
        assert events.headers["Content-Type"].startswith("text/event-stream")
        while b'"subscribed"' not in events.readline():
            pass
        polling = threading.Thread(target=poll)
        polling.start()
        time.sleep(1)
        assert polled == []  # it waits
        for n in range(3):  # each arrives before the next is sent
            ann.send(json.dumps({"type": "send", "room": "a", "key": str(uuid.uuid4()), "text": f"text {n}"}))
            assert hear(ann, "message")["text"] == f"text {n}"
            while not (line := events.readline()).startswith(b'data: {"type":"message"'):
                assert line
            assert json.loads(line.removeprefix(b"data: "))["text"] == f"text {n}"
        polling.join(PATIENCE)
    assert polled[0][0] == 200 and polled[0][1]["rooms"]["a"]["entries"][0]["text"] == "text 0"
    accesses = [json.loads(line) for line in server.lines if '"parley.access"' in line]
    assert len(accesses) > 5 and {each["address"] for each in accesses} == {"127.0.0.1"}


def test_plain_http_leads_to_tls(visitor: Visitor) -> None:
    """Who comes by http is sent to https."""
    plain = http.client.HTTPConnection("127.0.0.1", visitor.plain_port, timeout=PATIENCE)
    with closing(plain):
        plain.request("GET", "/chat/a", headers={"Host": NAME})
        response = plain.getresponse()
        assert response.status in (301, 308)
        assert response.headers["Location"].startswith(f"https://{NAME}") and response.headers["Location"].endswith(
            "/chat/a"
        )


def test_proxies_wait_as_long_as_polls() -> None:
    """nginx gives up after 60 seconds of silence by itself, which is as long as a poll may wait."""
    text = (DEPLOY / "nginx.conf").read_text()
    found = re.search(r"proxy_read_timeout (\d+)s", text)
    limits = settings.Settings()
    assert found is not None and int(found[1]) > limits.poll_wait_limit > limits.ping_interval
    size = re.search(r"client_max_body_size\s+(\d+)m", text)
    assert size is not None and int(size[1]) * 2**20 == limits.frame_limit
    assert f"large_client_header_buffers 4 {limits.header_limit // 1024}k" in text
    assert limits.idle_timeout > 60  # nginx keeps a connection to the server for so long


def test_the_unit(folder: Path, mongod: SessionMongod, database: str) -> None:
    """What it starts is here, runs with those settings, and systemd has nothing to object."""
    command = replaced(
        unit()["ExecStart"],
        ("/opt/parley/.venv/bin/python", sys.executable),
        ("/opt/parley/server.py", str(SERVER)),
        ("/etc/parley/parley.toml", str(DEPLOY / "parley.toml")),
    )
    read = configuration.read([command.rpartition(" ")[2]], {})
    assert read.hosts == NAME and read.data == f"/var/lib/{unit()['StateDirectory']}"
    assert unit()["KillMode"] == "mixed"  # or mongod would be stopped before the last messages are stored
    assert float(unit()["TimeoutStopSec"]) > read.stop_timeout + 10
    assert float(unit()["LimitNOFILE"]) > read.clients_limit
    flags = ["--port=0", f"--mongo={mongod.uri}", f"--database={database}", "--log-format=plain"]
    process = subprocess.Popen([*command.split(), *flags], cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        while "Parley is at" not in (line := process.stderr.readline()):
            assert line
        link = process.stderr.readline()
        assert f": https://{NAME}/setup?token=" in link
    finally:
        process.terminate()
        process.stderr.read()
        assert process.wait(PATIENCE) == 0
        process.stderr.close()
    if shutil.which("systemd-analyze") is not None:
        copy = folder / "parley.service"
        copy.write_text(replaced((DEPLOY / "parley.service").read_text(), (unit()["ExecStart"], command)))
        done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_page_names_what_there_is() -> None:
    """Every setting and every file that docs/deploy/README.md names exists."""
    text = (DEPLOY / "README.md").read_text()
    for file in re.findall(r"\]\((\w[\w.]*)\)", text):
        assert (DEPLOY / file).is_file(), file
    known = set(settings.Settings.__struct_fields__)
    named = set(re.findall(r"^(\w+) = ", text, re.MULTILINE)) | set(re.findall(r"`(\w+_\w+)`", text))
    assert named and named <= known, named - known
    assert "install:" in (DEPLOY.parents[1] / "Makefile").read_text()
