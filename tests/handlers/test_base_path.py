"""Parley below a path of somebody else's site: all that it sends a browser to lies there as well."""

import re
from pathlib import Path
from typing import ClassVar

import pytest
from tornado.testing import gen_test

from tests.cases import ChatTestCase

HERE = Path(__file__).resolve().parents[2]
PAGES = ["/", "/chat/a", "/chat/a/settings", "/pair", "/sign-in", "/register", "/chat/no%20room"]
ADDRESS = re.compile(r'(?:href|src|action)="(/[^"]*)"')
# An address of ours without `link` in a template, without `pagePath` in a script.
BARE = {
    "templates/*.html": re.compile(r'(?:href|src|action)="(?:/|\{\{ *[\'"]/)'),
    "static/js/*.js": re.compile(r"""(?:location\.\w+\(|\.href = |\.src = |\.action = )['"`]/"""),
    "handlers/*.py": re.compile(r"""redirect\(f?['"]/"""),
}


class BasePathTest(ChatTestCase):
    base: ClassVar = "/talk"

    @gen_test
    async def test_everything_lies_there_and_nothing_elsewhere(self) -> None:
        """Pages, scripts, calls and sockets are below the path; beside it there is nothing of ours."""
        for path in ("/", "/chat/a", "/static/js/site.js", "/healthz", "/api/openapi.json"):
            assert (await self.call("GET", f"/talk{path}")).status == 200, path
            assert (await self.call("GET", path)).status == 404, path
        ann = await self.socket(path="/talk/ws/a?username=ann")
        assert (await ann.hear("subscribed"))["room"] == "a"
        document = (await self.call("GET", "/talk/api/openapi.json")).body
        assert document["servers"] == [{"url": "/talk/"}]

    @gen_test
    async def test_pages_name_addresses_below_it(self) -> None:
        """Every link, script, picture and form of a page, and what its scripts begin their calls with."""
        for path in PAGES:
            page = (await self.call("GET", f"/talk{path}")).body.decode()
            found = ADDRESS.findall(page)
            assert len(found) > 2, page
            assert [address for address in found if not address.startswith("/talk/")] == []
            assert '<html lang="en" data-base="/talk">' in page

    @gen_test
    async def test_redirects_stay_below_it(self) -> None:
        """A form leads to the page it should, whoever asked for another site's to the lobby."""
        account = await self.call("GET", "/talk/account")
        assert account.headers["Location"] == "/talk/sign-in?next=/talk/account"
        out = await self.call("POST", "/talk/sign-out", b"")
        assert out.headers["Location"] == "/talk/"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for body in (b"as=guest&name=ann", b"as=guest&name=bob&next=//evil.example"):
            answer = await self.call("POST", "/talk/sign-in", body, headers=form)
            assert (answer.status, answer.headers["Location"]) == (303, "/talk/")

    @gen_test
    async def test_addresses_that_are_given_away(self) -> None:
        """Invitations and pictures have addresses that work as they are."""
        token = await self.account("ann")
        await self.call("POST", "/talk/api/rooms", {"name": "b", "access": "private"}, token=token)
        made = await self.call("POST", "/talk/api/rooms/b/invitations", {}, token=token)
        assert made.body["url"] == f"{self.get_url('')}/talk/join/{made.body['token']}"
        assert (await self.call("GET", f"/talk/join/{made.body['token']}")).status == 200

    @gen_test
    async def test_the_cookie_is_its_own(self) -> None:
        """Two that are mounted side by side do not take each other's cookie for theirs."""
        answer = await self.call("POST", "/talk/api/session", {"name": "ann"})
        name, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
        assert name == "parley_session-talk"
        who = await self.call("GET", "/talk/api/session", headers={"Cookie": f"{name}={value}"})
        assert who.body["user"]["name"] == "ann"
        assert (
            await self.call("GET", "/talk/api/session", headers={"Cookie": f"parley_session={value}"})
        ).status == 401

    @gen_test
    async def test_refusals_are_of_the_right_kind(self) -> None:
        """A call is refused as JSON and a page as a page, wherever they lie."""
        elsewhere = {"Host": "evil.example"}
        assert (await self.call("GET", "/talk/api/rooms", headers=elsewhere)).code == "bad_request"
        assert b"<html" in (await self.call("GET", "/talk/", headers=elsewhere)).body


@pytest.mark.parametrize("files", BARE)
def test_no_address_is_written_without_it(files: str) -> None:
    """In templates addresses are made by `link`, in scripts by `pagePath` of site.js, in handlers by `self.link`."""
    paths = list(HERE.glob(files))
    assert len(paths) > 10
    bare = BARE[files]
    found = [
        f"{path.name}: {line.strip()}" for path in paths for line in path.read_text().split("\n") if bare.search(line)
    ]
    assert found == []
