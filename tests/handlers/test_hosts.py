"""The names the server answers to."""

import socket

import pytest

from handlers.hosts import Hosts


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8888",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "192.168.1.7:8888",
        "[::1]",
        "[fe80::1]:80",
    ],
)
def test_addresses_and_localhost_are_ours(host: str) -> None:
    """What no stranger can make lead here needs no setting."""
    assert Hosts([]).answers_to(host)


def test_the_machine_goes_by_its_name() -> None:
    """Its own name, alone and in the local network."""
    short = socket.gethostname().partition(".")[0]
    for name in (socket.gethostname(), short.upper(), f"{short}.local:8888"):
        assert Hosts([]).answers_to(name)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "",
            ".",
            "[",
            "[::1",
            "a:b:c",
        ),
        *(
            "1.2.3",
            "0x7f.1",
            "2130706433",
            "127.0.0.1@evil.example",
            "evil.example:8888",
            "localhost..",
            "localhost:x:1",
        ),
    ],
)
def test_any_other_name_is_a_strangers(host: str) -> None:
    """A name that a stranger could point here is not answered."""
    assert not Hosts([]).answers_to(host)
    assert not Hosts(["chat.example.org"]).answers_to(host)


def test_names_are_given() -> None:
    """The names that were given are ours, in any case, with any port, and no other of their domain."""
    hosts = Hosts(["Chat.example.org", "parley"])
    for name in ("chat.example.org", "CHAT.EXAMPLE.ORG:8443", "chat.example.org.", "parley"):
        assert hosts.answers_to(name)
    for name in ("example.org", "a.chat.example.org", "chat.example.org.evil.example"):
        assert not hosts.answers_to(name)


def test_a_star_is_any() -> None:
    """For those who know what they do."""
    assert Hosts(["*"]).answers_to("evil.example")


@pytest.mark.parametrize(
    "name", ["http://chat.example.org", "chat.example.org:80", "*.example.org", "a b", "a/b", "[::1]"]
)
def test_what_is_no_name(name: str) -> None:
    """It is said what a name looks like."""
    with pytest.raises(ValueError, match=r"chat\.example\.org"):
        Hosts([name])
