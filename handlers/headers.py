"""The headers of every answer that tell browsers what they may do with it."""

from collections.abc import Iterable

# Nothing may be loaded, run or sent but what is named, nothing inline, and no site may put our pages into a frame.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# What is no page needs nothing at all, should a browser show it as one.
CALL_POLICY = "default-src 'none'; frame-ancestors 'none'"

_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Other sites have no hold on our windows, and cannot load our answers as if they were pictures or scripts.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
CALL_HEADERS = {**_COMMON, "Content-Security-Policy": CALL_POLICY}
PAGE_HEADERS = {
    **_COMMON,
    "Content-Security-Policy": PAGE_POLICY,
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}


def framed_policy(embedders: Iterable[str]) -> str:
    """The policy of a page that these origins may put into a frame, and nobody else."""
    ancestors = " ".join(embedders) or "'none'"
    return PAGE_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {ancestors}")


def strict_transport(days: int) -> str:
    """Strict-Transport-Security (RFC 6797) for so many days; empty for none."""
    return f"max-age={days * 86400}" if days else ""
