"""Integrations: secret addresses by which other programs say something in a room."""

from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from tornado.testing import gen_test

from tests.cases import Answer, ChatTestCase
from tests.rooms import new_key


class IntegrationTest(ChatTestCase):
    settings: ClassVar = {"integration_rate": "1/5", "integrations_limit": 2, "attempts": 5, "attempts_delay": 0}

    async def owner(self, **room: Any) -> str:
        token = await self.account("ann")
        await self.call("POST", "/api/rooms", {"name": "a"} | room, token=token)
        return token

    async def make(self, token: str, name: str = "Build") -> Answer:
        return await self.call("POST", "/api/rooms/a/integrations", {"name": name}, token=token)

    async def address(self, token: str) -> str:
        answer = await self.make(token)
        assert answer.status == 201, answer
        return urlsplit(answer.body["url"]).path

    async def texts(self, token: str) -> list[tuple[str, str | None]]:
        entries = (await self.page("a", token=token)).body["entries"]
        return [(entry["user"]["name"], entry.get("text")) for entry in entries]

    @gen_test
    async def test_a_program_says_something(self) -> None:
        """As JSON, and as programs do that were made for Slack; under the integration's name, in a private room too."""
        token = await self.owner(access="private")
        path = await self.address(token)
        bob = await self.socket(token=token, room="a")
        assert (await self.call("POST", path, {"text": "build 7 failed"})).status == 201
        heard = await bob.hear("message")
        assert (heard["user"]["name"], heard["text"]) == ("Build", "build 7 failed")
        form = urlencode({"payload": '{"text":"deployed","channel":"#ops","icon_emoji":":rocket:"}'}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await self.call("POST", path, form, headers=headers)).status == 201
        assert (await self.call("POST", path, {"kind": "build", "data": {"n": 7}})).status == 201
        assert await self.texts(token) == [("Build", "build 7 failed"), ("Build", "deployed"), ("Build", None)]

    @gen_test
    async def test_once_by_its_key(self) -> None:
        """The same key, or Idempotency-Key, is answered with the message of then."""
        token = await self.owner()
        path, key = await self.address(token), new_key()
        first = await self.call("POST", path, {"text": "one", "key": key})
        again = await self.call("POST", path, {"text": "one", "key": key})
        assert (first.status, again.status) == (201, 200) and first.body == again.body
        for _ in range(2):
            await self.call("POST", path, {"text": "two"}, headers={"Idempotency-Key": "build-7"})
        assert await self.texts(token) == [("Build", "one"), ("Build", "two")]

    @gen_test
    async def test_what_is_wrong(self) -> None:
        token = await self.owner()
        path = await self.address(token)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await self.call("POST", path, {})).code == "bad_request"
        assert (await self.call("POST", path, b"nothing")).code == "bad_request"
        assert (await self.call("POST", path, b"payload=nothing", headers=form)).code == "bad_request"
        assert (await self.call("POST", path, {"text": "a", "key": "k" * 201})).code == "bad_request"
        assert (await self.call("POST", path, {"text": "a" * 5_000})).code == "too_large"

    @gen_test
    async def test_its_token_is_worth_nothing_elsewhere(self) -> None:
        """It reads nothing, and is no bot's token; nobody finds one by trying."""
        token = await self.owner(access="private")
        path = await self.address(token)
        its = path.rpartition("/")[2]
        assert (await self.page("a", token=its)).code == "unauthenticated"
        answer = await self.call("POST", "/api/rooms/a/messages", {"text": "x", "key": new_key()}, token=its)
        assert answer.code == "unauthenticated"
        bot = {"name": "Bot", "rooms": ["a"], "write": True}
        usual = (await self.call("POST", "/api/account/tokens", bot, token=token)).body["token"]
        codes = [(await self.call("POST", f"/api/hooks/{usual}", {"text": "x"})).code]
        codes += [(await self.call("POST", f"/api/hooks/pi_{number}", {"text": "x"})).code for number in range(5)]
        assert codes == ["not_found"] * 5 + ["rate_limited"]

    @gen_test
    async def test_too_much(self) -> None:
        """It has a rate of its own, far below a person's."""
        path = await self.address(await self.owner())
        answers = [await self.call("POST", path, {"text": "x"}) for _ in range(6)]
        assert [answer.status for answer in answers] == [201] * 5 + [429]
        assert answers[-1].headers["Retry-After"]

    @gen_test
    async def test_it_ends(self) -> None:
        """Revoked, with its maker's right to write in the room, or with the room, it leads nowhere."""
        token = await self.owner(access="private")
        path = await self.address(token)
        listed = (await self.call("GET", "/api/rooms/a/integrations", token=token)).body["integrations"]
        assert [each["name"] for each in listed] == ["Build"] and "token" not in listed[0]
        gone = await self.call("DELETE", f"/api/rooms/a/integrations/{listed[0]['id']}", token=token)
        assert gone.status == 204
        assert (await self.call("POST", path, {"text": "x"})).code == "not_found"
        path = await self.address(token)
        await self.account("bob")
        bob = await self.chat.identity.accounts.by_name("bob")
        ann = await self.chat.identity.accounts.by_name("ann")
        assert bob and ann
        await self.call("PUT", f"/api/rooms/a/members/{bob.id}", {"role": "owner"}, token=token)
        theirs = await self.sign_in("bob")
        await self.call("DELETE", f"/api/rooms/a/members/{ann.id}", token=theirs)
        assert (await self.call("POST", path, {"text": "x"})).code == "not_found"
        assert (await self.call("DELETE", "/api/rooms/a", token=theirs)).status == 204

    @gen_test
    async def test_one_that_is_revoked_keeps_no_other_out(self) -> None:
        """A program that goes on and on with an address that is none any more, and guesses from the same machine, cost
        the other integrations there nothing."""
        token = await self.owner()
        old, new = await self.address(token), (await self.make(token, "Deploy")).body["url"]
        [first, _] = (await self.call("GET", "/api/rooms/a/integrations", token=token)).body["integrations"]
        await self.call("DELETE", f"/api/rooms/a/integrations/{first['id']}", token=token)
        codes = [(await self.call("POST", old, {"text": "x"})).code for _ in range(10)]
        assert codes == ["not_found"] * 10
        codes = [(await self.call("POST", f"/api/hooks/pi_{number}", {"text": "x"})).code for number in range(5)]
        assert codes == ["not_found"] * 4 + ["rate_limited"]
        assert (await self.call("POST", urlsplit(new).path, {"text": "x"})).status == 201

    @gen_test
    async def test_who_may_have_one(self) -> None:
        """Who moderates the room, under a name that is nobody else's; so many for a room."""
        token, other = await self.owner(), await self.account("bob")
        assert (await self.make(other)).code == "forbidden"
        assert (await self.call("GET", "/api/rooms/a/integrations", token=other)).code == "forbidden"
        assert (await self.call("DELETE", "/api/rooms/a/integrations/b-1", token=other)).code == "forbidden"
        assert (await self.make(token, "bob")).code == "name_taken"
        assert (await self.make(token)).status == 201
        assert (await self.make(token, "Deploy")).status == 201
        assert "at most 2" in (await self.make(token, "More")).reason
        assert (await self.call("DELETE", "/api/rooms/a/integrations/b-1", token=token)).code == "not_found"
