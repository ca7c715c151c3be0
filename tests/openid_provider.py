"""A small OpenID provider with real keys and real HTTP, which can be told to do wrong."""

import base64
import enum
import hashlib
import hmac
import json
import secrets
import time
from collections import Counter
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus, urlencode

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, HTTPError, RequestHandler

from tests.replacing import replace_methods

CLIENT_ID = "parley of the tests"
CLIENT_SECRET = "a secret/of the+tests"
LIFETIME = 300

ANN = {"sub": "248289761001", "preferred_username": "ann", "name": "Ann Arbor"}

PAGE = """<!doctype html><title>The provider</title><h1>The provider</h1>
<form method="post"><button>Sign in as {name}</button></form>"""


class Fault(enum.Enum):
    """What the provider does wrong."""

    NONE = enum.auto()
    OTHER_NONCE = enum.auto()
    NO_NONCE = enum.auto()
    OTHER_AUDIENCE = enum.auto()
    MANY_AUDIENCES = enum.auto()
    OTHER_PARTY = enum.auto()
    OTHER_ISSUER = enum.auto()
    EXPIRED = enum.auto()
    NO_EXPIRY = enum.auto()
    NO_SUBJECT = enum.auto()
    LONG_SUBJECT = enum.auto()
    UNSIGNED = enum.auto()
    BAD_SIGNATURE = enum.auto()
    FOREIGN_KEY = enum.auto()
    SIGNED_WITH_SECRET = enum.auto()
    SIGNED_WITH_PUBLIC_KEY = enum.auto()
    CRITICAL_HEADER = enum.auto()
    FUTURE = enum.auto()
    KEY_FOR_ENCRYPTION = enum.auto()
    NONSENSE = enum.auto()
    NO_PROOF_NEEDED = enum.auto()
    NO_TOKEN = enum.auto()
    OTHER_USER_INFO = enum.auto()
    DOCUMENT_OF_ANOTHER = enum.auto()
    DOCUMENT_WITHOUT_TLS = enum.auto()
    DOCUMENT_ELSEWHERE = enum.auto()
    BROKEN_DOCUMENT = enum.auto()
    HUGE_DOCUMENT = enum.auto()
    DOWN = enum.auto()
    SILENT = enum.auto()
    RETURNS_ANOTHER_ISSUER = enum.auto()
    DENIES = enum.auto()


CLAIMS: dict[Fault, dict[str, Any]] = {
    Fault.OTHER_NONCE: {"nonce": "another"},
    Fault.NO_NONCE: {"nonce": None},
    Fault.OTHER_AUDIENCE: {"aud": "somebody else"},
    Fault.MANY_AUDIENCES: {"aud": [CLIENT_ID, "somebody else"]},
    Fault.OTHER_PARTY: {"azp": "somebody else"},
    Fault.OTHER_ISSUER: {"iss": "https://provider.example"},
    Fault.EXPIRED: {"iat": 1_600_000_000, "exp": 1_600_000_000 + LIFETIME},
    Fault.NO_EXPIRY: {"exp": None},
    Fault.FUTURE: {"iat": 32_000_000_000, "exp": 32_000_000_000 + LIFETIME},
    Fault.NO_SUBJECT: {"sub": ""},
    Fault.LONG_SUBJECT: {"sub": "x" * 256},
}


@lru_cache
def rsa_key(number: int) -> RSAKey:
    """Making one takes a while, so tests share them."""
    return RSAKey.generate_key(2048, {"kid": f"rsa-{number}", "use": "sig"})


class TestProvider:
    """Listens on a port of this machine. `person` is who signs in there, in the claims of OpenID Connect."""

    __test__ = False

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.person: dict[str, Any] = dict(ANN)
        self.fault = Fault.NONE
        self.algorithm = "RS256"
        self.client_secret = CLIENT_SECRET
        self.auth_methods = ["client_secret_basic"]
        self.tells_issuer = True
        self.names_in_token = True
        self.asks = False
        self.asked: Counter[str] = Counter()
        self.signed: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.key_number = 0
        self.ec_key = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
        self._server = HTTPServer(self._application())
        sock, port = bind_unused_port()
        self._server.add_socket(sock)
        self.issuer = f"http://{host}:{port}"

    def close(self) -> None:
        self._server.stop()

    def _application(self) -> Application:
        given = {"provider": self}
        return Application(
            [
                (r"/\.well-known/openid-configuration", DiscoveryHandler, given),
                (r"/authorize", AuthorizeHandler, given),
                (r"/token", TokenHandler, given),
                (r"/keys", KeysHandler, given),
                (r"/userinfo", UserInfoHandler, given),
            ],
            log_function=lambda handler: None,  # what it refuses is as the test wants it
        )

    def rotate(self) -> None:
        """Signs with a new key from now on; the old one is published no longer."""
        self.key_number += 1

    @property
    def key(self) -> Key:
        """What it signs with."""
        return self.ec_key if self.algorithm.startswith("ES") else rsa_key(self.key_number)

    @property
    def discovery(self) -> dict[str, Any]:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=tests",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "token_endpoint_auth_methods_supported": self.auth_methods,
            "authorization_response_iss_parameter_supported": self.tells_issuer,
            "code_challenge_methods_supported": ["S256"],
        }
        if self.fault is Fault.DOCUMENT_OF_ANOTHER:
            document["issuer"] = "https://provider.example"
        if self.fault is Fault.DOCUMENT_WITHOUT_TLS:
            document["token_endpoint"] = "http://provider.example/token"
        return document

    def keys(self) -> dict[str, Any]:
        """What it publishes: beside its own keys one for encryption, one of an unknown kind and a broken one."""
        others: list[dict[str, Any]] = [
            {**rsa_key(99).as_dict(), "kid": "for encryption", "use": "enc"},
            {"kty": "unknown", "kid": "unknown"},
            {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
            {"kty": "EC", "kid": "broken curve", "crv": "P-0", "x": "AA", "y": "AA"},
            {**OctKey.generate_key(256).as_dict(), "kid": "symmetric"},
        ]
        return {"keys": [*others, rsa_key(self.key_number).as_dict(), self.ec_key.as_dict()]}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + LIFETIME, "nonce": nonce}
        claims |= self.person if self.names_in_token else {"sub": self.person["sub"]}
        claims |= CLAIMS.get(self.fault, {})
        token = self._signed({name: value for name, value in claims.items() if value is not None})
        self.signed.append(token)
        return token

    def _signed(self, claims: dict[str, Any]) -> str:
        """The claims, signed as they should be or as the fault has it."""
        header = {"alg": self.algorithm, "kid": str(self.key.kid)}
        token = _sign(self.key, header, claims)
        match self.fault:
            case Fault.NONSENSE:
                token = "nonsense"
            case Fault.UNSIGNED:
                token = f"{_base64(header | {'alg': 'none'})}.{_base64(claims)}."
            case Fault.SIGNED_WITH_SECRET:
                token = _hmac_with(self.client_secret.encode(), {"alg": "HS256"}, claims)
            case Fault.SIGNED_WITH_PUBLIC_KEY:  # taken for a secret by who lets the token choose
                public = rsa_key(self.key_number).as_pem(private=False)
                token = _hmac_with(public, header | {"alg": "HS256"}, claims)
            case Fault.KEY_FOR_ENCRYPTION:
                token = _sign(rsa_key(99), header | {"kid": "for encryption"}, claims)
            case Fault.FOREIGN_KEY:
                token = _sign(rsa_key(98), header, claims)
            case Fault.CRITICAL_HEADER:
                token = _sign(self.key, header | {"crit": ["strange"], "strange": "yes"}, claims)
            case Fault.BAD_SIGNATURE:
                head, _, signature = token.split(".")
                token = f"{head}.{_base64(claims | {'sub': 'the administrator'})}.{signature}"
        return token


def _sign(key: Key, header: dict[str, Any], claims: dict[str, Any]) -> str:
    registry = jws.JWSRegistry(algorithms=[header["alg"]])
    replace_methods(registry, check_header=lambda header: None)
    return jwt.encode(header, claims, key, registry=registry)


def _base64(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _hmac_with(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    signed = f"{_base64(header)}.{_base64(claims)}"
    digest = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


class ProviderHandler(RequestHandler):
    def initialize(self, provider: TestProvider) -> None:
        self.provider = provider

    def prepare(self) -> None:
        self.provider.asked[self.request.path] += 1
        if self.provider.fault is Fault.DOWN:
            raise HTTPError(503)

    def refuse(self, error: str, status: int = 400) -> None:
        self.set_status(status)
        self.write({"error": error})


class DiscoveryHandler(ProviderHandler):
    async def get(self) -> None:
        match self.provider.fault:
            case Fault.DOCUMENT_ELSEWHERE:
                self.redirect("/elsewhere")
            case Fault.BROKEN_DOCUMENT:
                self.write(b'{"issuer": 1}')
            case Fault.HUGE_DOCUMENT:
                self.write(json.dumps(self.provider.discovery | {"more": "x" * 2_000_000}))
            case Fault.SILENT:
                self._auto_finish = False
            case _:
                self.write(self.provider.discovery)


class KeysHandler(ProviderHandler):
    def get(self) -> None:
        self.write(self.provider.keys())


class AuthorizeHandler(ProviderHandler):
    """Signs in whoever comes, at once or once they have pressed a button."""

    def get(self) -> None:
        if self.provider.asks:
            self.write(PAGE.format(name=self.provider.person.get("name", "nobody")))
        else:
            self.post()

    def post(self) -> None:
        asked = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256", "tenant": "tests"}
        if asked | wanted != asked or "openid" not in asked["scope"].split():
            raise HTTPError(400)
        back = {"state": asked["state"]}
        if self.provider.fault is Fault.DENIES:
            back["error"] = "access_denied"
            back["error_description"] = "Call 555-0100 <b>now</b>"
        else:
            code = secrets.token_urlsafe()
            self.provider.codes[code] = asked
            back["code"] = code
        if self.provider.tells_issuer:
            another = self.provider.fault is Fault.RETURNS_ANOTHER_ISSUER
            back["iss"] = "https://provider.example" if another else self.provider.issuer
        self.redirect(f"{asked['redirect_uri']}?{urlencode(back)}")


class TokenHandler(ProviderHandler):
    """Checks what a strict provider checks: the client, the code once, where it went and the proof of PKCE."""

    def post(self) -> None:
        if not self._is_client():
            self.refuse("invalid_client", 401)
            return
        asked = self.provider.codes.pop(self.get_body_argument("code"), None)
        verifier = self.get_body_argument("code_verifier").encode()
        proof = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        if (
            asked is None
            or self.get_body_argument("grant_type") != "authorization_code"
            or asked["redirect_uri"] != self.get_body_argument("redirect_uri")
            or (asked["code_challenge"] != proof and self.provider.fault is not Fault.NO_PROOF_NEEDED)
        ):
            self.refuse("invalid_grant")
            return
        if self.provider.fault is Fault.NO_TOKEN:
            self.write({"access_token": "an access token", "token_type": "Bearer"})
            return
        token = self.provider.id_token(asked["nonce"])
        self.write({"id_token": token, "access_token": "an access token", "token_type": "Bearer"})

    def _is_client(self) -> bool:
        expected = CLIENT_ID, self.provider.client_secret
        authorization = self.request.headers.get("Authorization", "")
        if "client_secret_basic" in self.provider.auth_methods and self.provider.client_secret:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            return tuple(unquote_plus(part) for part in pair.split(":")) == expected
        given = self.get_body_argument("client_id", ""), self.get_body_argument("client_secret", "")
        return given == expected and not authorization


class UserInfoHandler(ProviderHandler):
    def get(self) -> None:
        if self.request.headers.get("Authorization") != "Bearer an access token":
            self.refuse("invalid_token", 401)
            return
        another = {"sub": "somebody else"} if self.provider.fault is Fault.OTHER_USER_INFO else {}
        self.write(self.provider.person | another)
