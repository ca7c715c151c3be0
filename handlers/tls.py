"""TLS without a proxy: the certificate, and what is asked of clients."""

import ssl
from pathlib import Path


class CertificateError(Exception):
    """The certificate cannot be used; the message is one line that says why."""


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """What new connections are encrypted with: TLS 1.2 or newer.

    `certificate` and `key` are PEM files; the key may stand in the certificate's. Raises CertificateError.
    """
    for flag, path in (("--tls-cert", certificate), ("--tls-key", key or certificate)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise CertificateError(f"{flag}={path} cannot be read: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # costs the server far more than the client
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key or None, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "not PEM"
        if reason == "KEY_VALUES_MISMATCH":
            told = "the key belongs to another certificate"
        else:
            told = f"it is no certificate with its key in PEM form ({reason})"
        raise CertificateError(f"--tls-cert={certificate} cannot be used: {told}") from None
    return context


def _no_password() -> str:
    raise CertificateError("the key of --tls-key is encrypted; Parley needs one without a password")
