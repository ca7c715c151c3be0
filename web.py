"""The web by the settings: names, sites, proxies, patience and TLS; and who else signs people in."""

import logging
import ssl
from collections.abc import Callable
from typing import TypeVar

from handlers.hosts import ANY, Hosts
from handlers.listener import Listener
from handlers.openid_documents import is_safe_address
from handlers.openid_flow import Flows
from handlers.openid_provider import Client, OpenId, OpenIdProvider
from handlers.origins import Origins, normal
from handlers.overdue import Patience
from handlers.proxies import Proxies, Ranges
from handlers.site import Reach, Site
from handlers.tls import CertificateError, tls_context
from handlers.web_server import WebServer
from settings import Settings, SettingsError, listed

log = logging.getLogger("parley.web")

Made = TypeVar("Made")

# Read from a connection at once (bytes): most messages fit, and each read makes a buffer of this size.
READ_SIZE = 16 * 1024


def make_reach(config: Settings) -> Reach:
    """From where the web may be used; raises SettingsError."""
    return Reach(
        hosts=_made("hosts", config.hosts, Hosts),
        origins=_made("origins", config.origins, Origins),
        embedders=_made("embed-origins", config.embed_origins, _origins),
        metrics=_made("metrics-from", config.metrics_from, Ranges),
        proxies=Proxies(_made("trusted-proxies", config.trusted_proxies, Ranges)),
        hsts=config.hsts,
        log=config.access_log == "yes",
    )


def _origins(given: list[str]) -> tuple[str, ...]:
    return tuple(normal(origin) for origin in given)


def _made(flag: str, value: str, make: Callable[[list[str]], Made]) -> Made:
    try:
        return make(listed(value))
    except ValueError as error:
        raise SettingsError(f"--{flag}: {error}") from None


def openid_client(config: Settings) -> Client | None:
    """This server as its OpenID provider knows it, if the settings name one; raises SettingsError."""
    if not config.openid_issuer:
        return None
    if not is_safe_address(config.openid_issuer):
        raise SettingsError("--openid-issuer: an address with https:// is needed; http:// is for this machine alone")
    if not config.openid_client_id:
        raise SettingsError("--openid-client-id is needed with --openid-issuer; the provider gives one")
    if "openid" not in config.openid_scopes.split():
        raise SettingsError("--openid-scopes: openid has to be one of them")
    return Client(
        issuer=config.openid_issuer,
        client_id=config.openid_client_id,
        client_secret=config.openid_client_secret,
        label=config.openid_label,
        scopes=config.openid_scopes,
        timeout=config.openid_timeout,
        body_limit=config.openid_body_limit,
        keep=config.openid_keep,
        interval=config.openid_interval,
        leeway=config.openid_leeway,
    )


def make_openid(config: Settings, secret: str) -> OpenId:
    """Sign-in with the provider of the settings, if they name one; raises SettingsError. `secret` signs cookies."""
    client = openid_client(config)
    return OpenId(OpenIdProvider(client) if client else None, Flows(secret, lifetime=config.openid_flow))


def make_server(config: Settings, site: Site) -> WebServer:
    """The server of the application, as patient with its clients as the settings say."""
    patience = Patience(
        header=config.header_timeout,
        body=config.body_timeout,
        idle=config.idle_timeout,
        answer=config.answer_timeout,
    )
    return WebServer(
        site,
        proxies=site.reach.proxies,
        patience=patience,
        max_header_size=config.header_limit,
        max_body_size=config.frame_limit,
        chunk_size=READ_SIZE,
    )


def public_address(config: Settings, port: int) -> str:
    """Where people find the server, as far as the settings say it; empty if they don't."""
    name = next((name for name in listed(config.hosts) if name != ANY), "")
    if not name:
        return ""
    if config.trusted_proxies:
        return f"https://{name}"
    scheme, usual = ("https", 443) if config.tls_cert else ("http", 80)
    return f"{scheme}://{name}" + ("" if port == usual else f":{port}")


def make_tls(config: Settings) -> ssl.SSLContext | None:
    """What connections are encrypted with, if they are; raises CertificateError."""
    if config.tls_cert:
        return tls_context(config.tls_cert, config.tls_key)
    if config.tls_key:
        raise CertificateError("--tls-key is the key of a certificate; name that with --tls-cert")
    return None


def renew_tls(listener: Listener, config: Settings) -> None:
    """Reads the certificate anew, for those who connect from now on; one that cannot be used changes nothing."""
    try:
        listener.tls = make_tls(config)
    except CertificateError as error:
        log.error("the old certificate stays in use: %s", error)
    else:
        log.info("the certificate was read anew")
