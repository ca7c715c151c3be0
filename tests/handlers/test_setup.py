"""/api/setup: the first administrator."""

from tornado.testing import gen_test

from tests.cases import PASSWORD, ChatTestCase


class SetupTest(ChatTestCase):
    settings = {"registration": "no"}  # noqa: RUF012

    @gen_test
    async def test_makes_the_first_administrator(self) -> None:
        """The token makes one account, also where registration is closed; then there is an administrator."""
        entrance = self.chat.identity.entrance
        assert await entrance.needs_setup()
        token = await entrance.open_setup()
        wanted = {"token": token, "name": "root", "password": PASSWORD}
        for wrong in ({"token": token[:-1]}, {"token": ""}):
            assert (await self.call("POST", "/api/setup", wanted | wrong)).status == 401
        for wrong in ({"password": "short"}, {"name": ""}, {"token": {"$ne": ""}}):
            assert (await self.call("POST", "/api/setup", wanted | wrong)).status == 400
        answer = await self.call("POST", "/api/setup", wanted)
        assert answer.status == 201
        assert (await self.call("GET", "/api/account", token=answer.body["token"])).body["admin"] is True
        assert "parley_session" in answer.headers["Set-Cookie"]
        assert not await entrance.needs_setup()
        again = await self.call("POST", "/api/setup", wanted | {"name": "other"})
        assert (again.status, again.code) == (401, "unauthenticated")

    @gen_test
    async def test_another_start_makes_another_token(self) -> None:
        """The one before it is worth nothing, and without any there is nothing to be had."""
        wanted = {"name": "root", "password": PASSWORD}
        assert (await self.call("POST", "/api/setup", wanted | {"token": ""})).status == 401
        old, new = [await self.chat.identity.entrance.open_setup() for _ in range(2)]
        assert (await self.call("POST", "/api/setup", wanted | {"token": old})).status == 401
        assert (await self.call("POST", "/api/setup", wanted | {"token": new})).status == 201
