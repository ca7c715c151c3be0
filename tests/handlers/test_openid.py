"""Signing in with an OpenID provider, from the button to the session, over real HTTP on both sides."""

import asyncio
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from tornado.testing import ExpectLog, gen_test

from tests.cases import PASSWORD, ChatTestCase
from tests.openid_case import OpenIdCase
from tests.openid_provider import ANN, CLIENT_ID, Fault


class SignInTest(OpenIdCase):
    settings: ClassVar[dict[str, Any]] = {"trusted_proxies": "127.0.0.1"}

    @gen_test
    async def test_the_first_sign_in_makes_an_account(self) -> None:
        """One comes back signed in, with an account of one's own name, and is where one wanted to be."""
        ann = self.visitor()
        answer = await ann.sign_in(next="/chat/lobby?transport=poll")
        assert (answer.status, answer.headers["Location"]) == (302, "/chat/lobby?transport=poll")
        session = await ann.session()
        assert (session["user"]["name"], session["user"]["guest"]) == ("ann", False)
        assert (session["account"]["name"], session["account"]["email"]) == ("ann", "")
        assert session["account"]["admin"] is False

    @gen_test
    async def test_the_next_sign_in_finds_the_account_again(self) -> None:
        """The same issuer and subject are the same person, whatever their name at the provider is by now."""
        ann, later = self.visitor(), self.visitor()
        await ann.sign_in()
        self.provider.person = ANN | {"preferred_username": "ann-married", "name": "Ann Bor"}
        await later.sign_in()
        assert (await later.session())["user"] == (await ann.session())["user"]
        assert len(self.stored_accounts()) == 1

    @gen_test
    async def test_another_subject_is_another_person(self) -> None:
        """One of the same name gets an account of their own, with a number."""
        ann, other = self.visitor(), self.visitor()
        await ann.sign_in()
        self.provider.person = ANN | {"sub": "another"}
        await other.sign_in()
        assert (await other.session())["user"]["name"] == "Ann Arbor"
        self.provider.person = ANN | {"sub": "a third"}
        await other.sign_in()
        assert (await other.session())["user"]["name"] == "ann 2"
        assert (await ann.session())["user"]["name"] == "ann"

    @gen_test
    async def test_a_guest_s_name_is_not_taken_from_them(self) -> None:
        """A name that a guest has at the moment is not given to a new account, unless it is their own."""
        await self.call("POST", "/api/session", {"name": "ann"})
        newcomer = self.visitor()
        await newcomer.sign_in()
        assert (await newcomer.session())["user"]["name"] == "Ann Arbor"
        self.provider.person = {"sub": "2", "preferred_username": "bob"}
        bob = self.visitor()
        await bob.call("POST", "/api/session", {"name": "bob"})
        await bob.sign_in()
        session = await bob.session()
        assert (session["user"]["name"], session["user"]["guest"]) == ("bob", False)

    @gen_test
    async def test_two_first_sign_ins_at_once_make_one_account(self) -> None:
        """Whoever comes in twice at the same moment is one person in the end."""
        visitors = [self.visitor() for _ in range(4)]
        places = [await visitor.begin() for visitor in visitors]
        answers = await asyncio.gather(*(visitor.get(place) for visitor, place in zip(visitors, places, strict=True)))
        assert [answer.status for answer in answers] == [302] * 4
        assert len({(await visitor.session())["user"]["id"] for visitor in visitors}) == 1
        assert len(self.stored_accounts()) == 1

    @gen_test
    async def test_a_verified_address_is_taken_once(self) -> None:
        """The e-mail address that the provider has verified is the account's from the first sign-in on."""
        self.provider.person = ANN | {"email": "ann@example.org", "email_verified": True}
        ann = self.visitor()
        await ann.sign_in()
        assert (await ann.session())["account"]["email"] == "ann@example.org"

    @gen_test
    async def test_an_account_without_a_password_may_set_one(self) -> None:
        """Until then no password lets in; after that it does, and so does the provider still."""
        ann = self.visitor()
        await ann.sign_in()
        for wrong in ("", PASSWORD):
            answer = await self.call("POST", "/api/session", {"name": "ann", "password": wrong})
            assert answer.status == 401
        answer = await ann.call("POST", "/api/account/password", {"old": "", "new": PASSWORD})
        assert answer.status == 204, answer
        await self.sign_in("ann")
        again = self.visitor()
        await again.sign_in()
        assert (await again.session())["user"]["name"] == "ann"

    @gen_test
    async def test_an_account_without_a_password_can_be_deleted(self) -> None:
        """Its owner deletes it; whoever signs in at the provider then is somebody new."""
        ann = self.visitor()
        await ann.sign_in()
        before = (await ann.session())["user"]["id"]
        assert (await ann.call("DELETE", "/api/account", {"messages": "keep"})).status == 204
        await ann.sign_in()
        assert (await ann.session())["user"]["id"] != before

    @gen_test
    async def test_the_sign_in_is_a_session_like_any_other(self) -> None:
        """It stands in the list of one's sessions and is ended with them."""
        ann = self.visitor()
        await ann.sign_in()
        sessions = (await ann.get("/api/account/sessions")).body["sessions"]
        assert [session["current"] for session in sessions] == [True]
        await ann.call("DELETE", "/api/account/sessions")
        assert (await ann.get("/api/session")).status == 401

    @gen_test
    async def test_the_browser_is_told_all_that_the_provider_needs(self) -> None:
        """The address has the client, the way back, what is asked for, and what ties the answer to the browser."""
        answer = await self.visitor().get("/api/openid/start")
        asked = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert asked["client_id"] == [CLIENT_ID]
        assert asked["redirect_uri"] == [self.get_url("/api/openid/callback")]
        assert asked["scope"] == ["openid profile email"]
        assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
        assert all(len(asked[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))

    @gen_test
    async def test_the_way_back_is_the_address_that_was_asked(self) -> None:
        """Behind a proxy that is believed it is the address that the browser knows, with its cookie."""
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "localhost"}
        ann = self.visitor()
        answer = await ann.get("/api/openid/start", headers)
        asked = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert asked["redirect_uri"] == ["https://localhost/api/openid/callback"]
        assert answer.headers["Set-Cookie"].startswith("__Host-parley_openid=")
        assert "secure" in answer.headers["Set-Cookie"].lower()
        there = await self.http_client.fetch(answer.headers["Location"], follow_redirects=False, raise_error=False)
        back = str(there.headers["Location"]).removeprefix("https://localhost")
        assert (await ann.get(back, headers)).status == 302
        assert set(ann.cookies) == {"__Host-parley_session"}

    @gen_test
    async def test_the_page_has_a_button(self) -> None:
        """The sign-in page shows it, with the name of the provider and the page to go to then."""
        page = (await self.call("GET", "/sign-in?next=/chat/lobby")).body.decode()
        assert "Continue with the tests" in page
        assert "/api/openid/start?next=%2Fchat%2Flobby" in page
        assert (await self.call("GET", "/api/openid")).body == {"providers": [{"name": "openid", "label": "the tests"}]}

    @gen_test
    async def test_one_who_does_not_want_to_is_told_so(self) -> None:
        """A refusal at the provider is a page with a sentence and a way back; what the provider says is not shown."""
        self.provider.fault = Fault.DENIES
        answer = await self.visitor().sign_in()
        page = answer.body.decode()
        assert answer.status == 401
        assert "the tests did not let you in, or you did not want to go on." in page
        assert "/sign-in" in page
        assert "555" not in page

    @gen_test
    async def test_a_provider_that_is_down_is_told(self) -> None:
        """503 as a page, at the start and at the end; a little later it works."""
        ann = self.visitor()
        place = await ann.begin()
        self.provider.fault = Fault.DOWN
        with ExpectLog("parley.openid", "the OpenID provider: .*answered 503"):
            answer = await ann.get(place)
        assert answer.status == 503
        assert "the tests does not answer as it should." in answer.body.decode()
        self.provider.fault = Fault.NONE
        assert (await ann.sign_in()).status == 302

    @gen_test
    async def test_keys_may_change(self) -> None:
        """A provider that signs with a new key is believed at once."""
        ann = self.visitor()
        await ann.sign_in()
        self.provider.rotate()
        assert (await ann.sign_in()).status == 302

    @gen_test
    async def test_when_no_name_is_free(self) -> None:
        """One is told what to do when all names that were tried are somebody's."""
        with mock.patch("chat.vouchers.Voucher.names", lambda self: iter(["ann"])):
            await self.account("ann")
            answer = await self.visitor().sign_in()
        assert answer.status == 409
        assert "No free name was found for you." in answer.body.decode()

    @gen_test
    async def test_an_account_is_linked_and_then_either_way_leads_in(self) -> None:
        """Who is signed in with a password links the provider; afterwards both lead to the same account."""
        bob = await self.member("bob")
        answer = await bob.link()
        assert (answer.status, answer.headers["Location"]) == (302, "/account")
        assert (await bob.link()).status == 302  # once more changes nothing
        assert (await bob.session())["account"]["linked"] == [self.provider.issuer]
        later = self.visitor()
        await later.sign_in()
        assert (await later.session())["user"]["name"] == "bob"
        await self.sign_in("bob")
        assert len(self.stored_accounts()) == 1

    @gen_test
    async def test_an_account_is_unlinked(self) -> None:
        """Then the provider leads to an account of its own, and the password to the one that was linked."""
        bob = await self.member("bob")
        await bob.link()
        assert (await bob.call("DELETE", "/api/account/openid")).status == 204
        assert (await bob.session())["account"]["linked"] == []
        later = self.visitor()
        await later.sign_in()
        assert (await later.session())["user"]["name"] == "ann"
        await self.sign_in("bob")

    @gen_test
    async def test_an_account_without_a_password_is_not_unlinked(self) -> None:
        """Its owner would be out for ever; once there is a password it is."""
        ann = self.visitor()
        await ann.sign_in()
        answer = await ann.call("DELETE", "/api/account/openid")
        assert (answer.status, answer.code) == (403, "forbidden")
        assert (await ann.session())["account"]["password"] is False
        await ann.call("POST", "/api/account/password", {"new": PASSWORD})
        assert (await ann.call("DELETE", "/api/account/openid")).status == 204


class OnlyLinkedTest(OpenIdCase):
    settings: ClassVar[dict[str, Any]] = {"openid_accounts": "no"}

    @gen_test
    async def test_only_accounts_that_were_linked_before_are_let_in(self) -> None:
        """With --openid-accounts=no a stranger gets none, and is told what to do."""
        stranger = self.visitor()
        answer = await stranger.sign_in()
        assert answer.status == 403
        assert "No account here belongs to this sign-in." in answer.body.decode()
        assert self.stored_accounts() == []
        bob = await self.member("bob")
        await bob.link()
        await stranger.sign_in()
        assert (await stranger.session())["user"]["name"] == "bob"


class ProviderAloneTest(OpenIdCase):
    settings: ClassVar[dict[str, Any]] = {"guests": "no", "registration": "no"}

    @gen_test
    async def test_the_provider_may_be_the_only_way_in(self) -> None:
        """Without guests and registration a first sign-in makes an account all the same."""
        assert (await self.call("POST", "/api/session", {"name": "ann"})).status == 403
        assert (await self.call("POST", "/api/account", {"name": "ann", "password": PASSWORD})).status == 403
        ann = self.visitor()
        await ann.sign_in()
        assert (await ann.session())["user"]["name"] == "ann"


class WithoutTest(ChatTestCase):
    @gen_test
    async def test_without_a_provider_there_is_nothing_to_press(self) -> None:
        """No button, an empty list, and pages that are none."""
        assert (await self.call("GET", "/api/openid")).body == {"providers": []}
        assert "Continue with" not in (await self.call("GET", "/sign-in")).body.decode()
        for path in ("/api/openid/start", "/api/openid/callback?code=x&state=y"):
            answer = await self.call("GET", path)
            assert answer.status == 404
            assert "There is no such page." in answer.body.decode()
