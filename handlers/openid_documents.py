"""What an OpenID provider publishes about itself, and how that is kept at hand."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import msgspec

from chat.errors import Unavailable

DISCOVERY = "/.well-known/openid-configuration"
LOOPBACK = ("localhost", "127.0.0.1", "::1")

Value = TypeVar("Value")


class Discovery(msgspec.Struct, frozen=True):
    """The discovery document (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False

    def is_of(self, issuer: str) -> bool:
        """Whether it is that issuer's (a slash at the end aside) and names safe addresses alone."""
        addresses = (self.issuer, self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        optional = (self.userinfo_endpoint,) if self.userinfo_endpoint else ()
        return self.issuer.rstrip("/") == issuer.rstrip("/") and all(map(is_safe_address, addresses + optional))


class KeyDocument(msgspec.Struct, frozen=True):
    """A key set (RFC 7517, section 5)."""

    keys: list[dict[str, Any]]


class Kept(Generic[Value]):
    """Something that is fetched once for all who need it.

    `fetch` raises Unavailable if it cannot be had; for `pause` seconds everybody is then told the same at once.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Value]], *, pause: float) -> None:
        self._fetch = fetch
        self._pause = pause
        self._fetching = asyncio.Lock()
        self._found: tuple[Value, float] | None = None
        self._failed: tuple[Unavailable, float] | None = None

    async def get(self, age: float) -> Value:
        """The value, less than `age` seconds old; raises Unavailable."""
        async with self._fetching:
            now = time.monotonic()
            if self._found is not None and now - self._found[1] < age:
                return self._found[0]
            if self._failed is not None and now - self._failed[1] < self._pause:
                raise Unavailable(self._failed[0].reason, retry_after=self._failed[0].retry_after)
            try:
                value = await self._fetch()
            except Unavailable as error:
                self._failed = error, time.monotonic()
                raise
            self._found = value, time.monotonic()
            return value


def issuer_at(address: str) -> str:
    """The issuer, whether its own address is given or that of its discovery document; without a slash at the end."""
    return address.removesuffix(DISCOVERY).rstrip("/")


def is_safe_address(address: str) -> bool:
    """Whether what is asked there is asked over TLS, or stays on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and parts.scheme in ("https", "http" if parts.hostname in LOOPBACK else "https")
