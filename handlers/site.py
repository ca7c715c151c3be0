"""The application: what every request has to pass before any handler is asked, and the line it leaves in the log."""

import logging
import re
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerRequest
from tornado.web import Application, HTTPError, RedirectHandler, RequestHandler

from chat.errors import ChatError
from handlers.base import ApiHandler, Handler
from handlers.headers import strict_transport
from handlers.hosts import Hosts
from handlers.incoming import Incoming
from handlers.origins import SAFE_METHODS, Origins
from handlers.pages import PageHandler
from handlers.poll import Poll
from handlers.proxies import Proxies, Ranges
from handlers.quick import QuickPolls
from handlers.widget import SCRIPT

log = logging.getLogger("parley.access")

Rule = tuple[str, type[RequestHandler], dict[str, Any]]

# Who asks for these wants JSON; all else are pages.
POLL = "/api/poll"
CALLS = ("/api/", "/ws", "/healthz", "/metrics")


class Refusal(NamedTuple):
    """Why a request goes no further."""

    status: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Reach:
    """From where the web may be used: by which names of the server, from pages of which sites, by which proxies' word.

    All of it lies below the path `base`, which is empty for a server of its own. `embedders` are the origins whose
    pages may show a support desk's widget, `metrics` the addresses that may read the figures, `hsts` the days for which
    browsers are to use TLS only once they have, `log` whether each request is logged.
    """

    hosts: Hosts
    origins: Origins
    embedders: tuple[str, ...]
    metrics: Ranges
    proxies: Proxies
    hsts: int
    log: bool
    base: str = ""


class Site(Application):
    """Parley's addresses, for those who come by a name that is ours, from pages that are ours."""

    def __init__(self, rules: list[Rule], shared: dict[str, Any], reach: Reach, **settings: Any) -> None:
        self._shared = shared
        self.reach = reach
        self.polls = QuickPolls(hsts=strict_transport(reach.hsts), **shared)
        self._poll_path = reach.base + POLL
        self._shown = {handler: _shown(pattern) for pattern, handler, _ in rules} | {RefusingPoll: POLL}
        if reach.base:
            rules = [("", RedirectHandler, {"url": f"{reach.base}/"}), *rules]
        super().__init__(
            [(reach.base + pattern, handler, given) for pattern, handler, given in rules],
            base=reach.base,
            static_url_prefix=f"{reach.base}/static/",
            default_handler_args=shared,
            origins=reach.origins,
            embedders=reach.embedders,
            metrics_from=reach.metrics,
            hsts=strict_transport(reach.hsts),
            **settings,
        )

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return Incoming(self, server_conn, request_conn)

    def poll_of(self, request: HTTPServerRequest) -> Poll | None:
        """The poll that a request begins, if it needs no handler."""
        if request.path != self._poll_path or self.refusal(request) is not None:
            return None
        try:
            return self.polls.begun(request)
        except ChatError:
            return None  # its handler comes upon the same error

    def refusing(self, request: HTTPServerRequest, error: ChatError) -> HTTPMessageDelegate:
        """What answers a request that needed no handler so far with an error."""
        return self.get_handler_delegate(request, RefusingPoll, {**self._shared, "error": error})

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        if self.refusal(request) is None:
            if self.reach.origins.is_preflight(request):
                return self.get_handler_delegate(request, Preflight, self._shared)
            return super().find_handler(request, **kwargs)
        handler = RefusedCall if request.path.removeprefix(self.reach.base).startswith(CALLS) else RefusedPage
        return self.get_handler_delegate(request, handler, self._shared)

    def refusal(self, request: HTTPServerRequest) -> Refusal | None:
        """Why a request may not come in."""
        if not self.reach.hosts.answers_to(request.host):
            return Refusal(
                421,
                f"This server does not go by the name {request.host}. (For whoever runs it: --hosts gives it names.)",
            )
        if request.path == self.reach.base + SCRIPT and request.method in SAFE_METHODS:
            return None  # for any page to load
        reason = self.reach.origins.refusal(request)
        return Refusal(403, reason) if reason else None

    def log_request(self, handler: RequestHandler) -> None:
        shown = self._shown.get(type(handler), type(handler).__name__)
        self._log(handler.request, shown, handler.get_status())

    def log_poll(self, request: HTTPServerRequest) -> None:
        """As `log_request`, for a poll that needed no handler."""
        self._log(request, POLL, 200)

    def _log(self, request: HTTPServerRequest, shown: str, status: int) -> None:
        """One line that says where something was asked, not what: addresses hold invitations, queries hold tokens."""
        if self.reach.log:
            took = round(1000 * request.request_time(), 1)
            fields = {"status": status, "ms": took, "address": request.remote_ip}
            log.info("%s %s", request.method, shown, extra={"fields": fields})


class Preflight(ApiHandler):
    """What a page of another site may do here: its headers say it, whoever asks."""

    def prepare(self) -> None:
        """Who is banned is told so when they ask for something."""

    def options(self) -> None:
        self.no_content()


class Refused(Handler):
    """What one is told who may not come in."""

    def prepare(self) -> None:
        self.refusal = cast(Site, self.application).refusal(self.request)
        assert self.refusal is not None
        raise HTTPError(self.refusal.status)

    def reason_for(self, status_code: int, kwargs: dict[str, Any]) -> str:
        return self.refusal.reason if self.refusal else super().reason_for(status_code, kwargs)


class RefusedCall(Refused, ApiHandler):
    """As JSON."""


class RefusingPoll(ApiHandler):
    """Says why a poll waits no longer."""

    lets_visitors = True

    def initialize(self, *, error: ChatError, **shared: Any) -> None:  # type: ignore[override]
        super().initialize(**shared)
        self._error = error

    def prepare(self) -> None:
        raise self._error


class RefusedPage(Refused, PageHandler):
    """As a page."""


def _shown(pattern: str) -> str:
    """An address for the log: where something was asked, not what."""
    return re.sub(r"\(.*?\)\)?\??", "<…>", pattern)
