"""How the web is reached, by the settings."""

import pytest

import web
from settings import Settings, SettingsError

KNOWN = {"openid_issuer": "https://login.example.org", "openid_client_id": "parley"}


@pytest.mark.parametrize(
    ("flag", "wrong"),
    [
        ("hosts", "https://chat.example.org"),
        ("hosts", "chat.example.org:443"),
        ("origins", "chat.example.org"),
        ("origins", "https://a.example, nonsense"),
        ("trusted-proxies", "nginx"),
        ("trusted-proxies", "10.0.0.0/33"),
        ("metrics-from", "everybody"),
    ],
)
def test_a_wrong_list_is_named(flag: str, wrong: str) -> None:
    """One line that names the setting and what is wrong in it."""
    with pytest.raises(SettingsError) as error:
        web.make_reach(Settings(**{flag.replace("-", "_"): wrong}))
    assert str(error.value).startswith(f"--{flag}: ") and "\n" not in str(error.value)


def test_lists_have_commas() -> None:
    """With spaces around them or without, and an empty one is none."""
    config = Settings(hosts=" a.example,b.example ", origins="https://c.example,", trusted_proxies="10.0.0.1, ::1")
    reach = web.make_reach(config)
    assert reach.hosts.answers_to("a.example") and reach.hosts.answers_to("b.example")
    assert reach.proxies.trusted.hold("10.0.0.1") and reach.proxies.trusted.hold("::1")
    assert not web.make_reach(Settings()).proxies.trusted


@pytest.mark.parametrize(
    ("given", "port", "address"),
    [
        ({}, 8888, ""),
        ({"hosts": "*"}, 8888, ""),
        ({"hosts": "chat.example.org,parley"}, 8888, "http://chat.example.org:8888"),
        ({"hosts": "chat.example.org"}, 80, "http://chat.example.org"),
        ({"hosts": "chat.example.org", "tls_cert": "x"}, 443, "https://chat.example.org"),
        ({"hosts": "chat.example.org", "tls_cert": "x"}, 8443, "https://chat.example.org:8443"),
        ({"hosts": "chat.example.org", "trusted_proxies": "127.0.0.1"}, 8888, "https://chat.example.org"),
    ],
)
def test_where_people_find_it(given: dict[str, str], port: int, address: str) -> None:
    """By its first name, through its proxy if it has one."""
    assert web.public_address(Settings(**given), port) == address


def test_no_provider_is_none() -> None:
    """Without an issuer nobody is asked, whatever else is set."""
    assert web.openid_client(Settings()) is None
    assert web.openid_client(Settings(openid_client_id="parley", openid_client_secret="hush")) is None


def test_a_provider() -> None:
    """An issuer and a client id are enough; a client may have no secret."""
    client = web.openid_client(Settings(**KNOWN))
    assert client is not None
    assert (client.issuer, client.client_id, client.client_secret) == (*KNOWN.values(), "")


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"openid_issuer": "http://login.example.org"}, "--openid-issuer"),
        ({"openid_issuer": "login.example.org"}, "--openid-issuer"),
        ({"openid_client_id": ""}, "--openid-client-id"),
        ({"openid_scopes": "profile email"}, "--openid-scopes"),
    ],
)
def test_a_provider_that_cannot_be_used(change: dict[str, str], flag: str) -> None:
    """What is wrong is one line that names the setting."""
    with pytest.raises(SettingsError) as error:
        web.openid_client(Settings(**(KNOWN | change)))
    assert str(error.value).startswith(flag)
    assert "\n" not in str(error.value)
