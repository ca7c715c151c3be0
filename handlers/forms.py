"""The pages at the door: signing in, registering, the first administrator. They are plain forms and need no script."""

from typing import Any
from urllib.parse import quote, urlencode

from chat.entrance import SignedIn
from chat.errors import BadRequest, ChatError, NotFound, RateLimited
from handlers.base import STATUS
from handlers.identity import origin_of
from handlers.local_paths import local_path
from handlers.openid_provider import START, openid_of
from handlers.pages import PageHandler


class FormPage(PageHandler):
    """A page with a form that is sent to its own address. What went wrong is said in the page, with what was typed."""

    template = ""

    def show(self, error: ChatError | None = None, **more: Any) -> None:
        """The page, with the reason why it is shown again."""
        if error is not None:
            self.set_status(STATUS[error.code])
        self.set_header("Cache-Control", "no-store")  # it has in it what somebody typed
        fields: dict[str, Any] = {
            "name": self.field("name"),
            "email": self.field("email"),
            "token": self.field("token"),
            "next": self.next,
            "onward": urlencode({"next": self.next}),
            "reason": _sentence(error),
            "guests": self.chat.access.guests,
            "registration": self.chat.identity.entrance.registers,
            "password_least": self.chat.identity.passwords.least,
        }
        self.render(self.template, **fields | more)

    def field(self, name: str) -> str:
        """What a field of the form holds, else the address; empty if it is in neither. Raises BadRequest."""
        request = self.request
        values = request.body_arguments.get(name) or request.query_arguments.get(name) or [b""]
        try:
            return values[-1].decode()
        except UnicodeDecodeError:
            raise BadRequest(f"{name} is not UTF-8.") from None

    @property
    def next(self) -> str:
        """The page to go to after this one."""
        return local_path(self.field("next"), self.link("/"))

    def enter(self, signed_in: SignedIn, to: str) -> None:
        """Keeps the session in the browser, and goes on."""
        self.sessions.set_cookie(self, signed_in.token)
        self.redirect(to, status=303)


class SignInPage(FormPage):
    """With a password, at a provider, or as a guest."""

    template = "sign-in.html"

    def get(self) -> None:
        self.show()

    def show(self, error: ChatError | None = None, **more: Any) -> None:
        caller = self.known()
        is_guest = self._is_guest()
        name = self.field("name")
        shown = {
            "signed_in": caller.user.name if caller and caller.account else "",
            "name": "" if is_guest else name,
            "guest": name if is_guest else "",
            "reason": "" if is_guest else _sentence(error),
            "guest_reason": _sentence(error) if is_guest else "",
            "providers": openid_of(self).buttons(self.link(START), self.next),
        }
        super().show(error, **shown | more)

    async def post(self) -> None:
        try:
            signed_in = await self._signed_in()
        except ChatError as error:
            self.show(error)
        else:
            self.enter(signed_in, self.next)

    async def _signed_in(self) -> SignedIn:
        entrance, name = self.chat.identity.entrance, self.field("name")
        if self._is_guest():
            return entrance.guest(name, origin_of(self.request), self.known())
        return await entrance.sign_in(name, self.field("password"), origin_of(self.request), self.known())

    def _is_guest(self) -> bool:
        return self.field("as") == "guest"


class SignOutPage(PageHandler):
    async def post(self) -> None:
        caller = self.known()
        if caller is not None:
            await self.chat.identity.departures.sign_out(caller)
        self.sessions.clear_cookie(self)
        self.redirect(self.link("/"), status=303)


class RegisterPage(FormPage):
    template = "register.html"

    def get(self) -> None:
        self.show()

    async def post(self) -> None:
        try:
            signed_in = await self.chat.identity.entrance.register(
                self.field("name"),
                self.field("password"),
                origin_of(self.request),
                email=self.field("email"),
                caller=self.known(),
            )
        except ChatError as error:
            self.show(error)
        else:
            self.enter(signed_in, self.next)


class SetupPage(FormPage):
    """The first administrator's account, for whoever has the link that the server printed."""

    template = "setup.html"

    async def get(self) -> None:
        await self._check()
        self.show()

    async def post(self) -> None:
        await self._check()
        try:
            signed_in = await self.chat.identity.entrance.set_up(
                self.field("token"), self.field("name"), self.field("password"), origin_of(self.request)
            )
        except ChatError as error:
            self.show(error)
        else:
            self.enter(signed_in, self.link("/admin"))

    async def _check(self) -> None:
        if not await self.chat.identity.entrance.needs_setup():
            raise NotFound("This server has its administrator already.")


class JoinPage(FormPage):
    """An invitation: which room it is to, and one button."""

    template = "join.html"

    async def get(self, token: str) -> None:
        await self._show(token)

    async def post(self, token: str) -> None:
        try:
            with self.present() as caller:
                room = await self.chat.house.invitations.accept(token, caller)
        except ChatError as error:
            await self._show(token, error)
        else:
            self.redirect(self.link(f"/chat/{quote(room.name, safe='')}"), status=303)

    async def _show(self, token: str, error: ChatError | None = None) -> None:
        caller = self.known()
        try:
            room = await self.chat.house.invitations.room(token, self.request.remote_ip or "")
        except NotFound:
            raise NotFound(
                "This invitation is wrong, used up, too old or taken back. Ask whoever invited you for another one."
            ) from None
        onward = urlencode({"next": self.link(f"/join/{quote(token, safe='')}")})
        self.show(error, title=room.title, user=caller.user.name if caller else "", onward=onward)


class InvitationPage(PageHandler):
    """Where a link leads that was copied and not pressed."""

    def get(self) -> None:
        token = self.get_query_argument("link", "").strip().rstrip("/").rpartition("/")[2]
        self.redirect(self.link(f"/join/{quote(token, safe='')}" if token else "/"))


def _sentence(error: ChatError | None) -> str:
    if error is None:
        return ""
    if isinstance(error, RateLimited) and error.retry_after:
        return f"{error.reason} Try again in {max(1, round(error.retry_after))} seconds."
    return error.reason
