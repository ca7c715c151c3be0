"""Sessions: who a request comes from.

A signed cookie, the same value as a bearer token, or a name for one connection.
"""

import time

import msgspec
from tornado.httputil import HTTPServerRequest
from tornado.web import create_signed_value, decode_signed_value

from chat.callers import Caller
from chat.errors import Unauthenticated
from chat.people import People, User

COOKIE = "parley_session"
# So many tokens are remembered for a while (seconds) once checked: a polling client shows its own all the time.
REMEMBERED = 10_000
REMEMBERED_FOR = 600.0


class Sessions:
    """Makes and reads tokens, valid for `days`, signed with the server's own secret."""

    def __init__(self, people: People, secret: str, *, days: int) -> None:
        self._people = people
        self._secret = secret
        self.days = days
        self._users: dict[str, tuple[User, float]] = {}

    def token(self, user: User) -> str:
        return create_signed_value(self._secret, COOKIE, msgspec.json.encode(user)).decode()

    def user(self, token: str) -> User | None:
        """Whose token it is; None if it is not one of ours or too old."""
        user, until = self._users.get(token, (None, 0.0))
        if user is not None and time.monotonic() < until:
            return user
        value = decode_signed_value(self._secret, COOKIE, token, max_age_days=self.days)
        if value is None:
            return None
        user = msgspec.json.decode(value, type=User)
        if len(self._users) >= REMEMBERED:
            self._users.clear()
        self._users[token] = (user, time.monotonic() + REMEMBERED_FOR)
        return user

    def identify(self, request: HTTPServerRequest) -> Caller | None:
        """Who sends the request; None if nobody is named.

        Raises Unauthenticated for a wrong token, BadRequest or NameTaken for a name.
        """
        # get_list, unlike get, raises nothing inside for a header that is not there: a poll is asked for so often.
        authorization = request.headers.get_list("Authorization")
        scheme, _, token = authorization[0].partition(" ") if authorization else ("", "", "")
        if scheme.lower() == "bearer":
            user = self.user(token.strip())
            if user is None:
                raise Unauthenticated("The token is not valid, or too old.")
            return Caller(user=user, session=user.id, address=request.remote_ip or "")
        cookie = request.cookies.get(COOKIE) if request.headers.get_list("Cookie") else None
        user = self.user(cookie.value) if cookie else None
        if user is not None:
            return Caller(user=user, session=user.id, address=request.remote_ip or "")
        names = request.query_arguments.get("username")
        if names:
            user = self._people.guest(names[-1].decode(errors="replace"))
            return Caller(user=user, passing=True, address=request.remote_ip or "")
        return None
