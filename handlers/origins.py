"""Whose pages may do something here: what browsers say about where a request comes from.

A browser adds a person's cookie to whatever a page asks, also to what a page of another site asks. It says where the
page comes from, and pages cannot change that: `Sec-Fetch-Site` (Fetch Metadata Request Headers, W3C; all browsers
since 2023, on https and localhost) and `Origin` (RFC 6454; with every write and every socket, all browsers since 2019).
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

# What an answer tells a browser that the page of another site, which is allowed, may read of it (Fetch Standard,
# section 3.2): all, but without any cookie. That page says by a token who it is.
_READABLE = {"Access-Control-Expose-Headers": "Retry-After", "Vary": "Origin"}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "7200",  # as long as browsers remember it at most
}

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS = {"http": 80, "https": 443}


class Origins:
    """Tells our own pages, and those of the sites that are `allowed`, from all others.

    Raises ValueError for what is no origin.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(normal(origin) for origin in allowed)

    def refusal(self, request: HTTPServerRequest) -> str:
        """Why another site's page may not make this request; empty if it may, or if it is none's.

        Only writes are looked at where browsers say no more than `Origin`: reading over sites is prevented by the
        browser itself. Requests with neither header come from no browser. A bearer token was put in by who sends it,
        so it says more than where from.
        """
        headers = request.headers
        # get_list, unlike get, raises nothing inside for a header that is not there: a poll is asked for so often.
        site = headers.get_list("Sec-Fetch-Site")
        if not site:
            if request.method in SAFE_METHODS:
                return ""
        elif site[0] in ("same-origin", "none") or (
            request.method in SAFE_METHODS and headers.get_list("Sec-Fetch-Mode") == ["navigate"]
        ):
            return ""
        origin = headers.get("Origin")
        if (origin is None and not site) or self.is_ours(origin, request, by_browser=bool(site)):
            return ""
        return "" if _has_token(request) else _refused(origin, request)

    def socket_refusal(self, request: HTTPServerRequest, *, has_cookie: bool) -> str:
        """Why a socket may not be opened; empty if it may. Browsers send `Origin` with each."""
        origin = request.headers.get("Origin")
        if origin is not None:
            return "" if self.is_ours(origin, request) else _refused(origin, request)
        if has_cookie and not _has_token(request):
            return "A socket with a cookie needs the Origin of its page; without one, give a bearer token."
        return ""

    def sharing(self, request: HTTPServerRequest) -> Mapping[str, str]:
        """The headers of an answer that let the page that asks read it, if it is of a site that is allowed."""
        if not self._allowed:
            return {}
        if not self.shares(request):
            return {"Vary": "Origin"}
        is_preflight = request.method == "OPTIONS"
        origin = {"Access-Control-Allow-Origin": request.headers["Origin"]}
        return origin | _READABLE | (_PREFLIGHT if is_preflight else {})

    def shares(self, request: HTTPServerRequest) -> bool:
        """Whether the request is from a page of another site that is allowed."""
        given = request.headers.get_list("Origin") if self._allowed else []
        try:
            return bool(given) and normal(given[0]) in self._allowed
        except ValueError:
            return False

    def is_preflight(self, request: HTTPServerRequest) -> bool:
        """Whether a browser asks, for the page of a site that is allowed, what that page may do here."""
        return (
            request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers and self.shares(request)
        )

    def is_ours(self, origin: str | None, request: HTTPServerRequest, *, by_browser: bool = False) -> bool:
        """Whether an Origin is allowed, or is the very scheme, host and port that were asked.

        `by_browser`: the browser has said already that it is not the latter.
        """
        try:
            given = normal(origin or "")
            return given in self._allowed or (not by_browser and given == own_origin(request))
        except ValueError:
            return False


def own_origin(request: HTTPServerRequest) -> str:
    """What `Origin` our own pages have, by the address they were asked at; raises ValueError if that is none."""
    return normal(f"{request.protocol}://{request.host}")


def normal(origin: str) -> str:
    """An origin in the one form it has (RFC 6454, section 6.2); raises ValueError with a sentence if it is none."""
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or f"{parts.scheme}://{parts.netloc}".lower() != origin.lower() or "@" in parts.netloc:
        raise ValueError(f"{origin!r} is no origin; one looks like https://chat.example.org")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in (None, _PORTS.get(parts.scheme)) else f":{port}")


def _has_token(request: HTTPServerRequest) -> bool:
    """Whether it says itself who it is; a wrong token is refused later, whatever else the request carries."""
    given = request.headers.get_list("Authorization")
    return bool(given) and given[0][:7].lower() == "bearer "


def _refused(origin: str | None, request: HTTPServerRequest) -> str:
    return (
        f"A page of another site may not do this: it is of {origin or 'a site that is not named'}, and this is "
        f"{request.protocol}://{request.host}. (For whoever runs this server: --origins allows other sites, and "
        "--trusted-proxies believes a proxy what the address is.)"
    )
