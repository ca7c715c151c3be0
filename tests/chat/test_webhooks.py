"""Webhooks as plain data: signatures, patience, and addresses that nothing is sent to."""

import pytest

from assembly import settings_of
from chat.errors import BadRequest
from chat.policy import Member, Policy
from chat.webhooks import (
    Author,
    NewWebhook,
    Outcome,
    WebhookTable,
    check_url,
    is_public,
    letter,
    new_webhook,
    signature,
)
from settings import Settings
from tests.rooms import message

TABLE = settings_of(Settings(), WebhookTable)
ANN = Author("a-ann", "ann")


def test_a_signature_covers_the_time_and_the_body() -> None:
    """What any receiver can work out with the secret: HMAC-SHA256 of the time, a dot and the body."""
    known = "t=1700000000,v1=42359816b9cdac4fb62fa04459d2218b257ca9331d835e02a9c7808b91b58019"
    assert signature("whs_secret", 1_700_000_000, b'{"a":1}') == known
    assert known != signature("whs_secret", 1_700_000_001, b'{"a":1}')
    assert known != signature("whs_secret", 1_700_000_000, b'{"a":2}')
    assert known != signature("another", 1_700_000_000, b'{"a":1}')


def test_a_letter_is_the_same_at_each_try() -> None:
    """Its id and its body do not change, and nobody is told the sender's key."""
    hook = new_webhook(NewWebhook("https://a.example"), room="r", name="R", epoch="e", cursor=0, by=ANN, ruling=False)
    first, again = letter(hook, message(7), 1), letter(hook, message(7), 2)
    assert first.body == again.body
    assert first.headers["X-Parley-Delivery"] == again.headers["X-Parley-Delivery"] == f"{hook.id}-7"
    assert b'"key"' not in first.body
    assert first.headers["X-Parley-Signature"] != again.headers["X-Parley-Signature"]


def test_patience_doubles_up_to_a_bound() -> None:
    """With the default settings ten tries take three quarters of an hour; half of each pause is left to chance."""
    pauses = [TABLE.wait(tries, 0) for tries in range(1, 12)]
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses[-1] == 3_600
    assert 0.5 * 3_600 < sum(pauses[: TABLE.webhook_tries - 1]) < 1 * 3_600
    assert TABLE.wait(1, 1) == 2.5
    assert TABLE.wait(10_000, 0) == 3_600


@pytest.mark.parametrize("status", [0, 100, 301, 302, 400, 404, 500])
def test_only_success_has_arrived(status: int) -> None:
    assert not Outcome(status).arrived
    assert Outcome(204).arrived


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::7f00:1",
        "fec0::1",
        "64:ff9b:1::7f00:1",
    ],
)
def test_private_addresses(address: str) -> None:
    """Of no address in a private network, of this machine, or of a group, however it is written."""
    assert not is_public(address)
    shown = f"[{address}]" if ":" in address else address
    with pytest.raises(BadRequest):
        check_url(f"https://{shown}/", private=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "ftp://a.example", "https://", "https://u:p@a.example/", "https://a.example/#x", "nothing",
     "https://a.example:99999/", "https://a b.example/", "https://[::1", "https://localhost/", "https://a.localhost/x"],
)  # fmt: skip
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        check_url(url, private=False)


def test_urls_that_are_not() -> None:
    """On the internet with TLS alone; in one's own network, if that is wished, without."""
    check_url("https://a.example:8443/hook?x=1", private=False)
    check_url("http://127.0.0.1:9/hook", private=True)


def test_whose_right_it_is() -> None:
    """One who moderates the room; an administrator in open rooms, and in no others."""
    hook = new_webhook(NewWebhook("https://a.example"), room="r", name="R", epoch="e", cursor=0, by=ANN, ruling=True)
    assert hook.holds_in(Policy(members={"a-ann": Member("ann", "moderator")}))
    assert not hook.holds_in(Policy(members={"a-ann": Member("ann")}))
    assert hook.holds_in(Policy())
    assert not hook.holds_in(Policy(access="private"))
