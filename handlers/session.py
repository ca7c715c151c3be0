"""/api/session: signing in as a guest, asking who one is, signing out."""

import msgspec

from chat.errors import BadRequest, Unauthenticated
from chat.names import person_name
from chat.people import User
from chat.protocol import sentence
from handlers.base import ApiHandler
from handlers.identity import COOKIE


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a sign-in."""

    name: str


class SessionHandler(ApiHandler):
    def get(self) -> None:
        user = self.caller().user
        self.chat.people.check(user)
        self.answer({"user": user})

    def post(self) -> None:
        try:
            wanted = msgspec.convert(self.body(), SignIn)
        except msgspec.ValidationError as error:
            raise BadRequest(sentence(error)) from None
        people = self.chat.people
        user = self._known_as(wanted.name) or people.guest(wanted.name)
        people.enter(user)
        people.leave(user, hold=True)
        token = self.sessions.token(user)
        self.set_cookie(
            COOKIE,
            token,
            max_age=self.sessions.days * 86400,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )
        self.answer({"user": user, "token": token})

    def _known_as(self, name: str) -> User | None:
        """Who asks, if that is their name already: signing in again is no new guest."""
        try:
            caller = self.sessions.identify(self.request)
        except Unauthenticated:
            return None
        if caller is None or caller.passing or caller.user.name != person_name(name):
            return None
        return caller.user

    def delete(self) -> None:
        caller = self.sessions.identify(self.request)
        if caller is not None:
            self.chat.people.sign_out(caller.user)
        self.clear_cookie(COOKIE)
        self.set_status(204)
        self.clear_header("Content-Type")
