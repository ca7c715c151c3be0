"""Sending webhooks: requests to addresses that others have named, which must lead nobody into our own network."""

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import parse_response_start_line
from tornado.netutil import Resolver
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError, SimpleAsyncHTTPClient

from chat.webhooks import Letter, Outcome, is_public

# Bytes of an answer that are read: it is looked at for its status alone.
ANSWER_LIMIT = 64 * 1024
HEAD_LIMIT = 16 * 1024


class PrivateAddress(OSError):
    """A name leads into a private network."""


class CheckedResolver(Resolver):
    """Looks up names, and gives away none of whose addresses is private.

    The connection is made to the very addresses that were looked at, so a name cannot lead elsewhere in between (DNS
    rebinding).
    """

    async def resolve(self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Any]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        if not all(is_public(str(address[0])) for *_, address in found):
            raise PrivateAddress("it leads to a private network")
        return [(kind, address) for kind, *_, address in found]


class WebhookSender:
    """Sends letters, each within `timeout` seconds, `concurrency` at once; `private`: to our own network as well."""

    def __init__(self, *, timeout: float, concurrency: int, private: bool) -> None:
        self._timeout = timeout
        self._client = SimpleAsyncHTTPClient(
            force_instance=True,
            max_clients=concurrency,
            max_body_size=ANSWER_LIMIT,
            max_header_size=HEAD_LIMIT,
            resolver=None if private else CheckedResolver(),
        )

    async def __call__(self, letter: Letter) -> Outcome:
        """Nobody is followed to another address, and what is answered is thrown away: the status says all, also where
        the rest of the answer is too long, or does not end."""
        head: list[str] = []
        request = HTTPRequest(
            letter.url,
            method="POST",
            headers=letter.headers,
            body=letter.body,
            connect_timeout=self._timeout,
            request_timeout=self._timeout,
            follow_redirects=False,
            decompress_response=False,
            header_callback=head.append,
            streaming_callback=lambda _: None,
        )
        host = urlsplit(letter.url).hostname
        try:
            status, error = (await self._client.fetch(request, raise_error=False)).code, ""
        except HTTPTimeoutError:
            status, error = _status_in(head), f"{host} did not answer within {self._timeout:g} seconds."
        except (HTTPClientError, HTTPStreamClosedError, OSError, ValueError) as failure:
            status, error = _status_in(head), f"{host} cannot be reached: {_why(failure)}."
        if not status:
            return Outcome(0, error)
        return Outcome(status, "" if 200 <= status < 300 else f"{host} answered {status}.")

    def close(self) -> None:
        self._client.close()


def _status_in(head: list[str]) -> int:
    """The status of an answer whose lines these are so far; 0 for none."""
    status = next((line for line in reversed(head) if line.startswith("HTTP/")), "")
    return parse_response_start_line(status.rstrip()).code if status else 0


def _why(error: Exception) -> str:
    """What is wrong, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__)[:200].rstrip(".")
