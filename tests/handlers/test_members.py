"""/api/rooms/<room>/members: who belongs to a room."""

from urllib.parse import quote

from tornado.testing import gen_test

from tests.cases import ChatTestCase


class MembersTest(ChatTestCase):
    @gen_test
    async def test_lets_in_lists_and_puts_out(self) -> None:
        """By name or id, with a role or as a member; 204 each, and the list says so."""
        ann, bob, _ = [await self.account(name) for name in ("ann", "Bob Ö.", "cid")]
        await self.call("POST", "/api/rooms", {"name": "den", "access": "private"}, token=ann)
        place = "/api/rooms/den/members"
        answer = await self.call("PUT", f"{place}/{quote('bob ö.')}", {"role": "moderator"}, token=ann)
        assert (answer.status, answer.body) == (204, b"")
        cid = (await self.call("GET", "/api/session", token=await self.sign_in("cid"))).body["user"]["id"]
        assert (await self.call("PUT", f"{place}/{cid}", {}, token=bob)).status == 204
        members = (await self.call("GET", place, token=bob)).body["members"]
        assert [(member["name"], member["role"]) for member in members] == [
            ("ann", "owner"),
            ("Bob Ö.", "moderator"),
            ("cid", "member"),
        ]
        assert members[2]["id"] == cid
        assert (await self.call("DELETE", f"{place}/cid", token=bob)).status == 204
        assert (await self.call("DELETE", f"{place}/{members[1]['id']}", token=bob)).status == 204
        assert len((await self.call("GET", place, token=ann)).body["members"]) == 1
        answer = await self.call("DELETE", f"{place}/ann", token=ann)
        assert (answer.status, answer.code) == (403, "forbidden")

    @gen_test
    async def test_bad_requests_let_nobody_in(self) -> None:
        """Roles that are none, unknown fields and people, and those who may not."""
        ann, bob = [await self.account(name) for name in ("ann", "bob")]
        await self.call("POST", "/api/rooms", {"name": "den"}, token=ann)
        place = "/api/rooms/den/members"
        for body in ({"role": "king"}, {"role": None}, {"role": "member", "name": "x"}, {"role": {"$ne": 1}}, []):
            assert (await self.call("PUT", f"{place}/bob", body, token=ann)).status == 400, body
        for who in ("nobody", "a-0123456789abcdef", "%24ne", "x" * 500):
            assert (await self.call("PUT", f"{place}/{who}", {}, token=ann)).status == 404, who
        assert (await self.call("PUT", f"{place}/bob", {}, token=bob)).status == 403
        assert (await self.call("PUT", f"{place}/bob", {})).status == 401
        assert (await self.call("DELETE", f"{place}/bob", token=ann)).status == 404
        assert len((await self.call("GET", place)).body["members"]) == 1
