"""What the whole server writes into its log, and what never."""

import json
import signal
import uuid
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import pytest
from tornado.testing import gen_test
from websockets.sync.client import connect

import logs
from tests.cases import ChatTestCase
from tests.logs import UnexpectedRecords
from tests.mongo import SessionMongod
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.servers import Server

TEXT = "a text that is nobody's affair"
NAME = 'mallory","event":"pwned'
PASSWORD = "a password that is nobody's affair"


def test_a_day_in_the_log(folder: Path, mongod: SessionMongod, database: str) -> None:
    """Sign-ins, messages, sockets and refusals: each line is an object, and in none of them is a text, a password, a
    token or what stood in an address."""
    flags = (
        "--log-level=debug",
        "--access-log=yes",
        "--message-log=yes",
        f"--mongo={mongod.uri}",
        f"--database={database}",
    )
    with Server(folder, *flags) as server:
        token = server.token("ann")
        assert server.call("POST", "/api/account", {"name": "cid", "password": PASSWORD})[0] == 201
        assert server.call("POST", "/api/session", {"name": "cid", "password": PASSWORD + "!"})[0] == 401
        path = f"/api/rooms/a/messages?secret={quote(TEXT)}"
        for key in (str(uuid.uuid4()), "nonsense"):
            server.call("POST", path, {"text": TEXT, "key": key}, token=token)
        server.call("GET", f"/api/poll?room=a&after=0&wait=0&token={token}", token=token)
        server.call("GET", "/api/session", token="a-token-that-is-wrong")
        assert server.call("POST", "/api/session", {"name": NAME})[0] == 200
        server.call("GET", f"/api/invitations/{quote(TEXT)}", token=token)
        with connect(f"ws://127.0.0.1:{server.port}/ws/a?username={quote(NAME)}2", legacy=True) as client:
            client.send(json.dumps({"type": "send", "room": "a", "key": new_key(), "text": TEXT}))
            client.send(TEXT)
            while json.loads(client.recv(20))["type"] != "error":
                pass
        server.stop(signal.SIGTERM)
        server.ended()
    found = [json.loads(line) for line in server.lines]
    assert {"at", "level", "logger", "event"} <= set.intersection(*(set(event) for event in found))
    accesses = [event for event in found if event["logger"] == "parley.access"]
    assert {"POST /api/session", "POST /api/rooms/<…>/messages", "GET /api/poll"} <= {
        each["event"] for each in accesses
    }
    assert all(event["address"] == "127.0.0.1" and event["ms"] >= 0 and event["status"] for event in accesses)
    messages = [event for event in found if event["logger"] == "parley.messages"]
    assert [(each["event"], each["room"], each["seq"], each["length"]) for each in messages] == [
        ("message", "a", 1, len(TEXT)),
        ("message", "a", 2, len(TEXT)),
    ]
    assert all(each["user"].startswith("g-") for each in messages)
    text = "\n".join(server.lines)
    for secret in (TEXT, quote(TEXT), PASSWORD, token, "a-token-that-is-wrong", "pwned", "mallory", "nonsense"):
        assert secret not in text, secret


class FaultTest(ChatTestCase):
    """Faults of the server itself, in the middle of what people send."""

    @pytest.fixture(autouse=True)
    def _logs(self, caplog: pytest.LogCaptureFixture, quiet_logs: UnexpectedRecords) -> None:
        self.caplog, self.unexpected = caplog, quiet_logs

    def lines(self) -> list[str]:
        """What was logged, as the server would write it; the test expects all of it."""
        found = [logs.Json().format(record) for record in self.caplog.records]
        self.unexpected.lines.clear()
        return found

    @gen_test
    async def test_a_fault_quotes_nobody(self) -> None:
        """When a handler, a command or the store fails with the text in its words, the log has the place alone."""

        async def broken(*_: object, **__: object) -> None:
            raise RuntimeError(TEXT)

        def broken_at_once(*_: object) -> NoReturn:
            raise RuntimeError(TEXT)

        socket = await self.socket("ann", room="a")
        token = self.token("bob")
        replace_methods(self.chat.changes, make=broken)
        replace_methods(self.chat.changes, begin=broken_at_once)
        body = {"text": TEXT, "key": new_key()}
        assert (await self.call("POST", f"/api/rooms/a/messages?{quote(TEXT)}", body, token=token)).status == 500
        refused = await socket.ask(type="send", room="a", key=new_key(), text=TEXT)
        assert refused["code"] == "unavailable" and TEXT not in json.dumps(refused)
        found = self.lines()
        assert any("POST of MessagesHandler failed" in line for line in found)
        assert any("a command failed" in line for line in found)
        assert all("RuntimeError" in line and "test_logs.py" in line for line in found)
        assert not any(TEXT in line or quote(TEXT) in line or token in line for line in found)


def test_mongods_own_log_quotes_nothing(mongod: SessionMongod, database: str) -> None:
    """The private MongoDB logs no slow operations, which it would with all that was asked and stored."""
    collection = mongod.client[database].slow
    collection.insert_one({"text": TEXT})
    slow = {"$where": "sleep(300) || true", "text": TEXT}
    assert collection.count_documents({"text": TEXT}) == 1
    assert list(collection.find(slow))
    log = (mongod.folder / "mongod.log").read_text()
    assert "REPL" in log
    assert TEXT not in log and "Slow query" not in log
