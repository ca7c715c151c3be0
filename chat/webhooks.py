"""Webhooks as plain data: what another server is told of a room's log, signed how, and tried again when."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from chat.entries import Author, Entry
from chat.errors import BadRequest
from chat.policy import Policy
from chat.protocol import encode
from chat.secret_tokens import new_secret
from chat.times import now

EntryType = Literal["message", "edit", "delete", "reaction"]

SECRET_PREFIX = "whs_"
# The IPv6 of the internet (RFC 4291, section 2.4, and IANA's registry); what lies outside of it, like addresses of a
# site (fec0::/10), or IPv4 in IPv6 (::/96; NAT64, 64:ff9b::/96), leads nowhere, or to somewhere else than it seems.
_INTERNET = ip_network("2000::/3")
_DISGUISE = ip_network("2002::/16")  # in there, but an IPv4 address as well (6to4, RFC 3056)


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """Where a room's new entries are to be sent, and which."""

    url: Annotated[str, Meta(min_length=1, max_length=2_000)]
    types: Annotated[tuple[EntryType, ...], Meta(min_length=1, max_length=4)] = ("message",)


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True):
    """Stops a webhook for a while, or lets it go on."""

    paused: bool


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook of the room of that key, name and epoch.

    `cursor` is the number of the last entry that is done with; those after it are still to be sent. `tries` counts
    the failures of the next one, `failing` is since when there was no success (0: it works), `due` when it is tried
    again. `paused` says why nothing is sent at the moment; empty if it is. Times are milliseconds since the Unix epoch.
    `ruling`: made by an administrator, who need not belong to the room.
    """

    id: str
    room: str
    name: str
    epoch: str
    url: str
    types: list[EntryType]
    secret: str
    made: int
    by: Author
    cursor: int
    ruling: bool = False
    tries: int = 0
    failing: int = 0
    due: int = 0
    paused: str = ""
    error: str = ""

    def holds_in(self, policy: Policy) -> bool:
        """Whether whoever made it may still hear all that is said in the room."""
        member = policy.members.get(self.by.id)
        if member is not None:
            return member.role != "member"
        return self.ruling and policy.access == "open"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that could not be delivered in all its tries, and why; `at` is when it was given up."""

    seq: int
    type: str
    at: int
    tries: int
    error: str


class Letter(NamedTuple):
    """One delivery: a POST of that body."""

    url: str
    headers: dict[str, str]
    body: bytes


class Outcome(NamedTuple):
    """What came of a delivery: a status (0 if there was no answer), and a sentence about what went wrong."""

    status: int
    error: str = ""

    @property
    def arrived(self) -> bool:
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The receiver says that nobody will ever be there again (RFC 9110, section 15.5.11)."""
        return self.status == 410


class WebhookTable(msgspec.Struct, frozen=True, kw_only=True):
    """How patient webhooks are. Times are seconds."""

    webhooks_limit: int
    webhook_private: Literal["no", "yes"]
    webhook_tries: int
    webhook_backoff: float
    webhook_backoff_limit: float
    webhook_patience: float
    webhook_letters: int
    webhook_lease: float
    webhook_interval: float
    webhook_concurrency: int

    def wait(self, tries: int, jitter: float) -> float:
        """Seconds before the next try after so many failures; `jitter`, from 0 to 1, takes away up to half of it, so
        that what failed together does not come back together."""
        whole = min(self.webhook_backoff * 2 ** min(tries - 1, 60), self.webhook_backoff_limit)
        return float(whole * (1 - jitter / 2))


def new_webhook(
    wanted: NewWebhook, *, room: str, name: str, epoch: str, cursor: int, by: Author, ruling: bool
) -> Webhook:
    """One that is not stored yet, for the entries after the cursor."""
    return Webhook(
        id=f"w-{secrets.token_hex(8)}",
        room=room,
        name=name,
        epoch=epoch,
        url=wanted.url,
        types=sorted(set(wanted.types)),
        secret=new_secret(SECRET_PREFIX),
        made=now(),
        by=by,
        cursor=cursor,
        ruling=ruling,
    )


def letter(hook: Webhook, entry: Entry, at: int) -> Letter:
    """The entry for its receiver, signed at that time (seconds since the Unix epoch).

    The delivery's id is the same at each try, so that who gets it twice can tell.
    """
    public = msgspec.structs.replace(entry, key="")
    delivery = f"{hook.id}-{entry.seq}"
    body = encode({"delivery": delivery, "webhook": hook.id, "epoch": hook.epoch, "entry": public})
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Parley",
        "X-Parley-Delivery": delivery,
        "X-Parley-Event": entry.type,
        "X-Parley-Signature": signature(hook.secret, at, body),
    }
    return Letter(hook.url, headers, body)


def signature(secret: str, at: int, body: bytes) -> str:
    """Who has the secret can tell by it that the body is from here, and by the time that it is not an old one again."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def is_public(address: str) -> bool:
    """Whether an address is one of the internet: of no private network, no single machine and no group."""
    found = ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or found
    if not inner.is_global or inner.is_multicast:
        return False
    return inner.version == 4 or (inner in _INTERNET and inner not in _DISGUISE)


def check_url(url: str, *, private: bool, is_public: Callable[[str], bool] = is_public) -> None:
    """Raises BadRequest for what nothing may be sent to. `private`: our own network is allowed, and plain http."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadRequest("The url is none.") from None
    if parts.scheme not in (("https", "http") if private else ("https",)) or not host or not url.isprintable():
        raise BadRequest("The url of a webhook begins with https://.")
    if " " in url or not url.isascii() or parts.username is not None or parts.fragment:
        raise BadRequest("The url of a webhook has no name and password, no fragment and no other signs than ASCII's.")
    try:
        is_ours = not is_public(host)
    except ValueError:  # a name: what it leads to is looked at with each delivery
        is_ours = host == "localhost" or host.endswith(".localhost")
    if is_ours and not private:
        raise BadRequest("The url of a webhook leads to a private network.")
