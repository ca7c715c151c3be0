"""Signing in with an OpenID provider: each way to come in as somebody else is closed, one test a promise."""

import base64
import hashlib
import json
import logging
import time
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import parse_qs, urlencode, urlsplit

from tornado.testing import ExpectLog, gen_test
from tornado.web import create_signed_value

from chat.entries import Author
from handlers.openid_flow import COOKIE
from tests.cases import SECRET
from tests.openid_case import ANOTHER_SITE, OTHERS, OUR_PAGE, REFUSED, OpenIdCase, RefusedCase, Visitor
from tests.openid_provider import ANN, CLIENT_SECRET, Fault


class BrowserTest(RefusedCase):
    """An answer counts in the browser that asked, once, and for a while."""

    @gen_test
    async def test_an_answer_that_this_browser_has_not_asked_for(self) -> None:
        """Whoever is sent to somebody else's answer does not come in as that other (login CSRF)."""
        attacker, victim = self.visitor(), self.visitor()
        place = await attacker.begin()
        await self.check_refused(victim, await victim.get(place, ANOTHER_SITE), 400, OTHERS)
        assert (await attacker.get(place)).status == 302

    @gen_test
    async def test_an_answer_to_another_question(self) -> None:
        """A browser that has begun a sign-in takes no answer with another state than that sign-in's."""
        attacker, victim = self.visitor(), self.visitor()
        place = await attacker.begin()
        await victim.begin()
        await self.check_refused(victim, await victim.get(place), 400, OTHERS)

    @gen_test
    async def test_an_answer_without_state(self) -> None:
        """An answer that names no question, or several, is refused, and so is one that is nonsense."""
        for query in ("", "?code=x", "?code=x&state=", "?state=%FF&code=x", "?state=é&code=x"):
            visitor = self.visitor()
            await visitor.begin()
            await self.check_refused(visitor, await visitor.get("/api/openid/callback" + query), 400)

    @gen_test
    async def test_another_s_code(self) -> None:
        """A stolen code is worth nothing in another sign-in: the provider sees that who shows it did not begin it."""
        thief, owner = self.visitor(), self.visitor()
        stolen = parse_qs(urlsplit(await owner.begin()).query)
        mine = parse_qs(urlsplit(await thief.begin()).query)
        query = urlencode({"code": stolen["code"][0], "state": mine["state"][0], "iss": mine["iss"][0]})
        answer = await thief.get(f"/api/openid/callback?{query}")
        await self.check_refused(thief, answer, 401, REFUSED)

    @gen_test
    async def test_another_s_code_at_a_careless_provider(self) -> None:
        """Where the provider does not look at that, the nonce in the ID token is another's."""
        self.provider.fault = Fault.NO_PROOF_NEEDED
        thief, owner = self.visitor(), self.visitor()
        stolen = parse_qs(urlsplit(await owner.begin()).query)
        mine = parse_qs(urlsplit(await thief.begin()).query)
        query = urlencode({"code": stolen["code"][0], "state": mine["state"][0], "iss": mine["iss"][0]})
        with ExpectLog("parley.openid", ".*its nonce is another's"):
            answer = await thief.get(f"/api/openid/callback?{query}")
        await self.check_refused(thief, answer, 401, REFUSED)

    @gen_test
    async def test_an_answer_counts_once(self) -> None:
        """The same answer again is refused, even in a browser that has kept the cookie."""
        visitor = self.visitor()
        place = await visitor.begin()
        kept = dict(visitor.cookies)
        assert (await visitor.get(place)).status == 302
        again = self.visitor()
        assert (await visitor.get(place)).status == 400
        again.cookies = kept
        answer = await again.get(place)
        assert (answer.status, REFUSED in answer.body.decode()) == (401, True)
        assert (await again.get("/api/session")).status == 401

    @gen_test
    async def test_a_sign_in_does_not_take_for_ever(self) -> None:
        """What was begun longer ago than --openid-flow is over, whatever the browser has kept."""
        visitor = self.visitor()
        place = await visitor.begin()
        later = time.time() + self.config.openid_flow + 1
        with mock.patch("tornado.web.time.time", return_value=later):
            answer = await visitor.get(place)
        await self.check_refused(visitor, answer, 400, OTHERS)

    @gen_test
    async def test_a_cookie_that_is_not_ours(self) -> None:
        """A cookie that was changed, is signed with another key or for something else is none."""
        visitor = self.visitor()
        place = await visitor.begin()
        ours = visitor.cookies[COOKIE]
        parts = ours.split("|")
        flow = json.loads(base64.b64decode(parts[4].partition(":")[2]))
        content = json.dumps(flow)
        changed = base64.b64encode(json.dumps(flow | {"next": "//evil.example"}).encode()).decode()
        for forged in (
            "",
            "nonsense",
            ours.replace(parts[4], f"{len(changed)}:{changed}"),
            ours[:-1] + ("0" if ours[-1] != "0" else "1"),
            create_signed_value("another secret", COOKIE, content).decode(),
            create_signed_value(SECRET, "parley_session", content).decode(),
        ):
            visitor.cookies = {COOKIE: forged}
            await self.check_refused(visitor, await visitor.get(place), 400, OTHERS)
        visitor.cookies = {COOKIE: create_signed_value(SECRET, COOKIE, content).decode()}
        assert (await visitor.get(place)).status == 302

    @gen_test
    async def test_the_cookie_is_for_the_server_alone(self) -> None:
        """No script reads it, and other sites do not have it sent along but by leading here."""
        answer = await self.visitor().get("/api/openid/start")
        fields = answer.headers["Set-Cookie"].lower().split("; ")
        assert {"httponly", "samesite=lax", "path=/", "max-age=900"} <= set(fields)
        assert answer.headers["Cache-Control"] == "no-store"

    @gen_test
    async def test_the_proof_is_not_in_the_address(self) -> None:
        """The provider is shown the hash of the proof that only this server has (PKCE, S256)."""
        visitor = self.visitor()
        answer = await visitor.get("/api/openid/start")
        asked = parse_qs(urlsplit(answer.headers["Location"]).query)
        flow = json.loads(base64.b64decode(visitor.cookies[COOKIE].split("|")[4].partition(":")[2]))
        digest = hashlib.sha256(flow["verifier"].encode()).digest()
        assert asked["code_challenge"] == [base64.urlsafe_b64encode(digest).rstrip(b"=").decode()]
        assert flow["verifier"] not in answer.headers["Location"]

    @gen_test
    async def test_each_sign_in_is_another(self) -> None:
        """State, nonce and proof are made anew for each."""
        asked = [
            parse_qs(urlsplit((await self.visitor().get("/api/openid/start")).headers["Location"]).query)
            for _ in range(3)
        ]
        for name in ("state", "nonce", "code_challenge"):
            assert len({each[name][0] for each in asked}) == 3


class PageTest(RefusedCase):
    """Nothing of the address gets further than it should."""

    settings: ClassVar[dict[str, Any]] = {"openid_label": "<b>the</b> tests"}

    @gen_test
    async def test_nobody_is_sent_to_another_site(self) -> None:
        """Whatever page is asked for after a sign-in, it is one of this server."""
        for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil"):
            answer = await self.visitor().sign_in(next=elsewhere)
            assert (answer.status, answer.headers["Location"]) == (302, "/")
        assert (await self.visitor().sign_in(next="/chat/a")).headers["Location"] == "/chat/a"

    @gen_test
    async def test_the_page_says_nothing_that_others_have_written(self) -> None:
        """Texts of the address are not shown, and the provider's name is shown as text."""
        visitor = self.visitor()
        state = parse_qs(urlsplit(await visitor.begin()).query)["state"][0]
        query = urlencode({"state": state, "error": "access_denied", "error_description": "Call <i>555</i>"})
        page = (await visitor.get(f"/api/openid/callback?{query}")).body.decode()
        assert "&lt;b&gt;the&lt;/b&gt; tests did not let you in" in page
        assert "<b>" not in page
        assert "555" not in page


class AccountTest(OpenIdCase):
    """An account is nobody's but its owner's."""

    @gen_test
    async def test_an_equal_name_or_address_takes_no_account(self) -> None:
        """Who has the name, one that looks like it, or the e-mail address of an account is not its owner."""
        await self.call(
            "POST", "/api/account", {"name": "ann", "password": "correct horse", "email": "ann@example.org"}
        )
        before = self.stored_accounts()
        for number, name in enumerate(("ann", "Ann", "ＡＮＮ", "\u0430nn", "ann@example.org")):
            self.provider.person = {
                "sub": f"attacker {number}",
                "preferred_username": name,
                "email": "ann@example.org",
                "email_verified": True,
            }
            visitor = self.visitor()
            assert (await visitor.sign_in()).status == 302
            session = await visitor.session()
            assert session["account"]["id"] != before[0]["_id"]
            assert session["account"]["name"] not in ("ann", name)
        assert [each for each in self.stored_accounts() if each["_id"] == before[0]["_id"]] == before

    @gen_test
    async def test_the_same_subject_elsewhere_is_another(self) -> None:
        """A subject means something together with its issuer alone."""
        key = f"https://provider.example {ANN['sub']}"
        await self.account("bob")
        self.mongod.client[self.database_name]["accounts"].update_one({}, {"$set": {"vouchers": [key]}})
        visitor = self.visitor()
        await visitor.sign_in()
        assert (await visitor.session())["user"]["name"] == "ann"

    @gen_test
    async def test_a_guest_s_session_is_not_the_account_s(self) -> None:
        """One who was a guest gets a new session; the old one is over."""
        visitor = self.visitor()
        guest = (await visitor.call("POST", "/api/session", {"name": "carol"})).body["token"]
        await visitor.sign_in()
        assert guest not in visitor.cookies.values()
        assert (await self.call("GET", "/api/session", token=guest)).status == 401

    @gen_test
    async def test_one_who_is_banned_stays_out(self) -> None:
        """A banned account is told so; the provider does not let it in."""
        visitor = self.visitor()
        await visitor.sign_in()
        id = (await visitor.session())["account"]["id"]
        me = Author(id, "ann")
        await self.chat.bans.ban_account(me, me, seconds=0, reason="")
        answer = await visitor.sign_in()
        assert answer.status == 403
        assert "banned" in answer.body.decode()

    @gen_test
    async def test_who_fails_again_and_again_waits(self) -> None:
        """After ten answers that are not believed there is 429, and passwords are not concerned."""
        await self.account("bob")
        visitor = self.visitor()
        for _ in range(10):
            place = (await visitor.begin()).replace("code=", "code=x")
            assert (await visitor.get(place)).status == 401
        answer = await visitor.sign_in()
        assert answer.status == 429
        await self.sign_in("bob")


class LinkTest(OpenIdCase):
    """A way into an account is added by its owner alone."""

    async def start(self, visitor: Visitor, headers: dict[str, str]) -> int:
        return (await visitor.get("/api/openid/start?link=1", headers)).status

    @gen_test
    async def test_another_page_cannot_link(self) -> None:
        """A link from elsewhere, or out of a mail, does not add the provider's sign-in to the account."""
        bob = await self.member("bob")
        for headers in (
            ANOTHER_SITE,
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
            {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
            {"Referer": "http://evil.example/"},
            {"Referer": self.get_url("").replace("http:", "https:") + "/account"},
            {},
        ):
            assert await self.start(bob, headers) == 403, headers
        assert await self.start(bob, OUR_PAGE) == 302
        assert await self.start(bob, {"Referer": self.get_url("/account")}) == 302

    @gen_test
    async def test_only_accounts_can_be_linked(self) -> None:
        """Strangers, guests and bots have none to link."""
        stranger, guest, bob = self.visitor(), self.visitor(), await self.member("bob")
        await guest.call("POST", "/api/session", {"name": "guest"})
        bot = await bob.call("POST", "/api/account/tokens", {"name": "bot", "rooms": [], "write": True, "days": 1})
        assert await self.start(stranger, OUR_PAGE) == 401
        assert await self.start(guest, OUR_PAGE) == 401
        assert await self.start(stranger, OUR_PAGE | {"Authorization": f"Bearer {bot.body['token']}"}) == 401
        assert await self.start(bob, OUR_PAGE) == 302

    @gen_test
    async def test_the_account_is_the_one_that_began(self) -> None:
        """Who signs out or in as another meanwhile does not link that other account."""
        bob = await self.member("bob")
        place = await bob.begin(OUR_PAGE, link="1")
        flow = {COOKIE: bob.cookies[COOKIE]}
        carol = await self.member("carol")
        carol.cookies |= flow
        assert (await carol.get(place)).status == 401
        gone = self.visitor()
        gone.cookies = dict(flow)
        assert (await gone.get(place)).status == 401
        assert all(not each.get("vouchers") for each in self.stored_accounts())
        assert (await bob.link()).status == 302

    @gen_test
    async def test_what_belongs_to_one_is_not_linked_to_another(self) -> None:
        """A sign-in that leads into one account cannot be made to lead into another."""
        ann = self.visitor()
        await ann.sign_in()
        bob = await self.member("bob")
        answer = await bob.link()
        assert answer.status == 403
        assert "That sign-in belongs to another account already." in answer.body.decode()
        await ann.sign_in()
        assert (await ann.session())["user"]["name"] == "ann"


class SecretTest(OpenIdCase):
    """What is secret stays so."""

    @gen_test
    async def test_no_secret_is_logged_or_answered(self) -> None:
        """Neither the client's secret nor codes, tokens, proofs or states get into a log line or a page."""
        records = Records()
        loggers = [logging.getLogger(name) for name in ("parley", "tornado", "parley.openid")]
        for logger in loggers:
            logger.addHandler(records)
            logger.setLevel(logging.DEBUG)
        loggers[-1].addFilter(records.take)
        secrets = {CLIENT_SECRET, "an access token"}
        pages = []
        try:
            for fault in (Fault.NONE, Fault.OTHER_NONCE, Fault.BAD_SIGNATURE, Fault.DOWN, Fault.NONE):
                visitor = self.visitor()
                self.provider.fault = Fault.NONE
                place = await visitor.begin()
                query = parse_qs(urlsplit(place).query)
                asked = self.provider.codes[query["code"][0]]
                flow = json.loads(base64.b64decode(visitor.cookies[COOKIE].split("|")[4].partition(":")[2]))
                secrets |= {query["code"][0], query["state"][0], asked["nonce"], flow["verifier"]}
                self.provider.fault = fault
                pages.append((await visitor.get(place)).body.decode())
        finally:
            for logger in loggers:
                logger.removeHandler(records)
                logger.setLevel(logging.NOTSET)
            loggers[-1].removeFilter(records.take)
        told = "\n".join(records.lines + pages + [repr(self.openid.provider), repr(self.openid.provider._client)])
        assert "did not succeed" in told
        assert "the OpenID provider" in told
        for secret in secrets | set(self.provider.signed):
            assert secret not in told
        assert len(self.provider.signed) >= 3


class Records(logging.Handler):
    """All that is logged, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def take(self, record: logging.LogRecord) -> bool:
        """As a filter: it goes no further."""
        self.emit(record)
        return False
