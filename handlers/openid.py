"""/api/openid: signing in with an OpenID provider, and linking an account to it."""

from urllib.parse import urlsplit

from chat.addresses import address_key
from chat.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from chat.vouchers import Voucher
from handlers.base import ApiHandler
from handlers.identity import cookie_name, origin_of
from handlers.local_paths import local_path
from handlers.openid_flow import COOKIE, Flow
from handlers.openid_provider import CALLBACK, OpenIdProvider, openid_of
from handlers.pages import PageHandler

# Characters of a code that comes back by the address; real ones have some hundred at most.
CODE_LIMIT = 4_096


class ProvidersHandler(ApiHandler):
    def get(self) -> None:
        self.answer({"providers": openid_of(self).providers})


class OpenIdPage(PageHandler):
    """A step of a sign-in, to which a browser is sent: it goes on to another page, or says on one what is wrong."""

    again = "/sign-in"

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    @property
    def provider(self) -> OpenIdProvider:
        """Raises NotFound if there is none."""
        provider = openid_of(self).provider
        if provider is None:
            self.again = ""
            raise NotFound("There is no such page.")
        return provider

    @property
    def back(self) -> str:
        """Where the provider sends the browser; it has a list of the addresses that it may."""
        return f"{self.request.protocol}://{self.request.host}{self.link(CALLBACK)}"

    @property
    def cookie(self) -> str:
        """The cookie's name; over TLS one that no neighbour of this host can set (RFC 6265bis, section 4.1.3.2)."""
        return cookie_name(COOKIE, self.settings["base"], secure=self.request.protocol == "https")


class OpenIdStart(OpenIdPage):
    """`?next=` is the page to show after it; `?link=1` adds the provider's sign-in to the account of the caller."""

    async def get(self) -> None:
        provider, flows = self.provider, openid_of(self).flows
        self.chat.rates.sign_in(self.request.remote_ip or "")
        is_link = self.get_query_argument("link", "") == "1"
        next = local_path(self.get_query_argument("next", self.link("/account" if is_link else "/")), self.link("/"))
        flow = Flow.begin(next=next, account=self._account() if is_link else "")
        address = await provider.address(flow, self.back)
        self.set_cookie(
            self.cookie,
            flows.seal(flow),
            max_age=flows.lifetime,
            path="/",
            httponly=True,
            samesite="Lax",  # Strict would keep it back when the provider sends the browser here
            secure=self.request.protocol == "https",
        )
        self.redirect(address)

    def _account(self) -> str:
        """The account that is to be linked.

        Only a page of ours may ask for that: another could have signed the browser in at the provider as somebody else
        before, who would then come into the account.
        """
        self.again = "/account"
        caller = self.known()
        if caller is None or not caller.account or caller.scope is not None:
            raise Unauthenticated("An account is needed.")
        if not self._is_asked_by_us():
            raise Forbidden("An account is linked from its own page alone.")
        return caller.account

    def _is_asked_by_us(self) -> bool:
        site = self.request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        referrer = urlsplit(self.request.headers.get("Referer", ""))  # plain http: browsers tell no more
        return (referrer.scheme, referrer.netloc) == (self.request.protocol, self.request.host)


class OpenIdCallback(OpenIdPage):
    """Where the provider sends the browser back to."""

    async def get(self) -> None:
        provider, flow = self.provider, self._flow()
        code, issuer = self._code(), self.get_query_argument("iss", None)
        identity, origin = self.chat.identity, origin_of(self.request)
        async with identity.attempts.trying(f"openid {address_key(origin.address)}"):
            voucher = await provider.voucher(code, flow, self.back, issuer=issuer)
        if flow.account:
            await self._link(flow.account, voucher)
        else:
            signed_in = await identity.vouched_entrance.come_in(voucher, origin, self.known())
            self.sessions.set_cookie(self, signed_in.token)
        self.redirect(flow.next)

    def _flow(self) -> Flow:
        """The sign-in that this browser has begun, which is over with this; raises BadRequest if there is none."""
        sealed = self.get_cookie(self.cookie) or ""
        self.clear_cookie(self.cookie, path="/", httponly=True, samesite="Lax", secure=self.request.protocol == "https")
        flow = openid_of(self).flows.read(sealed, self.get_query_argument("state", ""))
        if flow is None:
            raise BadRequest("This sign-in was begun in another browser, or too long ago. Try again.")
        if flow.account:
            self.again = "/account"
        return flow

    def _code(self) -> str:
        """What the provider exchanges for who it is; raises Unauthenticated if it gave none."""
        label = self.provider.label
        if self.get_query_argument("error", "") == "access_denied":
            raise Unauthenticated(f"{label} did not let you in, or you did not want to go on.")
        code = self.get_query_argument("code", "")
        if not 1 <= len(code) <= CODE_LIMIT:
            raise Unauthenticated(f"The sign-in with {label} did not succeed. Try again.")
        return code

    async def _link(self, account: str, voucher: Voucher) -> None:
        caller = self.known()
        if caller is None or caller.account != account or caller.scope is not None:
            raise Unauthenticated("You have signed out meanwhile, or in as somebody else. Try again.")
        await self.chat.identity.vouched_entrance.link(voucher, await self.account())


class UnlinkHandler(ApiHandler):
    async def delete(self) -> None:
        await self.chat.identity.vouched_entrance.unlink(await self.account())
        self.no_content()
