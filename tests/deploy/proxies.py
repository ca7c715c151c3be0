"""Caddy and nginx as docs/deploy/ has them, with the name, the ports and the certificate of a test."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.certificates import Certificate
from tests.servers import PATIENCE, free_port

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
NAME = "chat.example.org"


class Proxy(NamedTuple):
    """A running one."""

    port: int
    plain_port: int


Configure = Callable[[Path, Proxy, int, Certificate], tuple[Sequence[str], dict[str, str]]]


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """Each of the words stands in the text, and is replaced."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, proxy: Proxy, server: int, certificate: Certificate) -> tuple[Sequence[str], dict[str, str]]:
    """The command that runs it, and its variables."""
    site = replaced(
        (DEPLOY / "nginx.conf").read_text(),
        ("127.0.0.1:8888", f"127.0.0.1:{server}"),
        ("listen [::]:80;", ""),
        ("listen [::]:443 ssl http2;", ""),
        ("listen 80;", f"listen 127.0.0.1:{proxy.plain_port};"),
        ("listen 443 ", f"listen 127.0.0.1:{proxy.port} "),
        ("/etc/letsencrypt/live/chat.example.org/fullchain.pem", str(certificate.chain)),
        ("/etc/letsencrypt/live/chat.example.org/privkey.pem", str(certificate.key)),
    )
    (folder / "site.conf").write_text(site)
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"  {each}_temp_path {folder}/{each};\n" for each in places)
    (folder / "nginx.conf").write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n  access_log off;\n{temporary}  include {folder}/site.conf;\n}}\n"
    )
    return (program("nginx"), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")), {}


def caddy(folder: Path, proxy: Proxy, server: int, certificate: Certificate) -> tuple[Sequence[str], dict[str, str]]:
    """The command that runs it, and its variables."""
    site = replaced(
        (DEPLOY / "Caddyfile").read_text(),
        ("127.0.0.1:8888", f"127.0.0.1:{server}"),
        (f"{NAME} {{", f"{NAME} {{\n\ttls {certificate.chain} {certificate.key}"),
    )
    options = f"{{\n\tadmin off\n\thttp_port {proxy.plain_port}\n\thttps_port {proxy.port}\n}}\n"
    (folder / "Caddyfile").write_text(options + site)
    home = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    return (program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")), home


def program(name: str) -> str:
    """Its path; where it is not installed the test is skipped, but not in CI."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        assert "CI" not in os.environ, f"{name} is to be installed by .ci/run"
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def running(configure: Configure, folder: Path, server: int, certificate: Certificate) -> Iterator[Proxy]:
    """One in front of the server at that port."""
    proxy = Proxy(free_port(), free_port())
    command, variables = configure(folder, proxy, server, certificate)
    with (folder / "proxy.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | variables, stdout=output, stderr=output)
    try:
        end = time.monotonic() + PATIENCE
        while not _listens(proxy.port):
            assert process.poll() is None and time.monotonic() < end, (folder / "proxy.log").read_text()
            time.sleep(0.05)
        yield proxy
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def connected(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection to the proxy, as one who looks for its name makes it."""
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE), server_hostname=NAME)
