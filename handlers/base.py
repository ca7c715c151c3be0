"""What all handlers share: who asks, JSON in and out, and errors as the contract has them."""

import logging
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import responses
from types import TracebackType
from typing import Any, TypeVar

import msgspec
from tornado.web import HTTPError, RequestHandler

from chat.accounts import Account
from chat.callers import Caller
from chat.chat import Chat
from chat.errors import BadRequest, ChatError, Forbidden, TooLarge, Unauthenticated, Unavailable
from chat.protocol import encode, sentence
from chat.sessions import Origin
from handlers.arguments import Arguments
from handlers.headers import CALL_HEADERS, JSON_HEADERS
from handlers.identity import Sessions, origin_of

Body = TypeVar("Body", bound=msgspec.Struct)

STATUS = {
    "bad_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "name_taken": 409,
    "too_large": 413,
    "rate_limited": 429,
    "unavailable": 503,
}

log = logging.getLogger("parley.web")


class Guarded(RequestHandler):
    """What holds for every answer, files and errors included: its headers, and what is logged of a fault."""

    guards: Mapping[str, str] = CALL_HEADERS

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in self.guards.items():
            self.set_header(name, value)
        for name, value in self.settings["origins"].sharing(self.request).items():
            self.set_header(name, value)
        if self.request.protocol == "https" and self.settings["hsts"]:
            self.set_header("Strict-Transport-Security", self.settings["hsts"])

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        super().set_status(status_code, reason)
        if status_code == 405:  # RFC 9110, section 15.5.6
            self.set_header("Allow", ", ".join(self.methods()))

    @classmethod
    def methods(cls) -> list[str]:
        """Those that are allowed."""
        unknown = RequestHandler._unimplemented_method
        return [method for method in cls.SUPPORTED_METHODS if getattr(cls, method.lower()) is not unknown]

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Only what is our fault, and without the request: its address may hold a token."""
        if value is not None and not isinstance(value, ChatError | HTTPError):
            log.error("%s of %s failed", self.request.method, type(self).__name__, exc_info=value)


class Handler(Guarded):
    """Base of every handler. `chat` and `sessions` come from server.py."""

    lets_visitors = False
    """Whether it is for visitors of support desks as well: their tokens are for their own conversation alone."""

    def initialize(self, chat: Chat, sessions: Sessions) -> None:
        self.chat = chat
        self.sessions = sessions

    def prepare(self) -> Awaitable[None] | None:
        """Checks the address and the size of the body, and looks up whose session it is if memory does not know."""
        self.chat.bans.check_address(self.request.remote_ip or "")
        size = len(self.request.body)
        if size > self.body_limit() or (not size and int(self.request.headers.get("Content-Length", "0"))):
            # The second is one too long for any handler, which has not been read: see handlers/connection.py.
            raise TooLarge(f"A body has at most {self.body_limit()} bytes.")
        if not self.lets_visitors and self.sessions.is_visitors(self.request):
            raise Forbidden("A visitor's token is for their own conversation alone.")
        token = self.sessions.to_load(self.request)
        return self._load(token) if token else None

    def body_limit(self) -> int:
        """How many bytes a body may have."""
        return self.chat.limits.message_limit

    def link(self, path: str) -> str:
        """The address of a page or a call of ours, for redirects and, as `link('/pair')`, in templates.

        Parley may be mounted below a path of somebody else's site, so no address is written without it; in scripts
        `pagePath('/pair')` of site.js is the same.
        """
        return f"{self.settings['base']}{path}"

    def get_template_namespace(self) -> dict[str, Any]:
        return super().get_template_namespace() | {"link": self.link}

    async def _load(self, token: str) -> None:
        with suppress(Unavailable):  # told by `caller`, if anybody asks for it
            await self.sessions.load(token)

    # Who asks

    def known(self) -> Caller | None:
        """Who sends the request, or None for nobody and one who is named wrongly; raises Unavailable."""
        try:
            return self.sessions.identify(self.request)
        except Unavailable:
            raise
        except ChatError:
            return None

    def caller(self) -> Caller:
        """Who sends the request; raises Unauthenticated if nobody is named."""
        caller = self.sessions.identify(self.request)
        if caller is None:
            raise Unauthenticated("A name is needed: sign in with POST /api/session, or give ?username=.")
        return caller

    def origin(self) -> Origin:
        """Where a sign-in comes from."""
        return origin_of(self.request)

    async def after_host(self, loading: Awaitable[None] | None) -> None:
        """Lets the site around say who this is, where there is one."""
        if loading is not None:
            await loading
        if self.sessions.host is not None:
            await self.sessions.host.bring_in(self)

    def check_still(self, caller: Caller) -> None:
        """Raises Unauthenticated if the caller's session has ended since they were identified."""
        if not caller.passing and self.sessions.identify(self.request) is None:
            raise Unauthenticated("You have been signed out.")

    async def account(self) -> Account:
        """The account of the one who asks; raises Unauthenticated for guests, Forbidden for bots."""
        caller = self.caller()
        if caller.scope is not None:
            raise Forbidden("A bot's token is not for accounts.")
        account = await self.chat.identity.accounts.by_id(caller.account) if caller.account else None
        if account is None:
            raise Unauthenticated("An account is needed.")
        return account

    @contextmanager
    def present(self) -> Iterator[Caller]:
        """The one who asks, present for as long as the request lasts."""
        caller = self.caller()
        self.chat.people.enter(caller.user)
        try:
            yield caller
        finally:
            self.chat.people.leave(caller.user, hold=not caller.passing)

    # Errors

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        error = _error_in(kwargs)
        super().send_error(STATUS[error.code] if error else status_code, **kwargs)

    def reason_for(self, status_code: int, kwargs: dict[str, Any]) -> str:
        """A sentence for whoever asked."""
        error = _error_in(kwargs)
        if error is not None:
            return error.reason
        if status_code == 404:
            return "There is no such page."
        if status_code == 405:
            return "That method is not allowed here."
        return responses.get(status_code, "Unknown") + "."


class ApiHandler(Handler):
    """A handler that speaks JSON."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        for name, value in JSON_HEADERS.items():
            self.set_header(name, value)

    def compute_etag(self) -> str | None:
        return None  # answers differ each time; nobody asks for them twice

    def answer(self, value: Any, status: int = 200) -> None:
        self.set_status(status)
        self.write(encode(value))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = _error_in(kwargs)
        if error is not None and error.retry_after is not None:
            self.set_header("Retry-After", str(max(1, round(error.retry_after))))
        code = error.code if error else _code_of(status_code)
        self.finish(encode({"error": {"code": code, "reason": self.reason_for(status_code, kwargs)}}))

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; raises BadRequest."""
        try:
            return msgspec.json.decode(self.request.body or b"{}", type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise BadRequest(f"The body must be a JSON object. {sentence(error)}") from None

    def read(self, kind: type[Body]) -> Body:
        """The body that was sent, as a struct; raises BadRequest."""
        try:
            return msgspec.convert(self.body(), kind)
        except msgspec.ValidationError as error:
            raise BadRequest(sentence(error)) from None

    def no_content(self) -> None:
        """Answers that it is done, and that there is nothing to say."""
        self.set_status(204)
        self.clear_header("Content-Type")

    @property
    def query(self) -> Arguments:
        """What the query of the address says."""
        return Arguments(self.request.query_arguments)


class NotFoundHandler(ApiHandler):
    """Any address below /api that is none."""

    def prepare(self) -> None:
        raise HTTPError(404)


def _error_in(kwargs: dict[str, Any]) -> ChatError | None:
    value = kwargs.get("exc_info", (None, None, None))[1]
    return value if isinstance(value, ChatError) else None


def _code_of(status: int) -> str:
    return next(
        (code for code, known in STATUS.items() if known == status),
        "bad_request" if status < 500 else "unavailable",
    )
