"""Requests that come through proxies: who sent them, and how, by the word of those who are trusted."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

# As Traefik names the scheme of a socket.
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class Ranges:
    """Addresses and ranges of addresses (`203.0.113.0/24`); raises ValueError for what is neither."""

    def __init__(self, ranges: Iterable[str]) -> None:
        self._ranges = [ip_network(each, strict=False) for each in ranges]
        self.hold: Callable[[str], bool] = lru_cache(maxsize=4096)(self._hold)
        """Whether an address is among them."""

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def _hold(self, address: str) -> bool:
        try:
            parsed = ip_address(_plain(address))
        except ValueError:
            return False
        return any(parsed in each for each in self._ranges)


class Proxies:
    """The proxies that are `trusted`."""

    def __init__(self, trusted: Ranges) -> None:
        self.trusted = trusted
        self.client: Callable[[str, str], str] = lru_cache(maxsize=4096)(self._client)
        """The address of who sent a request, from the peer's and X-Forwarded-For."""

    def _client(self, peer: str, forwarded: str) -> str:
        """Each proxy adds at the right whom it was asked by: the first from the right that is no proxy of ours."""
        client = peer
        for each in reversed(forwarded.split(",")):
            if not self.trusted.hold(client):
                break
            try:
                client = _plain(each.strip())
            except ValueError:
                break
        return client

    def apply(self, context: Any, headers: HTTPHeaders) -> None:
        """Puts what the proxy says in the place of what the connection shows, for one request.

        `context` is the connection's of Tornado, from which each request takes its address and scheme.
        """
        context.remote_ip = self.client(context.address[0], headers.get("X-Forwarded-For", ""))
        scheme = _last(headers.get("X-Forwarded-Proto", "")).lower()
        context.protocol = _SCHEMES.get(scheme, context._orig_protocol)
        host = _last(headers.get("X-Forwarded-Host", ""))
        if host:
            headers["Host"] = host


class Forwarded(HTTPMessageDelegate):
    """A request from a trusted proxy, on its way to the application."""

    def __init__(self, delegate: HTTPMessageDelegate, context: Any, proxies: Proxies) -> None:
        self._context = context
        self._proxies = proxies
        self._delegate = delegate
        self.data_received = delegate.data_received  # type: ignore[method-assign]
        self.finish = delegate.finish  # type: ignore[method-assign]
        self.on_connection_close = delegate.on_connection_close  # type: ignore[method-assign]

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> Any:
        self._proxies.apply(self._context, headers)
        return self._delegate.headers_received(start_line, headers)


def _plain(address: str) -> str:
    """An address in its one form; raises ValueError if it is none."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id is not None:
            raise ValueError(address)
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
    return str(parsed)


def _last(values: str) -> str:
    """The one that the nearest proxy has added."""
    return values.rpartition(",")[2].strip()
