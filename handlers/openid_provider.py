"""The OpenID provider as this server sees it: what it publishes, and what it says about one who comes back from it."""

import base64
import logging
from typing import Any, TypeVar, cast
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from joserfc.jwk import Key
from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPResponse
from tornado.web import RequestHandler

from chat.errors import Unauthenticated, Unavailable
from chat.vouchers import Voucher
from handlers.id_tokens import Claims, TokenRefused, claims_of, header_of, key_for, keys_in
from handlers.openid_documents import DISCOVERY, Discovery, Kept, KeyDocument, issuer_at
from handlers.openid_flow import Flow, Flows

log = logging.getLogger("parley.openid")

# The addresses of ours that a browser is sent to, before the provider and after it.
START = "/api/openid/start"
CALLBACK = "/api/openid/callback"
# What a text among the claims is cut to; no name or address that is taken from them may be longer.
CLAIM_LIMIT = 254
# So soon may somebody try again when the provider does not answer (seconds).
RETRY_AFTER = 5.0

Document = TypeVar("Document")


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """This server as the provider knows it, and how it deals with it; the reasons stand in settings.py."""

    issuer: str
    client_id: str
    client_secret: str
    label: str
    scopes: str
    timeout: float
    body_limit: int
    keep: float
    interval: float
    leeway: int

    def __repr__(self) -> str:
        return f"Client({self.issuer!r}, {self.client_id!r})"  # the secret is for nobody's eyes


class Tokens(msgspec.Struct, frozen=True):
    """What a code is exchanged for."""

    id_token: str
    access_token: str = ""


class OpenIdProvider:
    """One provider. What it publishes is fetched when it is first needed and kept for `keep` seconds.

    All methods that ask it something raise Unavailable if it does not answer as it should.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._http = AsyncHTTPClient(
            force_instance=True, max_body_size=client.body_limit, max_buffer_size=client.body_limit
        )
        self._discovery = Kept(self._fetch_discovery, pause=client.interval)
        self._keys = Kept(self._fetch_keys, pause=client.interval)

    @property
    def label(self) -> str:
        """What people call it."""
        return self._client.label

    def close(self) -> None:
        self._http.close()

    async def address(self, flow: Flow, back: str) -> str:
        """Where a browser is sent to sign in. `back` is the address to which the provider sends it then."""
        discovery = await self._discovery.get(self._client.keep)
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client.client_id,
                "redirect_uri": back,
                "scope": self._client.scopes,
                "state": flow.state,
                "nonce": flow.nonce,
                "code_challenge": flow.challenge,
                "code_challenge_method": "S256",
            }
        )
        place = discovery.authorization_endpoint
        return place + ("&" if urlsplit(place).query else "?") + query

    async def voucher(self, code: str, flow: Flow, back: str, *, issuer: str | None) -> Voucher:
        """Who came back with that code; raises Unauthenticated if that cannot be believed.

        `issuer` is what the answer itself says it comes from, if anything (RFC 9207).
        """
        discovery = await self._discovery.get(self._client.keep)
        required = discovery.authorization_response_iss_parameter_supported
        if issuer != discovery.issuer and (required or issuer is not None):
            raise self._refused("the answer comes from another issuer", logging.INFO)
        tokens = await self._exchange(discovery, code, flow, back)
        try:
            key = await self._key(tokens.id_token)
            claims = claims_of(
                tokens.id_token,
                key,
                issuer=discovery.issuer,
                audience=self._client.client_id,
                nonce=flow.nonce,
                leeway=self._client.leeway,
            )
            claims = await self._user_info(discovery, tokens.access_token, claims) | claims
        except TokenRefused as refusal:
            raise self._refused(f"its ID token was refused: {refusal}") from None
        return _voucher(discovery.issuer, claims)

    # What the provider publishes

    async def _fetch_discovery(self) -> Discovery:
        issuer = issuer_at(self._client.issuer)
        found = self._read(await self._fetch(issuer + DISCOVERY), Discovery)
        if not found.is_of(issuer):
            raise self._broken("its discovery document is another issuer's, or names addresses without TLS")
        return found

    async def _fetch_keys(self) -> list[Key]:
        discovery = await self._discovery.get(self._client.keep)
        return keys_in(self._read(await self._fetch(discovery.jwks_uri), KeyDocument).keys)

    async def _key(self, token: str) -> Key:
        """The key that the token names; raises TokenRefused if the provider has none such."""
        header = header_of(token)
        for age in (self._client.keep, self._client.interval):  # a key that is not known may be a new one
            key = key_for(header, await self._keys.get(age))
            if key is not None:
                return key
        raise TokenRefused("it names no key that the provider publishes")

    # What it says about one person

    async def _exchange(self, discovery: Discovery, code: str, flow: Flow, back: str) -> Tokens:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": flow.verifier,
        }
        name, secret = self._client.client_id, self._client.client_secret
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        methods = discovery.token_endpoint_auth_methods_supported or ("client_secret_basic",)
        if secret and "client_secret_basic" in methods:
            pair = f"{quote_plus(name)}:{quote_plus(secret)}".encode()  # RFC 6749, section 2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        else:
            fields |= {"client_id": name} | ({"client_secret": secret} if secret else {})
        response = await self._fetch(discovery.token_endpoint, headers=headers, body=urlencode(fields))
        if response.code in (400, 401, 403):
            error = _error_in(response)
            level = logging.INFO if error == "invalid_grant" else logging.WARNING  # the code is wrong, or we are
            raise self._refused(f"its token endpoint answered {response.code} {error!r}", level)
        return self._read(response, Tokens)

    async def _user_info(self, discovery: Discovery, access_token: str, claims: Claims) -> Claims:
        """What the provider tells beside a token that names nobody; raises TokenRefused if that is about another."""
        is_named = claims.get("preferred_username") or claims.get("name")
        if is_named or not discovery.userinfo_endpoint or not access_token:
            return {}
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        told = self._read(await self._fetch(discovery.userinfo_endpoint, headers=headers), Claims)
        if told.get("sub") != claims["sub"]:
            raise TokenRefused("what the provider tells beside it is about somebody else")
        return told

    # Asking

    async def _fetch(
        self, address: str, *, headers: dict[str, str] | None = None, body: str | None = None
    ) -> HTTPResponse:
        """What is there, with a status below 500; nobody is followed to another address."""
        try:
            response = await self._http.fetch(
                address,
                method="GET" if body is None else "POST",
                headers=headers,
                body=body,
                connect_timeout=self._client.timeout,
                request_timeout=self._client.timeout,
                follow_redirects=False,
                decompress_response=False,
                raise_error=False,
            )
        except (OSError, HTTPError, ValueError) as error:
            raise self._broken(f"{urlsplit(address).hostname} cannot be reached: {error!r}"[:200]) from None
        if response.code >= 500 or 300 <= response.code < 400:  # 599 is Tornado's for no answer at all
            raise self._broken(f"{urlsplit(address).hostname} answered {response.code}")
        return response

    def _read(self, response: HTTPResponse, kind: type[Document]) -> Document:
        what = urlsplit(response.request.url).path
        if response.code != 200:
            raise self._broken(f"{what} was answered with {response.code}")
        try:
            return msgspec.json.decode(response.body, type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise self._broken(f"{what} is not what it should be: {str(error)[:200]!r}") from None

    def _broken(self, reason: str) -> Unavailable:
        log.warning("the OpenID provider: %s", reason)
        return Unavailable(f"{self.label} does not answer as it should. Try again later.", retry_after=RETRY_AFTER)

    def _refused(self, reason: str, level: int = logging.WARNING) -> Unauthenticated:
        log.log(level, "a sign-in with the OpenID provider: %s", reason)
        return Unauthenticated(f"The sign-in with {self.label} did not succeed. Try again.")


class OpenId:
    """The provider that one can sign in with, if there is one, and the sign-ins under way."""

    def __init__(self, provider: OpenIdProvider | None, flows: Flows) -> None:
        self.provider = provider
        self.flows = flows

    @property
    def providers(self) -> list[dict[str, str]]:
        """What can be chosen from: one, or nothing."""
        return [{"name": "openid", "label": self.provider.label}] if self.provider else []

    def buttons(self, start: str, next: str) -> list[dict[str, str]]:
        """The same with the addresses that begin a sign-in, made of the one that does for all."""
        return [{"label": each["label"], "href": f"{start}?{urlencode({'next': next})}"} for each in self.providers]

    def close(self) -> None:
        if self.provider is not None:
            self.provider.close()


def openid_of(handler: RequestHandler) -> OpenId:
    """What the application has of it."""
    return cast(OpenId, handler.settings["openid"])


def _voucher(issuer: str, claims: Claims) -> Voucher:
    def text(name: str) -> str:
        value = claims.get(name)
        return value if isinstance(value, str) and len(value) <= CLAIM_LIMIT else ""

    return Voucher(
        issuer=issuer,
        subject=claims["sub"],
        username=text("preferred_username") or text("nickname"),
        name=text("name"),
        email=text("email") if claims.get("email_verified") is True else "",
    )


def _error_in(response: HTTPResponse) -> str:
    """The error code of a refusal (RFC 6749, section 5.2), as far as it is one."""
    try:
        found = msgspec.json.decode(response.body, type=dict[str, Any]).get("error")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return found[:40] if isinstance(found, str) else ""
