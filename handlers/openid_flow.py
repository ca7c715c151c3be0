"""A sign-in with an OpenID provider while it is under way: what ties the answer to the browser that asked."""

import base64
import hashlib
import secrets

import msgspec
from tornado.web import create_signed_value, decode_signed_value

COOKIE = "parley_openid"


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in of one browser.

    `state` comes back in the address, `nonce` in the ID token, and `verifier` shows the provider that who asks for the
    tokens is who began (PKCE, RFC 7636). `next` is the page to show then; `account` the one to link, if one is
    signed in already and wants that.
    """

    state: str
    nonce: str
    verifier: str
    next: str = "/"
    account: str = ""

    @classmethod
    def begin(cls, *, next: str, account: str) -> "Flow":
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier, next=next, account=account)

    @property
    def challenge(self) -> str:
        """What the provider is shown of the verifier (S256)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Flows:
    """Signs flows for the browser to keep, for at most `lifetime` seconds."""

    def __init__(self, secret: str, *, lifetime: int) -> None:
        self._secret = secret
        self.lifetime = lifetime

    def seal(self, flow: Flow) -> str:
        return create_signed_value(self._secret, COOKIE, msgspec.json.encode(flow)).decode()

    def read(self, sealed: str, state: str) -> Flow | None:
        """The flow that a browser kept, if it is ours, not too old and the one that this answer is for."""
        value = decode_signed_value(self._secret, COOKIE, sealed, max_age_days=self.lifetime / 86400)
        flow = msgspec.json.decode(value, type=Flow) if value else None
        same = flow is not None and secrets.compare_digest(flow.state.encode(), state.encode())
        return flow if same else None
