"""The whole server as a process: start, stop, and what it says when it cannot start."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.mongo import SessionMongod
from tests.servers import SERVER, Server, environment, free_port, mongod_on_tcp
from tests.sweeping import processes_in


def run(folder: Path, *flags: str, **variables: str) -> tuple[int, list[str]]:
    """Status and lines of a server that ends by itself."""
    server = Server(folder, *flags, **variables)
    return server.ended(), server.lines


def send(server: Server, token: str, text: str, room: str = "lobby") -> int:
    status, body = server.call(
        "POST", f"/api/rooms/{room}/messages", {"text": text, "key": str(uuid.uuid4())}, token=token
    )
    assert status == 201, body
    return int(body["seq"])


def texts(server: Server, room: str = "lobby") -> list[str]:
    return [entry["text"] for entry in server.call("GET", f"/api/rooms/{room}/messages")[1]["entries"]]


def socket_client(server: Server, name: str, room: str = "lobby") -> ClientConnection:
    client = connect(f"ws://127.0.0.1:{server.port}/ws/{room}?username={name}", compression=None, legacy=True)
    while json.loads(client.recv(20))["type"] != "subscribed":
        pass
    return client


def close_code(client: ClientConnection) -> int | None:
    try:
        while True:
            client.recv(20)
    except ConnectionClosed as closing:
        return closing.rcvd.code if closing.rcvd else None


def mongod_of(data: Path) -> int:
    return int((data / "mongod.lock").read_text())


# Cannot start


def test_wrong_settings_exit_2(folder: Path) -> None:
    """One clear line and status 2, before anything is started."""
    for flags, variables in ((("--prot=1",), {}), (("--history=x",), {}), ((), {"PARLEY_HISTORY": "x"})):
        status, lines = run(folder, *flags, **variables)
        assert (status, len(lines)) == (2, 1), lines
        assert lines[0].startswith("parley: ")
    assert list(folder.iterdir()) == []


def test_help_exits_0(folder: Path) -> None:
    """`--help` prints and ends."""
    done = subprocess.run(
        [sys.executable, str(SERVER), "--help"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--ping-interval" in done.stdout
    assert done.stderr == ""


def test_a_taken_port(folder: Path) -> None:
    """One line that names the port and says what to do, status 1, nothing left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, lines = run(folder, f"--port={port}")
    assert (status, len(lines)) == (1, 1), lines
    assert str(port) in lines[0] and "--port" in lines[0]
    assert processes_in(folder) == []


def test_a_plug_in_that_is_none(folder: Path) -> None:
    """One line that names it, before anything is started."""
    status, lines = run(folder, "--plugins=no_such_plugin")
    assert (status, len(lines)) == (1, 1), lines
    assert "no_such_plugin" in lines[0]
    assert list(folder.iterdir()) == []


def test_an_address_that_is_none(folder: Path) -> None:
    """One line that says what is wrong with it."""
    for address in ("no.such.host.invalid", "203.0.113.77"):
        status, lines = run(folder, f"--address={address}")
        assert (status, len(lines)) == (1, 1), lines
        assert address in lines[0] and "--address" in lines[0]
        assert "None" not in lines[0] and "Unknown error" not in lines[0]


def test_an_unreachable_mongodb(folder: Path) -> None:
    """One line within a few seconds, status 1."""
    begin = time.monotonic()
    status, lines = run(folder, f"--mongo=mongodb://127.0.0.1:{free_port()}/")
    assert (status, len(lines)) == (1, 1), lines
    assert "MongoDB cannot be reached" in lines[0] and "--mongo" in lines[0]
    assert time.monotonic() - begin < 10
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("uri", ["nonsense", "mongodb://", "mongodb://a:b:c/", "http://localhost"])
def test_a_mongodb_address_that_is_none(folder: Path, uri: str) -> None:
    """One line that names --mongo, status 1."""
    status, lines = run(folder, f"--mongo={uri}")
    assert (status, len(lines)) == (1, 1), lines
    assert "--mongo" in lines[0]


def test_a_database_of_another_version(folder: Path, mongod: SessionMongod, new_database: str) -> None:
    """One line that says both versions."""
    mongod.client[new_database].meta.insert_one({"_id": "schema", "version": 99})
    status, lines = run(folder, f"--mongo={mongod.uri}", f"--database={new_database}")
    assert (status, len(lines)) == (1, 1), lines
    assert "99" in lines[0]


def test_a_database_that_is_not_ours(folder: Path, mongod: SessionMongod, new_database: str) -> None:
    """Where the indexes cannot be made it is one line, not a traceback."""
    mongod.client[new_database].entries.create_index([("other", 1)], name="order")
    status, lines = run(folder, f"--mongo={mongod.uri}", f"--database={new_database}")
    assert (status, len(lines)) == (1, 1), lines


def test_a_data_folder_that_cannot_be_used(folder: Path) -> None:
    """A file in its place is one line, status 1."""
    (folder / "data").write_text("a file")
    status, lines = run(folder)
    assert (status, len(lines)) == (1, 1), lines
    assert str(folder / "data") in lines[0]


def test_no_mongod_can_run(folder: Path) -> None:
    """A mongod that lacks a library is one line that says so, status 1, nothing left."""
    binary = folder / "bin" / "mongod"
    binary.parent.mkdir()
    binary.write_text(
        "#!/bin/sh\necho 'mongod: error while loading shared libraries: libcurl.so.4: cannot open' >&2\nexit 127\n"
    )
    binary.chmod(0o755)
    status, lines = run(folder, PATH=f"{binary.parent}:{os.environ['PATH']}")
    assert (status, len(lines)) == (1, 1), lines
    assert "library" in lines[0]
    assert processes_in(folder) == []


# The first administrator


def test_the_first_administrator(folder: Path, mongod: SessionMongod, database: str) -> None:
    """A server without one says a link, another with each start; it makes the account once, and then there is none."""
    flags = (f"--mongo={mongod.uri}", f"--database={database}", "--registration=no")
    link = r"http://localhost:(\d+)/setup\?token=([\w-]{43})"
    with Server(folder, *flags) as server:
        first = server.said(link)
        assert int(first[1]) == server.port
    with Server(folder, *flags) as server:
        second = server.said(link)
        assert second[2] != first[2]
        wanted = {"name": "root", "password": "correct horse"}
        for token, status in ((first[2], 401), (second[2], 201), (second[2], 401)):
            assert server.call("POST", "/api/setup", wanted | {"token": token})[0] == status
        session = server.call("POST", "/api/session", wanted)[1]
        assert server.call("GET", "/api/account", token=session["token"])[1]["admin"] is True
    with Server(folder, *flags) as server:
        assert server.call("GET", "/api/account", token=session["token"])[0] == 200
        server.stop()
        server.ended()
    assert "setup" not in "\n".join(server.lines)


# With its private MongoDB


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_in_order(folder: Path, number: int) -> None:
    """Within 5 s, status 0: polls are answered, sockets closed with 1012, streams ended, mongod stopped."""
    with Server(folder) as server:
        token = server.token("ann")
        assert send(server, token, "hi") == 1
        client = socket_client(server, "bob")
        polled: list[Any] = []
        poll = threading.Thread(
            target=lambda: polled.append(server.call("GET", "/api/poll?room=lobby&after=1&wait=60", token=token))
        )
        poll.start()
        while json.loads(client.recv(20))["type"] != "joined":
            pass
        pid = mongod_of(folder / "data")
        assert pid in processes_in(folder)
        status, seconds = server.stop(number)
        assert status == 0, server.lines
        assert seconds < 5
        poll.join(10)
        assert polled[0][0] == 200
        assert polled[0][1]["rooms"]["lobby"]["entries"] == []
        assert close_code(client) == 1012
        assert processes_in(folder) == []
        assert not any("traceback" in line.lower() for line in server.lines)


def test_history_survives_stop_and_kill(folder: Path) -> None:
    """Messages, names of rooms and sessions are there after a stop and after kill -9; mongod is taken over."""
    with Server(folder) as server:
        token = server.token("ann")
        send(server, token, "before the stop")
    with Server(folder) as server:
        assert texts(server) == ["before the stop"]
        assert server.call("GET", "/api/session", token=token)[0] == 200
        send(server, token, "before the kill")
        pid = mongod_of(folder / "data")
        server.stop(signal.SIGKILL)
        assert pid in processes_in(folder)
    with Server(folder) as server:
        assert mongod_of(folder / "data") == pid
        assert texts(server) == ["before the stop", "before the kill"]
        assert send(server, token, "after") == 3
        os.kill(pid, signal.SIGKILL)
        server.stop(signal.SIGKILL)
    with Server(folder) as server:
        assert mongod_of(folder / "data") != pid
        assert texts(server) == ["before the stop", "before the kill", "after"]
        assert server.stop()[0] == 0
    assert processes_in(folder) == []


def test_ephemeral_rooms_end_though_the_server_is_killed(folder: Path, mongod: SessionMongod, database: str) -> None:
    """The one to which somebody comes back goes on, the other is gone soon after the start, with all that was said."""
    flags = (f"--mongo={mongod.uri}", f"--database={database}", "--ephemeral-grace=1.5", "--watch-interval=0.1")
    with Server(folder, *flags) as server:
        token = server.token("ann")
        for room in ("left", "kept", "used"):
            lifetime = "kept" if room == "kept" else "ephemeral"
            assert server.call("POST", "/api/rooms", {"name": room, "lifetime": lifetime}, token=token)[0] == 201
            send(server, token, "hi", room)
        server.stop(signal.SIGKILL)
    with Server(folder, *flags) as server:
        client = socket_client(server, "bob", "used")
        logs, deadline = mongod.client[database].entries, time.monotonic() + 20
        while {entry["log"] for entry in logs.find()} != {"kept", "used"}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert server.call("GET", "/api/rooms/left")[0] == 404
        assert texts(server, "used") == ["hi"]
        client.close()


def test_a_second_server_leaves_the_first_alone(folder: Path) -> None:
    """Locked data is one line that says what to do, status 1, and the first goes on with its mongod."""
    with Server(folder) as first:
        token = first.token("ann")
        send(first, token, "one")
        pid = mongod_of(folder / "data")
        status, lines = run(folder)
        assert (status, len(lines)) == (1, 1), lines
        assert "in use by another Parley" in lines[0] and "--data" in lines[0]
        assert mongod_of(folder / "data") == pid
        assert send(first, token, "two") == 2
        assert first.call("GET", "/healthz") == (200, {"status": "ok"})


def test_a_mongod_that_dies_is_started_again(folder: Path) -> None:
    """The server lives on, and stores again within seconds; nothing acknowledged is lost."""
    with Server(folder) as server:
        token = server.token("ann")
        send(server, token, "one")
        pid = mongod_of(folder / "data")
        os.kill(pid, signal.SIGKILL)
        key, end = str(uuid.uuid4()), time.monotonic() + 20
        while True:
            status, body = server.call("POST", "/api/rooms/lobby/messages", {"text": "two", "key": key}, token=token)
            if status != 503:
                break
            assert time.monotonic() < end
        assert (status in (200, 201), body["seq"]) == (True, 2)
        assert texts(server) == ["one", "two"]
        assert server.stop()[0] == 0


def test_stops_before_it_is_up(folder: Path) -> None:
    """A signal during the start ends it with nothing left running."""
    server = Server(folder)
    end = time.monotonic() + 20
    while not (folder / "data" / "mongod.lock").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    status, seconds = server.stop()
    assert status == 0, server.lines
    assert seconds < 5
    assert processes_in(folder) == []


# With an existing MongoDB


def test_takes_an_existing_mongodb(folder: Path, mongod: SessionMongod, database: str) -> None:
    """With --mongo, given by variable or file as well, no data folder is made, and MongoDB stays when it stops."""
    config = folder / "parley.toml"
    config.write_text(f'mongo = "{mongod.uri}"\nport = 1\n')
    with Server(folder, f"--config={config}", PARLEY_DATABASE=database) as server:
        send(server, server.token("ann"), "hi")
        assert server.stop()[0] == 0
    assert not (folder / "data").exists()
    assert mongod.client[database].entries.count_documents({}) == 1


def test_finishes_what_is_under_way(folder: Path, mongod: SessionMongod, database: str) -> None:
    """At SIGTERM a change in the batch under way is stored and acknowledged, later ones are refused."""
    patient = ("--stop-timeout=20", "--send-timeout=20", "--mongo-timeout=20")
    with Server(folder, f"--mongo={mongod.uri}", f"--database={database}", *patient) as server:
        client = socket_client(server, "ann")
        client.send(json.dumps({"type": "send", "room": "lobby", "key": str(uuid.uuid4()), "text": "first"}))
        with mongod.stalled():
            key = str(uuid.uuid4())
            client.send(json.dumps({"type": "send", "room": "lobby", "key": key, "text": "under way"}))
            client.send(json.dumps({"type": "ping", "id": "there"}))
            heard = [{}]
            while heard[-1].get("id") != "there":
                heard.append(json.loads(client.recv(20)))
            server.send_signal(signal.SIGTERM)
            while not any("stopping" in line for line in server.lines):
                time.sleep(0.005)
            late = str(uuid.uuid4())
            client.send(json.dumps({"type": "send", "room": "lobby", "key": late, "text": "late"}))
            while heard[-1].get("key") != late:
                heard.append(json.loads(client.recv(20)))
            assert heard[-1]["code"] == "unavailable" and heard[-1]["retry_after"] > 0
        while not (heard[-1]["type"] == "ack" and heard[-1]["key"] == key):
            heard.append(json.loads(client.recv(20)))
        assert close_code(client) == 1012
        assert server.ended() == 0
    stored = [entry["text"] for entry in mongod.client[database].entries.find().sort("seq", 1)]
    assert stored == ["first", "under way"]


def test_stops_while_mongodb_is_away(folder: Path, mongod: SessionMongod, database: str) -> None:
    """A MongoDB that does not answer does not keep it from stopping within 5 s."""
    with Server(folder, f"--mongo={mongod.uri}", f"--database={database}") as server:
        client = socket_client(server, "ann")
        with mongod.stalled():
            client.send(json.dumps({"type": "send", "room": "lobby", "key": str(uuid.uuid4()), "text": "x"}))
            client.send(json.dumps({"type": "ping"}))
            while json.loads(client.recv(20))["type"] != "pong":
                pass
            status, seconds = server.stop()
        assert status == 0
        assert seconds < 5
        assert close_code(client) == 1012


@pytest.mark.parametrize("replica_set", ["", "rs0"])
def test_standalone_and_replica_set(folder: Path, replica_set: str) -> None:
    """Either kind of MongoDB on a port will do."""
    with (
        mongod_on_tcp(folder / "mongod", replica_set=replica_set) as uri,
        Server(folder, f"--mongo={uri}") as server,
    ):
        token = server.token("ann")
        assert send(server, token, "hi") == 1
        assert texts(server) == ["hi"]
        assert server.stop()[0] == 0
