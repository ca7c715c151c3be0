"""Staff messages: to one room by its moderators, to all by administrators."""

from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.rooms import new_key


class StaffTest(ChatTestCase):
    @gen_test
    async def test_to_one_room(self) -> None:
        """Whoever moderates the room says it, over every transport it comes, and nobody else can."""
        owner, member, admin = (
            await self.account("owner"),
            await self.account("member"),
            await self.account("root", admin=True),
        )
        await self.call("POST", "/api/rooms", {"name": "Office"}, token=owner)
        socket = await self.socket("guest", room="Office")
        stream = await self.stream("Office", name="other")
        poll = await self.waiting_poll("Office", token=member, after=0)
        said = {"text": "the fire drill begins", "key": new_key()}
        first = await self.call("POST", "/api/rooms/Office/staff", said, token=owner)
        again = await self.call("POST", "/api/rooms/Office/staff", said, token=owner)
        assert first.status == again.status == 201 and first.body == again.body
        for entry in (
            await socket.hear("message"),
            await stream.hear("message"),
            (await poll).body["rooms"]["Office"]["entries"][0],
        ):
            assert (entry["kind"], entry["data"], entry["user"]["name"]) == ("staff", {"text": said["text"]}, "owner")
        [entry] = (await self.page("Office")).body["entries"]
        assert entry["kind"] == "staff"
        for token in (member, self.token("stranger")):
            assert (await self.call("POST", "/api/rooms/Office/staff", {"text": "x"}, token=token)).code == "forbidden"
            forged = {"kind": "staff", "data": {"text": "x"}, "key": new_key()}
            assert (await self.call("POST", "/api/rooms/Office/messages", forged, token=token)).code == "forbidden"
            assert (await self.command("Office", token=token, type="send", **forged)).code == "forbidden"
        assert (await socket.ask(type="send", room="Office", **forged))["code"] == "forbidden"
        assert (await self.call("POST", "/api/rooms/Office/staff", {"text": "x"})).status == 401
        assert (await self.call("POST", "/api/rooms/Office/staff", {"text": " "}, token=owner)).code == "bad_request"
        assert (
            await self.call("POST", "/api/rooms/Office/staff", {"text": "x", "key": "x"}, token=owner)
        ).code == "bad_request"
        assert (await self.call("POST", "/api/rooms/nowhere/staff", {"text": "x"}, token=owner)).status == 404
        assert (await self.call("POST", "/api/rooms/Office/staff", {"text": "and mine"}, token=admin)).status == 201
        acts = (await self.call("GET", "/api/admin/audit", token=admin)).body["entries"]
        assert [act["act"] for act in acts[:3]] == ["staff"] * 3 and "fire" not in str(acts)

    @gen_test
    async def test_to_all_rooms(self) -> None:
        """Administrators tell the rooms in use, private ones too; not direct conversations, and nobody else does it."""
        admin, ann = await self.account("root", admin=True), await self.account("ann")
        await self.account("bob")
        await self.call("POST", "/api/rooms", {"name": "secret", "access": "private"}, token=ann)
        await self.send("lobby", "hello", token=ann)
        direct = (await self.call("POST", "/api/direct", {"people": ["bob"]}, token=ann)).body["name"]
        sockets = {room: await self.socket(room=room, token=ann) for room in ("secret", "lobby", direct)}
        assert (await self.call("POST", "/api/admin/staff", {"text": "x"}, token=ann)).code == "forbidden"
        told = await self.call("POST", "/api/admin/staff", {"text": "we restart at noon"}, token=admin)
        assert (told.status, told.body) == (200, {"rooms": 2})
        for room in ("secret", "lobby"):
            assert (await sockets[room].hear("message"))["data"] == {"text": "we restart at noon"}
        assert [heard["type"] for heard in await sockets[direct].settled()].count("message") == 0
