"""How the web is reached, by the settings: names, sites, proxies, patience and TLS."""

import logging
import ssl
from collections.abc import Callable
from typing import TypeVar

from handlers.hosts import Hosts
from handlers.listener import Listener
from handlers.origins import Origins
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
        metrics=_made("metrics-from", config.metrics_from, Ranges),
        proxies=Proxies(_made("trusted-proxies", config.trusted_proxies, Ranges)),
        hsts=config.hsts,
        log=config.access_log == "yes",
    )


def _made(flag: str, value: str, make: Callable[[list[str]], Made]) -> Made:
    try:
        return make(listed(value))
    except ValueError as error:
        raise SettingsError(f"--{flag}: {error}") from None


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
