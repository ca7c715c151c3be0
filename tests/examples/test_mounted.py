"""The example of a site with Parley in it: what it serves beside the rooms, and who is who."""

from typing import Any
from urllib.parse import urlencode

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.testing import AsyncHTTPTestCase, ExpectLog, gen_test
from tornado.web import Application

from examples.mounted import site
from mounting import Mounted, parley_routes
from tests.clients import SocketClient
from tests.mongo import SessionMongod

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class MountedTest(AsyncHTTPTestCase):
    @pytest.fixture(autouse=True)
    def _place(self, mongod: SessionMongod, database: str) -> None:
        self.settings = {"mongo": mongod.uri, "database": database, "mongo_timeout": 10.0, "send_timeout": 10.0}

    def get_app(self) -> Application:
        application, self.talk = site(**self.settings)
        self.io_loop.run_sync(self.talk.__aenter__)
        return application

    def get_http_client(self) -> AsyncHTTPClient:
        return AsyncHTTPClient(force_instance=True)

    def tearDown(self) -> None:
        self.io_loop.run_sync(self.talk.__aexit__)
        super().tearDown()

    async def call(self, path: str, cookies: dict[str, str], **form: str) -> HTTPResponse:
        """As a browser would: a form is posted, and the cookies of the answer are kept."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} | (FORM if form else {})
        response = await self.http_client.fetch(
            self.get_url(path),
            method="POST" if form else "GET",
            body=urlencode(form) if form else None,
            headers=headers,
            follow_redirects=False,
            raise_error=False,
        )
        for line in response.headers.get_list("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            cookies[name] = value.strip('"')
        return response

    @gen_test
    async def test_the_site_is_left_as_it_is(self) -> None:
        """Parley's headers and refusals are for what lies below its path; the rest has the site's own."""
        home = await self.call("/", {})
        assert (home.code, "Content-Security-Policy" in home.headers) == (200, False)
        lobby = await self.call("/talk/", {})
        assert (lobby.code, "Content-Security-Policy" in lobby.headers) == (200, True)
        assert (await self.call("/talk", {})).headers["Location"] == "/talk/"
        with ExpectLog("tornado.access", "404 GET"):
            assert (await self.call("/nothing", {})).code == (await self.call("/talkative", {})).code == 404
        elsewhere = {"Host": "evil.example"}
        assert (await self.http_client.fetch(self.get_url("/"), headers=elsewhere)).code == 200
        answer = await self.http_client.fetch(self.get_url("/talk/"), headers=elsewhere, raise_error=False)
        assert answer.code == 421

    @gen_test
    async def test_who_is_signed_in_there_is_signed_in_here(self) -> None:
        """One and the same person each time, until they sign out; and nobody else by having an equal name."""
        ann: dict[str, str] = {}
        await self.call("/hello", ann, name="ann")
        page = await self.call("/talk/chat/shop", ann)
        assert page.code == 200 and "parley_session-talk" in ann
        first = (await self.call("/talk/api/session", ann)).body
        assert b'"name":"ann"' in first and b'"guest":false' in first
        token = ann["parley_session-talk"]
        socket = await SocketClient.connect(self.get_url("/talk/ws/shop").replace("http", "ws", 1), token=token)
        await socket.hear("welcome")
        assert await self.call("/bye", ann, out="1")
        assert await socket.closed() == 4401
        again: dict[str, str] = {}
        await self.call("/hello", again, name="ann")
        assert (await self.call("/talk/api/session", again)).body == first

    @gen_test
    async def test_who_signs_out_there_is_out_here(self) -> None:
        """The next page asked for is that of nobody, though the browser still has Parley's cookie."""
        ann: dict[str, str] = {}
        await self.call("/hello", ann, name="ann")
        await self.call("/talk/", ann)
        del ann["shop_user"]
        assert (await self.call("/talk/api/session", ann)).code == 401

    @gen_test
    async def test_the_site_can_tell_people_something(self) -> None:
        """By the registry of what is mounted."""
        url = self.get_url("/talk/ws/shop?username=bob").replace("http", "ws", 1)
        bob = await SocketClient.connect(url)
        await bob.hear("subscribed")
        assert self.talk.chat.registry.broadcast({"sale": True}, room="shop") == 1
        assert (await bob.hear("event"))["data"] == {"sale": True}


@pytest.mark.parametrize("prefix", ["", "/", "talk", "/talk/", "/t.lk", "/a b"])
def test_what_is_no_path(prefix: str) -> None:
    with pytest.raises(ValueError, match="no path to mount at"):
        parley_routes(prefix)


@pytest.mark.parametrize("values", [{"nothing": 1}, {"guests": "perhaps"}])
def test_what_is_no_setting(values: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        parley_routes("/talk", **values)


def test_before_it_runs() -> None:
    """There is nothing below the path, and nobody to be told anything."""
    mounted: Mounted = parley_routes("/talk")
    with pytest.raises(RuntimeError, match="not running"):
        _ = mounted.chat
