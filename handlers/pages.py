"""The pages: the lobby, a room, and what a browser is shown when something is wrong."""

from collections.abc import Awaitable
from contextlib import suppress
from http.client import responses
from typing import Any
from urllib.parse import quote, urlencode

from tornado.web import HTTPError

from chat.errors import ChatError, Forbidden
from chat.names import room_name
from handlers.base import Handler
from handlers.headers import PAGE_HEADERS
from handlers.openid_provider import openid_of


class PageHandler(Handler):
    """Pages are made anew for each visit: the scripts they name carry their versions."""

    guards = PAGE_HEADERS
    again = ""
    """The page, as a path of ours, from which one may try again when this one fails."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-cache")

    def prepare(self) -> Awaitable[None] | None:
        loading = super().prepare()
        return loading if self.sessions.host is None else self.after_host(loading)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        title = responses.get(status_code, "Error")
        reason = self.reason_for(status_code, kwargs)
        self.render("error.html", status=status_code, title=title, reason=reason, again=self.again)


class OpenPage(PageHandler):
    """A page for guests too. Where they are not let in it is for those who are signed in, and others do that first."""

    def prepare(self) -> Awaitable[None] | None:
        loading = super().prepare()
        if self.chat.access.guests != "no":
            return loading
        return self._lead_to_the_door(loading)

    async def _lead_to_the_door(self, loading: Awaitable[None] | None) -> None:
        if loading is not None:
            await loading
        if self.known() is None:
            self.redirect(self.link("/sign-in?") + urlencode({"next": self.request.uri or self.link("/")}))


class LobbyPage(OpenPage):
    def get(self) -> None:
        self.render("lobby.html", guests=self.chat.access.guests)


class RoomPage(OpenPage):
    template = "room.html"

    async def get(self, name: str) -> None:
        room = title = _known_name(name)
        with suppress(ChatError):  # a new room, one that is not to be seen, or MongoDB is away: its name will do
            title = (await self.chat.access.to_read(name, self.sessions.identify(self.request))).title
        self.render(self.template, room=room, title=title, guests=self.chat.access.guests)


class BoardPage(RoomPage):
    """A room's drawing board, with its chat beside it."""

    template = "board.html"


class PairPage(OpenPage):
    """Chat roulette: a stranger to talk to."""

    def get(self) -> None:
        self.render("pair.html", title="Meet somebody", guests=self.chat.access.guests)


class RoomSettingsPage(OpenPage):
    """What one may set about a room: the page's script asks which."""

    async def get(self, name: str) -> None:
        room = title = _known_name(name)
        with suppress(ChatError):  # of a room that is not to be seen the page says so
            title = (await self.chat.access.to_see(name, self.known())).title
        room_path = self.link(f"/chat/{quote(room, safe='')}")
        self.render("room-settings.html", room=room, title=title, room_path=room_path)


class AccountPage(PageHandler):
    """One's own account; for others the way to sign in."""

    async def get(self) -> None:
        caller = self.known()
        if caller is None or not caller.account:
            self.redirect(self.link("/sign-in?next=") + self.link("/account"))
        else:
            least, providers = self.chat.identity.passwords.least, openid_of(self).providers
            self.render("account.html", password_least=least, providers=providers)


class AdminPage(PageHandler):
    """The administration, for administrators."""

    async def get(self) -> None:
        caller = self.known()
        if caller is None or not caller.account:
            self.redirect(self.link("/sign-in?next=") + self.link("/admin"))
        elif not caller.admin:
            raise Forbidden("This page is for the administrators of this server.")
        else:
            self.render("admin.html")


class DeskPage(PageHandler):
    """Where agents answer visitors; administrators make desks there."""

    async def get(self) -> None:
        caller = self.known()
        if caller is None or not caller.account:
            self.redirect(self.link("/sign-in?next=") + self.link("/desk"))
        elif not (caller.admin or self.chat.reception.desks.agents.desks_of(caller.account)):
            raise Forbidden("This page is for the agents of a support desk.")
        else:
            self.render("desk.html", title="Support desk", guests=self.chat.access.guests, is_admin=caller.admin)


def _known_name(name: str) -> str:
    """What can be a room's name; for all else there is no page."""
    try:
        return room_name(name)
    except ChatError:
        raise HTTPError(404) from None


class NoPage(PageHandler):
    """Any address that is none."""

    def prepare(self) -> None:
        raise HTTPError(404)
