"""ID tokens: what an OpenID provider has signed about a person, and whether it is to be believed."""

import base64
import binascii
import hmac
from collections.abc import Iterable
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

# Signatures that only the provider's private key can make. "none", and the HMACs that would take a public key for a
# secret, are not among them.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
# Bits of an RSA key, at least (NIST SP 800-131A) and at most (a check's time grows with the square).
RSA_BITS = range(2048, 8192 + 1)
# Characters of a subject at most (OpenID Connect Core 1.0, section 2).
SUBJECT_LIMIT = 255

Claims = dict[str, Any]


class TokenRefused(Exception):
    """The token is not to be believed; the message says why, for the log, and holds nothing of the token."""


class Header(msgspec.Struct):
    """What a token's header says of its signature."""

    alg: str
    kid: str | None = None


def header_of(token: str) -> Header:
    """The header, not to be trusted yet; raises TokenRefused if the algorithm is none of those allowed."""
    segment = token.partition(".")[0]
    try:
        decoded = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
        header = msgspec.json.decode(decoded, type=Header)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise TokenRefused("its header cannot be read") from None
    if header.alg not in ALGORITHMS:
        raise TokenRefused(f"its algorithm is {header.alg[:20]!r}")
    return header


def keys_in(documents: Iterable[dict[str, Any]]) -> list[Key]:
    """The public keys for signatures in a key set (RFC 7517); those that cannot be used are left out."""
    return [key for document in documents if (key := _key(document)) is not None]


def _key(document: dict[str, Any]) -> Key | None:
    if document.get("use", "sig") != "sig" or document.get("kty") not in (
        RSAKey.key_type,
        ECKey.key_type,
        OKPKey.key_type,
    ):
        return None
    try:
        key = JWKRegistry.import_key(document)
    except Exception:  # for a curve that it does not know joserfc raises KeyError, for other nonsense other things
        return None
    if isinstance(key, RSAKey) and key.raw_value.key_size not in RSA_BITS:
        return None
    return key


def key_for(header: Header, keys: list[Key]) -> Key | None:
    """The key that a token names, or the only one there is; None if the set has none such."""
    if header.kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.kid == header.kid), None)


def claims_of(token: str, key: Key, *, issuer: str, audience: str, nonce: str, leeway: int) -> Claims:
    """What the token says, once everything about it is right (OpenID Connect Core 1.0, section 3.1.3.7).

    `leeway` (seconds) is how far the provider's clock may be from this one. Raises TokenRefused.
    """
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    expected = jwt.JWTClaimsRegistry(
        leeway=leeway,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )
    try:
        claims = jwt.decode(token, KeySet([key]), registry=registry).claims
        expected.validate(claims)
    except JoseError as error:
        raise TokenRefused(f"{error.error} {error.description[:100]!r}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise TokenRefused(f"it cannot be read: {type(error).__name__}") from None
    _check(claims, audience=audience, nonce=nonce)
    return claims


def _check(claims: Claims, *, audience: str, nonce: str) -> None:
    """What joserfc does not check; raises TokenRefused."""
    given = claims["nonce"]
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise TokenRefused("its nonce is another's")
    many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if many else audience) != audience:
        raise TokenRefused("it was made for another client")
    if not 1 <= len(claims["sub"]) <= SUBJECT_LIMIT:
        raise TokenRefused("its subject is empty or too long")
