"""The case of the tests that sign in with an OpenID provider: it runs beside the server, in the same loop."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tornado.web import Application

from handlers.openid_flow import COOKIE
from tests.cases import Answer, ChatTestCase
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, TestProvider

OUR_PAGE = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
ANOTHER_SITE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
REFUSED = "The sign-in with the tests did not succeed. Try again."
OTHERS = "This sign-in was begun in another browser, or too long ago. Try again."


class Visitor:
    """A browser, as far as a sign-in goes: it keeps cookies and is sent from place to place."""

    def __init__(self, case: "OpenIdCase") -> None:
        self._case = case
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """A page of ours."""
        return await self.call("GET", path, headers=headers)

    async def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = ({"Cookie": sent} if sent else {}) | (headers or {})
        answer = await self._case.call(method, path, body, headers=given)
        for header in answer.headers.get_list("Set-Cookie"):
            for name, morsel in SimpleCookie(header).items():
                self.cookies.pop(name, None)
                if morsel.value:
                    self.cookies[name] = morsel.value
        return answer

    async def begin(self, headers: dict[str, str] | None = None, **query: str) -> str:
        """Goes to the provider and signs in there: the address of ours to which that sends it back."""
        answer = await self.get("/api/openid/start?" + urlencode(query), headers)
        assert answer.status == 302, answer
        return await self.agree(answer.headers["Location"])

    async def agree(self, address: str) -> str:
        response = await self._case.http_client.fetch(address, follow_redirects=False, raise_error=False)
        assert response.code == 302, response
        place = str(response.headers["Location"])
        assert place.startswith(self._case.get_url("/api/openid/callback?"))
        return place.removeprefix(self._case.get_url(""))

    async def sign_in(self, **query: str) -> Answer:
        """The whole of it: what our server says at the end."""
        return await self.get(await self.begin(**query), ANOTHER_SITE)

    async def link(self) -> Answer:
        """The same for the account that is signed in."""
        return await self.get(await self.begin(OUR_PAGE, link="1"), ANOTHER_SITE)

    async def session(self) -> dict[str, Any]:
        """Who the server takes it for."""
        answer = await self.get("/api/session")
        assert answer.status == 200, answer
        return dict(answer.body)


class OpenIdCase(ChatTestCase):
    """`provider` is the OpenID provider that the server knows."""

    def get_app(self) -> Application:
        self.provider = self.io_loop.run_sync(self._provide)
        known = {
            "openid_issuer": self.provider.issuer,
            "openid_client_id": CLIENT_ID,
            "openid_client_secret": CLIENT_SECRET,
            "openid_label": "the tests",
            "openid_interval": 0,
            "attempts_delay": 0,
        }
        self.settings = known | self.settings  # type: ignore[misc]  # of this test alone
        return super().get_app()

    async def _provide(self) -> TestProvider:
        return TestProvider()

    def tearDown(self) -> None:
        self.provider.close()  # first, as the loop closes all that is open when it ends
        super().tearDown()

    def visitor(self) -> Visitor:
        return Visitor(self)

    async def member(self, name: str) -> Visitor:
        """One who is signed in with an account and a password."""
        visitor = Visitor(self)
        await self.account(name)
        await visitor.call("POST", "/api/session", {"name": name, "password": "correct horse"})
        assert (await visitor.session())["account"]["name"] == name
        return visitor

    def stored_accounts(self) -> list[dict[str, Any]]:
        return list(self.mongod.client[self.database_name]["accounts"].find())


class RefusedCase(OpenIdCase):
    async def check_refused(self, visitor: Visitor, answer: Answer, status: int, sentence: str = "") -> None:
        """A page says so, and nobody is signed in or has got an account."""
        assert answer.status == status, answer
        assert sentence in answer.body.decode()
        assert "text/html" in answer.headers["Content-Type"]
        assert COOKIE not in visitor.cookies
        assert (await visitor.get("/api/session")).status == 401
        assert self.stored_accounts() == []
