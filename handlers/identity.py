"""Sessions: who a request comes from.

A session's cookie, the same value as a bearer token, or a name for one connection.
"""

from http.cookies import SimpleCookie
from typing import NoReturn

from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from chat.addresses import address_key
from chat.callers import Caller
from chat.chat import Chat
from chat.conversations import VISITOR_PREFIX
from chat.errors import Unauthenticated, Unavailable
from chat.people import User
from chat.sessions import Origin
from handlers.hosting import Host

COOKIE = "parley_session"
# Browsers take it from this very host over TLS alone, so that no neighbour of it can slip in another (RFC 6265bis,
# section 4.1.3.2).
SECURE_PREFIX = "__Host-"
SECURE_COOKIE = SECURE_PREFIX + COOKIE


class Sessions:
    """Reads from requests, and writes to answers, whose session they belong to."""

    def __init__(self, chat: Chat, base: str = "", host: Host | None = None) -> None:
        self.host = host
        name = cookie_name(COOKIE, base)
        self._cookies = {False: name, True: SECURE_PREFIX + name}
        self._tokens = chat.identity.tokens
        self._guests = chat.identity.guests
        self._entrance = chat.identity.entrance
        self._attempts = chat.identity.attempts
        self._bans = chat.bans
        self._days = chat.identity.sessions.days

    def token(self, guest: User) -> str:
        return self._guests.token(guest)

    # Whose request it is

    def identify(self, request: HTTPServerRequest) -> Caller | None:
        """Who sends the request; None if nobody is named.

        Raises Unauthenticated or RateLimited for a wrong token, Unavailable for one that could not be looked up,
        Forbidden for one who is banned; Forbidden, BadRequest or NameTaken for a name.
        """
        # get_list, unlike get, raises nothing inside for a header that is not there: a poll is asked for so often.
        authorization = request.headers.get_list("Authorization")
        if authorization:
            token = _bearer(authorization[0])
            if token is not None:
                return self._caller(token, request) or self._refuse(token, request)
        token = self._cookie(request)
        caller = self._caller(token, request) if token else None
        if caller is not None:
            return caller
        names = request.query_arguments.get("username")
        if names:
            user = self._entrance.passing(names[-1].decode(errors="replace"))
            return Caller(user=user, passing=True, address=request.remote_ip or "")
        return None

    def is_visitors(self, request: HTTPServerRequest) -> bool:
        """Whether it comes with the token of a support desk's visitor, valid or not."""
        authorization = request.headers.get_list("Authorization")
        return bool(authorization) and (_bearer(authorization[0]) or "").startswith(VISITOR_PREFIX)

    def to_load(self, request: HTTPServerRequest) -> str | None:
        """The token of the request, if whose it is has to be looked up in the store; see `load`."""
        authorization = request.headers.get_list("Authorization")
        token = _bearer(authorization[0]) if authorization else None
        if token is None:
            token = self._cookie(request)
        return token if token and not self._tokens.is_loaded(token) else None

    async def load(self, token: str) -> None:
        """Looks it up; raises Unavailable."""
        await self._tokens.load(token)

    def _caller(self, token: str, request: HTTPServerRequest) -> Caller | None:
        caller = self._tokens.caller(token, request.remote_ip or "")
        if caller is None:
            if not self._tokens.is_loaded(token):
                raise Unavailable("Who you are cannot be looked up; try again in a moment.", retry_after=1)
        elif caller.account:
            self._bans.check_account(caller.account)
        elif not self._entrance.lets_guests and not caller.user.is_visitor:
            return None
        return caller

    def _refuse(self, token: str, request: HTTPServerRequest) -> NoReturn:
        if self._tokens.is_new(token):
            self._attempts.wrong(address_key(request.remote_ip or ""))
        raise Unauthenticated("The token is not valid, or too old.")

    # The cookie

    def set_cookie(self, handler: RequestHandler, token: str) -> None:
        handler.set_cookie(
            self._name(handler.request),
            token,
            max_age=self._days * 86_400,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=_is_secure(handler.request),
        )

    def clear_cookie(self, handler: RequestHandler) -> None:
        secure = _is_secure(handler.request)
        handler.clear_cookie(self._name(handler.request), path="/", httponly=True, samesite="Lax", secure=secure)

    async def adopt(self, handler: RequestHandler, token: str) -> None:
        """Gives the browser a session that counts for this request already; raises Unavailable."""
        self.set_cookie(handler, token)
        request, name = handler.request, self._name(handler.request)
        request.headers.setdefault("Cookie", "")
        request.cookies[name] = SimpleCookie({name: token})[name]
        await self.load(token)

    def drop(self, handler: RequestHandler) -> None:
        """Takes its session from the browser, for this request too."""
        self.clear_cookie(handler)
        handler.request.cookies.pop(self._name(handler.request), None)

    def has_cookie(self, request: HTTPServerRequest) -> bool:
        """Whether a browser sent what it keeps, under TLS or without."""
        return any(name in request.cookies for name in self._cookies.values())

    def _cookie(self, request: HTTPServerRequest) -> str | None:
        if not request.headers.get_list("Cookie"):
            return None
        cookie = request.cookies.get(self._name(request))
        if cookie is None or cookie.value.startswith(VISITOR_PREFIX):  # those are bearer tokens alone
            return None
        return cookie.value

    def _name(self, request: HTTPServerRequest) -> str:
        return self._cookies[_is_secure(request)]


def origin_of(request: HTTPServerRequest) -> Origin:
    """Where a sign-in comes from."""
    return Origin(request.remote_ip or "", request.headers.get("User-Agent", ""))


def _bearer(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _is_secure(request: HTTPServerRequest) -> bool:
    return request.protocol == "https"


def cookie_name(name: str, base: str, *, secure: bool = False) -> str:
    """A cookie's name. One mounted below a path has its own, as another may be mounted beside it.

    The path of a cookie would keep them apart too, but keeps nothing from anybody, and `__Host-` forbids it.
    """
    return (SECURE_PREFIX if secure else "") + name + base.replace("/", "-")
