"""A token that comes with a socket as the name of a subprotocol.

A browser's page cannot give a header with a socket, but names of subprotocols (RFC 6455, section 1.9): `parley`, and
one that is its token. So the token stands in no address, and in no log.
"""

import base64

from tornado.httputil import HTTPHeaders

SUBPROTOCOL = "parley"
TOKEN_SUBPROTOCOL = "bearer."
PLAIN_TOKENS = ("ps_", "pb_", "pv_")


def take_token(headers: HTTPHeaders) -> None:
    """Lets a token that came as a subprotocol count as if it had come as a header."""
    offered = headers.get("Sec-WebSocket-Protocol")
    if offered and "Authorization" not in headers:
        for name in offered.split(","):
            if name.strip().startswith(TOKEN_SUBPROTOCOL):
                headers["Authorization"] = f"Bearer {_token_in(name.strip().removeprefix(TOKEN_SUBPROTOCOL))}"


def _token_in(name: str) -> str:
    """The token of an account, a bot or a voucher as it is; a guest's has letters that no subprotocol has, and comes in
    base64url."""
    if name.startswith(PLAIN_TOKENS):
        return name
    try:
        return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode("ascii")
    except ValueError:
        return "-"  # one that nobody has
