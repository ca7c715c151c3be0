"""TLS without a proxy."""

import contextlib
import http.client
import json
import signal
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

import web
from handlers.identity import SECURE_COOKIE
from handlers.tls import CertificateError
from settings import Settings
from tests.certificates import Authority, Certificate
from tests.mongo import SessionMongod
from tests.servers import PATIENCE, Server


@pytest.fixture
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture
def server(folder: Path, authority: Authority, mongod: SessionMongod, database: str) -> Iterator[Server]:
    """One that speaks TLS, with its certificate in server.pem and its key in server.key."""
    install(authority.certificate("localhost"), folder)
    flags = ("--tls-cert=server.pem", "--tls-key=server.key", f"--mongo={mongod.uri}", f"--database={database}")
    started = Server(folder, *flags, "--header-timeout=2")
    started.tls = authority.context()
    with started:
        yield started


def install(certificate: Certificate, folder: Path) -> None:
    """Puts it where the server reads it."""
    certificate.chain.replace(folder / "server.pem")
    certificate.key.replace(folder / "server.key")


def socket_client(server: Server, path: str, **more: Any) -> ClientConnection:
    url = f"wss://localhost:{server.port}{path}"
    return connect(url, ssl=server.tls, compression=None, max_queue=None, legacy=True, **more)


def hear(client: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(client.recv(PATIENCE))
        if message["type"] == kind:
            return message


def number_of(server: Server) -> int:
    """The number of the certificate that a new connection is shown."""
    assert server.tls is not None
    with (
        socket.create_connection(("localhost", server.port), PATIENCE) as plain,
        server.tls.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        return int(str(wrapped.getpeercert()["serialNumber"]), 16)  # type: ignore[index]


def test_every_transport(server: Server) -> None:
    """A page, a cookie, a socket, a poll and a stream: all as without TLS, and the cookie is bound to it."""
    assert any("Parley is at https://" in line for line in server.lines)
    connection = http.client.HTTPSConnection("localhost", server.port, timeout=PATIENCE, context=server.tls)
    with contextlib.closing(connection):
        connection.request("POST", "/api/session", json.dumps({"name": "ann"}))
        response = connection.getresponse()
        cookie, body = str(response.headers["Set-Cookie"]), json.loads(response.read())
        assert cookie.startswith(f"{SECURE_COOKIE}=") and "Secure" in cookie
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
        connection.request("GET", "/", headers={"Cookie": cookie.partition(";")[0]})
        page = connection.getresponse()
        assert page.status == 200 and b"</html>" in page.read()
    polled: list[Any] = []
    bob = server.token("bob")
    poll = threading.Thread(
        target=lambda: polled.append(server.call("GET", "/api/poll?room=a&after=0&wait=20", token=bob))
    )
    headers = {"Cookie": cookie.partition(";")[0], "Origin": f"https://localhost:{server.port}"}
    with (
        contextlib.closing(
            http.client.HTTPSConnection("localhost", server.port, timeout=PATIENCE, context=server.tls)
        ) as stream,
        socket_client(server, "/ws/a", additional_headers=headers) as ann,
        socket_client(server, "/ws/a?username=cid") as cid,
    ):
        for client in (ann, cid):
            hear(client, "subscribed")
        stream.request("GET", "/api/stream?room=a&username=dan")
        events = stream.getresponse()
        while b"subscribed" not in events.readline():
            pass
        poll.start()
        while not any(member["name"] == "bob" for member in members(server)):
            time.sleep(0.02)
        text = "x" * 3_000 + "é"
        for n in range(20):  # more than one record of TLS at once
            ann.send(json.dumps({"type": "send", "room": "a", "key": str(uuid.uuid4()), "text": f"{n}{text}"}))
        assert [hear(cid, "message")["text"] for _ in range(20)] == [f"{n}{text}" for n in range(20)]
        assert hear(ann, "ack")["seq"] == 1
        poll.join(PATIENCE)
        assert polled[0][0] == 200
        entries = polled[0][1]["rooms"]["a"]["entries"]
        assert entries[0]["text"] == f"0{text}"
        while not (line := events.readline()).startswith(b'data: {"type":"message"'):
            assert line
        assert json.loads(line.removeprefix(b"data: "))["text"] == f"0{text}"
    assert body["user"]["name"] == "ann"


def members(server: Server) -> list[dict[str, Any]]:
    found = server.call("GET", "/api/poll?room=a&after=-1&members=1&username=looker")[1]
    return list(found["rooms"]["a"]["members"])


def test_a_new_certificate(server: Server, folder: Path, authority: Authority) -> None:
    """SIGHUP reads it: new connections are shown it, old ones live on; one that is none changes nothing."""
    first = number_of(server)
    with socket_client(server, "/ws/a?username=ann") as ann:
        hear(ann, "subscribed")
        second = authority.certificate("localhost")
        install(second, folder)
        assert number_of(server) == first
        server.send_signal(signal.SIGHUP)
        said(server, "the certificate was read anew")
        assert number_of(server) == second.number != first
        (folder / "server.pem").write_text("nonsense")
        server.send_signal(signal.SIGHUP)
        said(server, "the old certificate stays in use: --tls-cert=server.pem cannot be used")
        assert number_of(server) == second.number
        ann.send(json.dumps({"type": "ping"}))
        hear(ann, "pong")


def said(server: Server, words: str) -> None:
    end = time.monotonic() + PATIENCE
    while not any(words in line for line in server.lines):
        assert time.monotonic() < end, server.lines
        time.sleep(0.02)


def test_old_versions_are_refused(server: Server) -> None:
    """TLS 1.2 and 1.3 are spoken, older ones are not."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert handshake(server, version) == version.name
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            handshake(server, version)


def handshake(server: Server, version: ssl.TLSVersion) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning) if version < ssl.TLSVersion.TLSv1_2 else contextlib.nullcontext():
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("localhost", server.port), PATIENCE) as plain, context.wrap_socket(plain) as wrapped:
        return str(wrapped.version()).replace(".", "_")


def test_strangers_cost_nothing(server: Server) -> None:
    """Who speaks no TLS, or begins and does not go on, is cut, and nothing is logged but how many those were."""
    plain = socket.create_connection(("localhost", server.port), PATIENCE)
    plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    silent = socket.create_connection(("localhost", server.port), PATIENCE)
    silent.sendall(b"\x16\x03\x01")
    gone = socket.create_connection(("localhost", server.port), PATIENCE)
    gone.close()
    for client in (plain, silent):
        client.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionError):
            while client.recv(1_000):
                pass
        client.close()
    assert server.call("GET", "/healthz")[0] == 200
    assert not any('"warning"' in line or '"error"' in line for line in server.lines)


def test_certificates_that_cannot_be_used(folder: Path, authority: Authority) -> None:
    """One line that says which file, and what is wrong with it."""
    one, other = authority.certificate("localhost"), authority.certificate("localhost")
    encrypted = authority.certificate("localhost", password=b"secret")
    nonsense = folder / "nonsense.pem"
    nonsense.write_text("nonsense")
    for certificate, key, words in (
        ("missing.pem", one.key, "--tls-cert=missing.pem"),
        (one.chain, "missing.key", "--tls-key=missing.key"),
        (one.chain, other.key, "another certificate"),
        (nonsense, one.key, "nonsense.pem"),
        (one.chain, nonsense, "in PEM form"),
        (one.chain, "", "in PEM form"),
        (encrypted.chain, encrypted.key, "encrypted"),
        ("", one.key, "--tls-cert"),
    ):
        with pytest.raises(CertificateError) as error:
            web.make_tls(Settings(tls_cert=str(certificate), tls_key=str(key)))
        assert words in str(error.value) and "\n" not in str(error.value)
    assert web.make_tls(Settings(tls_cert=str(one.chain), tls_key=str(one.key))) is not None
    assert web.make_tls(Settings()) is None


def test_a_bad_certificate_is_no_start(folder: Path, authority: Authority) -> None:
    """Status 1 and that line, and nothing was begun."""
    one, other = authority.certificate("localhost"), authority.certificate("localhost")
    before = sorted(folder.iterdir())
    server = Server(folder, f"--tls-cert={one.chain}", f"--tls-key={other.key}")
    assert server.ended() == 1
    assert len(server.lines) == 1 and server.lines[0].startswith("parley: --tls-cert="), server.lines
    assert sorted(folder.iterdir()) == before


def test_one_file_for_both(folder: Path, authority: Authority, mongod: SessionMongod, database: str) -> None:
    """The key may stand in the certificate's file."""
    made = authority.certificate("localhost")
    (folder / "both.pem").write_text(made.chain.read_text() + made.key.read_text())
    server = Server(folder, "--tls-cert=both.pem", f"--mongo={mongod.uri}", f"--database={database}")
    server.tls = authority.context()
    with server:
        assert server.call("GET", "/healthz")[0] == 200
