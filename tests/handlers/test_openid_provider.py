"""The provider's side of a sign-in: its documents, the exchange of a code, and who that says one is."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.testing import ExpectLog

from chat.errors import Unauthenticated, Unavailable
from chat.vouchers import Voucher
from handlers.openid_documents import DISCOVERY, is_safe_address
from handlers.openid_flow import Flow
from handlers.openid_provider import Client, OpenIdProvider
from tests.openid_provider import ANN, CLIENT_ID, CLIENT_SECRET, Fault, TestProvider

BACK = "http://localhost:8888/api/openid/callback"


@asynccontextmanager
async def provided(**values: Any) -> AsyncIterator[tuple[TestProvider, OpenIdProvider]]:
    """A provider that runs, and one who asks it, with other settings where they are given."""
    running = TestProvider()
    settings: dict[str, Any] = {
        "issuer": running.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "label": "the tests",
        "scopes": "openid profile email",
        "timeout": 5,
        "body_limit": 64 * 1024,
        "keep": 60,
        "interval": 0,
        "leeway": 60,
    }
    asking = OpenIdProvider(Client(**settings | values))
    try:
        yield running, asking
    finally:
        asking.close()
        running.close()


async def signed_in(asking: OpenIdProvider) -> Voucher:
    """Who comes back from the provider."""
    flow = Flow.begin(next="/", account="")
    answer = await AsyncHTTPClient().fetch(await asking.address(flow, BACK), follow_redirects=False, raise_error=False)
    place = urlsplit(answer.headers["Location"])
    told = {name: values[0] for name, values in parse_qs(place.query).items()}
    assert told["state"] == flow.state
    return await asking.voucher(told["code"], flow, BACK, issuer=told.get("iss"))


async def test_says_who_came() -> None:
    """The voucher has the issuer and the subject of the ID token, with the names in it."""
    async with provided() as (running, asking):
        assert await signed_in(asking) == Voucher(
            issuer=running.issuer, subject=ANN["sub"], username="ann", name="Ann Arbor"
        )


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256"])
async def test_believes_what_a_private_key_has_signed(algorithm: str) -> None:
    """Signatures with RSA and elliptic curves are checked with the key that the token names."""
    async with provided() as (running, asking):
        running.algorithm = algorithm
        assert (await signed_in(asking)).subject == ANN["sub"]


async def test_takes_a_verified_address_alone() -> None:
    """An e-mail address that the provider does not vouch for, or says so in a way not agreed on, is left out."""
    async with provided() as (running, asking):
        for verified in (False, None, "true", 1):
            running.person = ANN | {"email": "ann@example.org", "email_verified": verified}
            assert (await signed_in(asking)).email == ""
        running.person = ANN | {"email": "ann@example.org", "email_verified": True}
        assert (await signed_in(asking)).email == "ann@example.org"


async def test_asks_for_the_names_that_the_token_lacks() -> None:
    """Names that only the user-info endpoint tells are asked for there, and not if they are in the token."""
    async with provided() as (running, asking):
        await signed_in(asking)
        assert running.asked["/userinfo"] == 0
        running.names_in_token = False
        assert (await signed_in(asking)).username == "ann"
        assert running.asked["/userinfo"] == 1


async def test_claims_of_a_wrong_kind_are_left_out() -> None:
    """A name that is no text, or a very long one, is none."""
    async with provided() as (running, asking):
        running.person = {"sub": "1", "preferred_username": ["ann"], "name": "x" * 1000, "email": 7}
        found = await signed_in(asking)
        assert (found.subject, found.username, found.name, found.email) == ("1", "", "", "")


@pytest.mark.parametrize(
    ("methods", "secret"),
    [(["client_secret_basic"], CLIENT_SECRET), (["client_secret_post"], CLIENT_SECRET), (["none"], "")],
)
async def test_shows_who_it_is_in_the_way_the_provider_wants(methods: list[str], secret: str) -> None:
    """With the secret in the header or in the body, or with none for a public client."""
    async with provided(client_secret=secret) as (running, asking):
        running.auth_methods, running.client_secret = methods, secret
        assert (await signed_in(asking)).subject == ANN["sub"]


async def test_documents_are_fetched_once() -> None:
    """What the provider publishes is asked for at the first sign-in and then kept."""
    async with provided() as (running, asking):
        for _ in range(3):
            await signed_in(asking)
        assert running.asked[DISCOVERY] == running.asked["/keys"] == 1
        assert running.asked["/token"] == 3


async def test_documents_are_fetched_anew_when_they_are_old() -> None:
    """After `keep` seconds they are asked for again."""
    async with provided(keep=1e-9) as (running, asking):
        for _ in range(2):
            await signed_in(asking)
        assert running.asked[DISCOVERY] > 1
        assert running.asked["/keys"] == 2


async def test_a_new_key_is_fetched() -> None:
    """A token that names a key not known yet has the keys fetched anew."""
    async with provided() as (running, asking):
        await signed_in(asking)
        running.rotate()
        assert (await signed_in(asking)).subject == ANN["sub"]
        assert running.asked["/keys"] == 2


async def test_its_issuer_may_end_with_a_slash_and_be_given_as_its_discovery_address() -> None:
    """The address of the discovery document serves as well, and a slash at the end makes no difference."""
    async with provided() as (running, _):
        for address in (running.issuer + DISCOVERY, running.issuer + "/"):
            values = {"issuer": address, "timeout": 5.0, "body_limit": 65536, "keep": 60.0, "interval": 0.0}
            client = Client(
                client_id=CLIENT_ID, client_secret=CLIENT_SECRET, label="", scopes="openid", leeway=0, **values
            )
            asking = OpenIdProvider(client)
            assert (await signed_in(asking)).issuer == running.issuer
            asking.close()


@pytest.mark.parametrize(
    "fault",
    [
        Fault.DOWN,
        Fault.DOCUMENT_OF_ANOTHER,
        Fault.DOCUMENT_WITHOUT_TLS,
        Fault.DOCUMENT_ELSEWHERE,
        Fault.BROKEN_DOCUMENT,
        Fault.HUGE_DOCUMENT,
        Fault.SILENT,
    ],
)
async def test_a_provider_that_does_not_answer_as_it_should(fault: Fault) -> None:
    """Whatever is wrong with it one is told so, it is logged, and a later sign-in works."""
    # A silent one is waited for no longer than a busy machine takes for an answer.
    async with provided(timeout=3 if fault is Fault.SILENT else 20) as (running, asking):
        running.fault = fault
        with ExpectLog("parley.openid", "the OpenID provider: "), pytest.raises(Unavailable) as error:
            await asking.address(Flow.begin(next="/", account=""), BACK)
        assert error.value.retry_after
        running.fault = Fault.NONE
        assert (await signed_in(asking)).subject == ANN["sub"]


async def test_a_provider_that_is_not_there() -> None:
    """A refused connection, a name that nobody has and an address that is none are all `unavailable`."""
    for issuer in ("http://127.0.0.1:1", "https://provider.invalid", "https://127.0.0.1:x"):
        async with provided(issuer=issuer) as (_, asking):
            with ExpectLog("parley.openid", ".*cannot be reached"), pytest.raises(Unavailable):
                await asking.address(Flow.begin(next="/", account=""), BACK)


async def test_a_provider_that_fails_is_left_alone_for_a_while() -> None:
    """After a failure all are told at once, and it is asked again only after `interval` seconds."""
    async with provided(interval=1000) as (running, asking):
        running.fault = Fault.DOWN
        with ExpectLog("parley.openid", "the OpenID provider: "), pytest.raises(Unavailable):
            await signed_in(asking)
        running.fault = Fault.NONE
        with pytest.raises(Unavailable):
            await signed_in(asking)
        assert running.asked[DISCOVERY] == 1


async def test_a_wrong_secret_is_told_to_the_operator() -> None:
    """It is logged that the provider does not know this server, without the secret."""
    async with provided(client_secret="another secret") as (_, asking):
        logged = ExpectLog("parley.openid", ".*answered 401 'invalid_client'", level=logging.WARNING)
        with logged, pytest.raises(Unauthenticated):
            await signed_in(asking)


def test_the_secret_is_in_no_text() -> None:
    """What the client's data look like in a log does not hold it."""
    client = Client(
        issuer="https://a.example",
        client_id="parley",
        client_secret="hush",
        label="",
        scopes="",
        timeout=1,
        body_limit=1,
        keep=1,
        interval=1,
        leeway=1,
    )
    assert "parley" in f"{client} {client!r}"
    assert "hush" not in f"{client} {client!r}"


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://provider.example/x", True),
        ("http://localhost:8080/realms/x", True),
        ("http://127.0.0.1/", True),
        ("http://[::1]:80/", True),
        ("http://provider.example/", False),
        ("http://localhost.example/", False),
        ("ftp://localhost/", False),
        ("https:///path", False),
        ("https://[", False),
        ("provider.example", False),
        ("", False),
    ],
)
def test_safe_addresses(address: str, safe: bool) -> None:
    """TLS is asked for everywhere but on this machine."""
    assert is_safe_address(address) is safe
