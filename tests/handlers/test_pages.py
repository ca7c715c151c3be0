"""The pages, and what all answers have in common."""

import re
from unittest import mock
from urllib.parse import quote

from tornado.testing import ExpectLog, gen_test

from handlers.pages import LobbyPage
from tests.cases import ChatTestCase
from tests.replacing import replace_methods


class PagesTest(ChatTestCase):
    @gen_test
    async def test_the_lobby(self) -> None:
        """`/` is a page that a browser asks for anew each time."""
        answer = await self.call("GET", "/")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.headers["Cache-Control"] == "no-cache"
        assert b"</html>" in answer.body

    @gen_test
    async def test_a_room(self) -> None:
        """`/chat/<room>` names the room, in any script, and visiting it makes nothing yet."""
        for name in ("lobby", "Кухня", "a.b-c_d"):
            answer = await self.call("GET", f"/chat/{quote(name)}?transport=poll")
            assert answer.status == 200
            assert name in answer.body.decode()
        assert self.stored()["rooms"] == []

    @gen_test
    async def test_what_is_no_page(self) -> None:
        """Addresses that are none, rooms' names that are none among them, are a page that says so."""
        for path in (
            "/nothing",
            "/chat/",
            "/chat/a b".replace(" ", "%20"),
            "/chat/%3Cscript%3E",
            "/chat/a/b",
            "/ws/",
            "/chat/..",
        ):
            answer = await self.call("GET", path)
            assert answer.status == 404, path
            assert answer.headers["Content-Type"].startswith("text/html")
            assert b"There is no such page." in answer.body
            assert b"<script>" not in answer.body

    @gen_test
    async def test_what_is_no_call(self) -> None:
        """Below /api an unknown address, and a method that is none, are errors in JSON."""
        answer = await self.call("GET", "/api/nothing")
        assert (answer.status, answer.code) == (404, "not_found")
        for method, path in (
            ("PUT", "/api/session"),
            ("DELETE", "/api/rooms"),
            ("POST", "/api/poll"),
            ("POST", "/healthz"),
        ):
            answer = await self.call(method, path, b"" if method != "DELETE" else None)
            assert (answer.status, answer.code) == (405, "bad_request"), path

    @gen_test
    async def test_a_wrong_method_is_told_the_right_ones(self) -> None:
        """In `Allow`, of calls, pages and files; no other answer has it."""
        for method, path, right in (
            ("PUT", "/api/session", "GET, POST, DELETE"),
            ("DELETE", "/api/rooms", "GET, POST"),
            ("POST", "/healthz", "GET"),
            ("DELETE", "/chat/lobby", "GET"),
            ("POST", "/static/js/room.js", "GET, HEAD"),
            ("BREW", "/api/rooms", "GET, POST"),
        ):
            answer = await self.call(method, path, None if method == "DELETE" else b"")
            assert (answer.status, answer.headers.get("Allow")) == (405, right), (method, path)
        assert "Allow" not in (await self.call("GET", "/api/rooms")).headers

    @gen_test
    async def test_static_files(self) -> None:
        """The files a page names are there, with types that browsers believe; a version may be kept."""
        page = (await self.call("GET", "/chat/lobby")).body.decode()
        found = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        assert found
        for path in found:
            answer = await self.call("GET", path)
            assert answer.status == 200
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "immutable" in answer.headers["Cache-Control"]
            for other in ("", "v-0123456789abcdef/"):
                same = await self.call("GET", re.sub(r"v-\w+/", other, path))
                assert (same.status, same.body) == (200, answer.body)
                assert same.headers["Cache-Control"] == "no-cache"

    @gen_test
    async def test_nothing_is_loaded_from_elsewhere(self) -> None:
        """The policy lets a page load from its own server alone, and run no inline script."""
        for path in ("/", "/chat/lobby", "/nothing"):
            answer = await self.call("GET", path)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
        page = (await self.call("GET", "/chat/lobby")).body.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)

    @gen_test
    async def test_a_fault_of_ours(self) -> None:
        """An exception is logged, and a 500 that tells nothing of the code: JSON for calls, a page for pages."""

        async def broken(*_: object) -> None:
            raise RuntimeError("the details")

        replace_methods(self.chat.directory, rooms=broken)
        with ExpectLog("parley.web", "GET of RoomsHandler failed|GET of LobbyPage failed"):
            answer = await self.call("GET", "/api/rooms")
            with mock.patch.object(LobbyPage, "get", broken):
                page = await self.call("GET", "/")
        assert (answer.status, answer.code) == (500, "unavailable")
        assert page.status == 500 and b"</html>" in page.body
        for found in (answer, page):
            assert "details" not in str(found.body) and "Traceback" not in str(found.body)
        assert (await self.call("GET", "/healthz")).status == 200
