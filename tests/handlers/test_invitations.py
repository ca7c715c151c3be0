"""Links that let people into rooms, as calls."""

from xml.etree import ElementTree

from tornado.testing import gen_test

from tests.cases import ChatTestCase

SVG = "{http://www.w3.org/2000/svg}"


class InvitationsTest(ChatTestCase):
    @gen_test
    async def test_invites_and_lets_in(self) -> None:
        """201 with all that can be handed on: an address of this very site, the token, and a picture of it."""
        ann, gus = await self.account("ann"), self.token("gus")
        made = {"name": "den", "title": "The den", "access": "link"}
        await self.call("POST", "/api/rooms", made, token=ann)
        answer = await self.call("POST", "/api/rooms/den/invitations", {"hours": 2, "uses": 3}, token=ann)
        assert answer.status == 201
        invitation = answer.body
        assert invitation["url"] == f"http://127.0.0.1:{self.get_http_port()}/join/{invitation['token']}"
        assert invitation["uses"] == 3 and invitation["until"] - invitation["made"] == 7_200_000
        picture = ElementTree.fromstring(invitation["qr"])
        assert picture.tag == f"{SVG}svg" and not {"style", "class", "onload"} & set(picture.attrib)
        assert {child.tag for child in picture} == {f"{SVG}path"}
        place = f"/api/invitations/{invitation['token']}"
        assert (await self.call("GET", place)).body == {"room": "den", "title": "The den"}
        assert (await self.page("den", token=gus)).status == 404
        accepted = await self.call("POST", place, token=gus)
        assert (accepted.status, accepted.body) == (200, {"room": "den"})
        assert (await self.page("den", token=gus)).status == 200
        listed = (await self.call("GET", "/api/rooms/den/invitations", token=ann)).body["invitations"]
        by = {"id": next(iter(self.stored()["rooms"][0]["policy"]["members"])), "name": "ann"}
        fields = ("id", "until", "made")
        assert listed == [{name: invitation[name] for name in fields} | {"uses": 2, "by": by}]

    @gen_test
    async def test_the_address_is_the_one_that_was_asked(self) -> None:
        """Under whatever name of the host the page was reached."""
        ann = await self.account("ann")
        await self.call("POST", "/api/rooms", {"name": "den", "access": "link"}, token=ann)
        port = self.get_http_port()
        headers = {"Host": f"localhost:{port}"}
        answer = await self.call("POST", "/api/rooms/den/invitations", {}, token=ann, headers=headers)
        assert answer.body["url"].startswith(f"http://localhost:{port}/join/")

    @gen_test
    async def test_revokes(self) -> None:
        """204, and the link is none; a second time there is none to revoke."""
        ann, bob = await self.account("ann"), await self.account("bob")
        await self.call("POST", "/api/rooms", {"name": "den", "access": "private"}, token=ann)
        invitation = (await self.call("POST", "/api/rooms/den/invitations", {"hours": 0, "uses": 0}, token=ann)).body
        assert (invitation["until"], invitation["uses"]) == (0, 0)
        place = f"/api/rooms/den/invitations/{invitation['id']}"
        assert (await self.call("DELETE", place, token=ann)).status == 204
        assert (await self.call("DELETE", place, token=ann)).status == 404
        answer = await self.call("POST", f"/api/invitations/{invitation['token']}", token=bob)
        assert (answer.status, answer.reason) == (404, "There is no such invitation.")

    @gen_test
    async def test_bad_invitations_are_refused(self) -> None:
        """Negative, too long, of other types; and nobody without a name accepts one."""
        ann = await self.account("ann")
        await self.call("POST", "/api/rooms", {"name": "den", "access": "link"}, token=ann)
        for body in ({"hours": -1}, {"hours": 8_761}, {"uses": -1}, {"uses": 1_001}, {"uses": "1"}, {"x": 1}, []):
            answer = await self.call("POST", "/api/rooms/den/invitations", body, token=ann)
            assert (answer.status, answer.code) == (400, "bad_request"), body
        token = (await self.call("POST", "/api/rooms/den/invitations", {}, token=ann)).body["token"]
        assert (await self.call("POST", f"/api/invitations/{token}")).status == 401
        assert (await self.call("GET", f"/api/invitations/{token}")).status == 200


class DirectTest(ChatTestCase):
    @gen_test
    async def test_begins_and_finds_a_conversation(self) -> None:
        """201 the first time, 200 from then on, for each of them; strangers find nothing."""
        ann, bob = await self.account("ann"), await self.account("bob")
        answer = await self.call("POST", "/api/direct", {"people": ["bob"]}, token=ann)
        assert answer.status == 201
        assert answer.body["title"] == "ann and bob"
        again = await self.call("POST", "/api/direct", {"people": ["ANN"]}, token=bob)
        assert (again.status, again.body) == (200, answer.body)
        name = answer.body["name"]
        await self.send(name, "hi", token=ann)
        assert len((await self.page(name, token=bob)).body["entries"]) == 1
        for token in ("", self.token("gus"), await self.account("root", admin=True)):
            assert (await self.page(name, token=token)).status == 404

    @gen_test
    async def test_bad_requests_begin_nothing(self) -> None:
        """Nobody, too many, other types; guests are told that an account is needed."""
        ann = await self.account("ann")
        for people in ([], ["x"] * 10, "bob", [1], [None], {"$ne": 1}, None):
            answer = await self.call("POST", "/api/direct", {"people": people}, token=ann)
            assert (answer.status, answer.code) == (400, "bad_request"), people
        assert (await self.call("POST", "/api/direct", {}, token=ann)).status == 400
        answer = await self.call("POST", "/api/direct", {"people": ["nobody"]}, token=ann)
        assert (answer.status, answer.reason) == (404, "There is no account called nobody.")
        answer = await self.call("POST", "/api/direct", {"people": ["ann"]}, token=self.token("gus"))
        assert (answer.status, answer.reason) == (401, "An account is needed.")
        assert self.stored()["rooms"] == []
