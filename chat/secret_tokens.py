"""Secrets that are given away once and kept as hashes: of sessions, bots and one-time links."""

import hashlib
import secrets


def new_secret(prefix: str = "") -> str:
    """256 random bits as text for a cookie, a header or an address. The prefix says what it is for."""
    return prefix + secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """As it is stored. One that nobody can guess needs neither salt nor a slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
