"""Requests that come through proxies."""

from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from handlers.proxies import Proxies, Ranges

PROXIES = Proxies(Ranges(["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"]))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 10.1.1.1", "203.0.113.7"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.7,10.1.1.1 , 10.2.2.2", "203.0.113.7"),
        ("127.0.0.1", "10.3.3.3, 10.1.1.1", "10.3.3.3"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7, unknown, 10.1.1.1", "10.1.1.1"),
        ("127.0.0.1", "203.0.113.7:4711", "127.0.0.1"),
        ("127.0.0.1", "2001:DB9:0::1", "2001:db9::1"),
        ("127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "fe80::1%eth0", "127.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("2001:db8::5", "203.0.113.7", "203.0.113.7"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
    ],
)
def test_the_first_stranger_from_the_right(peer: str, forwarded: str, client: str) -> None:
    """What is left of that one, whoever asked may have written."""
    assert PROXIES.client(peer, forwarded) == client


@pytest.mark.parametrize("bad", ["localhost", "10.0.0.0/33", "1.2.3", "*"])
def test_what_is_no_range(bad: str) -> None:
    """A name is no address."""
    with pytest.raises(ValueError, match=r".+"):
        Ranges([bad])


def seen(**headers: str) -> tuple[Any, str]:
    """What a request of a trusted proxy looks like afterwards: the connection, and the host."""
    context = SimpleNamespace(address=("127.0.0.1", 1), remote_ip="127.0.0.1", protocol="http", _orig_protocol="http")
    given = HTTPHeaders({"Host": "inside"} | {name.replace("_", "-"): value for name, value in headers.items()})
    PROXIES.apply(context, given)
    return context, given["Host"]


def test_the_scheme_and_the_host() -> None:
    """Those that the nearest proxy says; what is no scheme of ours changes nothing."""
    assert seen()[0].protocol == "http"
    for said, meant in (
        ("https", "https"),
        ("HTTPS", "https"),
        ("wss", "https"),
        ("ws", "http"),
        ("http, https", "https"),
    ):
        assert seen(X_Forwarded_Proto=said)[0].protocol == meant
    assert seen(X_Forwarded_Proto="gopher")[0].protocol == "http"
    assert seen()[1] == "inside"
    assert seen(X_Forwarded_Host="chat.example.org")[1] == "chat.example.org"
    assert seen(X_Forwarded_Host="evil.example, chat.example.org")[1] == "chat.example.org"


def test_nothing_stays_for_the_next_request() -> None:
    """A connection of a proxy carries requests of many people."""
    context, _ = seen(X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="https")
    assert (context.remote_ip, context.protocol) == ("203.0.113.7", "https")
    PROXIES.apply(context, HTTPHeaders())
    assert (context.remote_ip, context.protocol) == ("127.0.0.1", "http")
