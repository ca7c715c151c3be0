"""Whose pages may do something here: the rules on headers, as plain data."""

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from handlers.origins import Origins, normal

OURS = "http://chat.example:8888"
THEIRS = "http://evil.example"
FRIEND = "https://friend.example"


def request(
    method: str, *, protocol: str = "http", host: str = "chat.example:8888", **headers: str
) -> HTTPServerRequest:
    """One with headers, whose names are given with `_` for `-`."""
    given = HTTPHeaders({"Host": host} | {name.replace("_", "-"): value for name, value in headers.items()})
    made = HTTPServerRequest(start_line=RequestStartLine(method, "/", "HTTP/1.1"), headers=given)
    made.protocol = protocol
    return made


def may(method: str, **headers: str) -> bool:
    return not Origins([FRIEND]).refusal(request(method, **headers))


def test_what_comes_from_no_browser_may_write() -> None:
    """Neither header: no browser since 2019 sends a write without."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert may(method)
        assert may(method, Cookie="parley_session=x")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
@pytest.mark.parametrize(
    "origin", [THEIRS, "https://chat.example:8888", "http://chat.example", "null", "", "x", "http://["]
)
def test_a_page_of_another_site_may_not_write(method: str, origin: str) -> None:
    """Another host, scheme or port is another site; so is what is no origin."""
    assert may(method, Origin=OURS)
    assert not may(method, Origin=origin)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "new-word"])
def test_what_the_browser_says_is_believed(site: str) -> None:
    """`Sec-Fetch-Site` comes before `Origin`, which may be missing."""
    assert may("POST", Sec_Fetch_Site="same-origin")
    assert may("POST", Sec_Fetch_Site="none")
    for origin in (OURS, THEIRS, "null"):
        assert not may("POST", Sec_Fetch_Site=site, Origin=origin)
    assert not may("POST", Sec_Fetch_Site=site)


def test_sites_that_are_allowed_may() -> None:
    """Those of `--origins`, whatever the browser calls them."""
    assert may("POST", Origin=FRIEND)
    assert may("POST", Origin=FRIEND, Sec_Fetch_Site="cross-site")
    assert may("GET", Origin=FRIEND, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors")
    assert not may("POST", Origin="http://friend.example")


def test_links_from_other_sites_work() -> None:
    """One may follow a link here; pictures, frames and scripts of another page get nothing, and forms send nothing."""
    assert may("GET", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    for mode in ("no-cors", "cors", "websocket", "nested-navigate"):
        assert not may("GET", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode=mode)
    assert not may("GET", Sec_Fetch_Site="cross-site")
    assert not may("POST", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Origin=THEIRS)


def test_reading_without_fetch_metadata_is_left_to_the_browser() -> None:
    """Which shows no answer of ours to another site's page."""
    assert may("GET", Origin=THEIRS)


def test_a_token_was_put_there_on_purpose() -> None:
    """A bearer token says who asks; no browser adds one by itself, as it adds cookies and what `Basic` asks for."""
    assert may("POST", Origin=THEIRS, Authorization="Bearer x")
    assert may("POST", Origin=THEIRS, Authorization="bearer x")
    assert not may("POST", Origin=THEIRS, Authorization="Basic x")


def test_sockets() -> None:
    """A cookie needs an Origin; a page of another site gets no socket, whatever it carries."""
    origins = Origins([FRIEND])

    def opens(has_cookie: bool = False, **headers: str) -> bool:
        return not origins.socket_refusal(request("GET", **headers), has_cookie=has_cookie)

    assert opens()
    assert not opens(has_cookie=True)
    assert opens(has_cookie=True, Authorization="Bearer x")
    for has_cookie in (False, True):
        assert opens(has_cookie, Origin=OURS)
        assert opens(has_cookie, Origin=FRIEND)
        assert opens(has_cookie, Origin=OURS.upper().replace("HTTP", "http"))
        for origin in (THEIRS, "https://chat.example:8888", "http://chat.example", "null", "", "http://é"):
            assert not opens(has_cookie, Origin=origin)
            assert not opens(has_cookie, Origin=origin, Authorization="Bearer x")


def test_default_ports_are_none() -> None:
    """A port that goes without saying changes nothing."""
    origins = Origins([])
    for protocol, port in (("http", 80), ("https", 443)):
        for host in ("chat.example", f"chat.example:{port}"):
            for origin in (f"{protocol}://chat.example", f"{protocol}://chat.example:{port}"):
                asked = request("POST", protocol=protocol, host=host, Origin=origin)
                assert not origins.refusal(asked)
    assert origins.refusal(request("POST", protocol="https", host="chat.example", Origin="https://chat.example:80"))


@pytest.mark.parametrize(
    "origin",
    ["chat.example", "https://", "https://a/", "https://a/b", "https://a?b", "https://u@a", "https://a:x", "*", "null"],
)
def test_what_is_no_origin(origin: str) -> None:
    """It is said what one looks like."""
    with pytest.raises(ValueError, match=r"https://chat\.example\.org"):
        normal(origin)


def test_origins_of_apps() -> None:
    """Extensions and apps have schemes of their own."""
    assert normal("moz-extension://1b2c") == "moz-extension://1b2c"
    assert normal("HTTPS://A.example:8443") == "https://a.example:8443"
    assert normal("http://[::1]:80") == "http://[::1]"
