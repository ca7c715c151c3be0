"""/api/rooms/<room>: what a room is like, changing that, and its end."""

import asyncio
from typing import Any, ClassVar

from tornado.testing import gen_test

from tests.cases import Answer, ChatTestCase
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


class RoomSettingsTest(ChatTestCase):
    async def made(self, token: str, **wanted: Any) -> str:
        answer = await self.call("POST", "/api/rooms", wanted, token=token)
        assert answer.status == 201, answer
        return str(answer.body["name"])

    @gen_test
    async def test_says_what_a_room_is_like(self) -> None:
        """To each as they see it; 404 for one that is not there."""
        ann = await self.account("ann")
        wanted = {"name": "Den", "title": "The den", "lifetime": 30, "read_only": True}
        assert await self.made(ann, **wanted) == "Den"
        await self.send("den", "hi", token=ann)
        room = (await self.call("GET", "/api/rooms/den", token=ann)).body
        epoch = self.stored()["rooms"][0]["epoch"]
        assert room == {
            "name": "Den",
            "title": "The den",
            "epoch": epoch,
            "seq": 1,
            "access": "open",
            "lifetime": 30,
            "read_only": True,
            "locked": False,
            "slow": 0,
            "role": "owner",
            "rights": {"read": True, "write": True, "moderate": True, "own": True},
            "muted": None,
            "members_count": 1,
        }
        rights = {"read": True, "write": False, "moderate": False, "own": False}
        for token in ("", self.token("gus")):
            assert (await self.call("GET", "/api/rooms/den", token=token)).body == room | {
                "role": None,
                "rights": rights,
            }
        answer = await self.call("GET", "/api/rooms/none")
        assert (answer.status, answer.code) == (404, "not_found")

    @gen_test
    async def test_changes_are_answered_and_told(self) -> None:
        """The answer is the room as it is now; sockets and streams in it are told what they can see of it."""
        ann = await self.account("ann")
        await self.made(ann, name="den")
        socket, stream = await self.socket("bob", room="den"), await self.stream("den", name="cid")
        await stream.hear("subscribed")
        fields = {"title": "New", "slow": 9, "locked": True, "read_only": True, "lifetime": 2}
        answer = await self.call("PATCH", "/api/rooms/den", fields, token=ann)
        assert answer.status == 200
        assert {name: answer.body[name] for name in fields} == fields
        told = {"type": "room", "room": "den", "title": "New", "access": "open"}
        told |= {name: fields[name] for name in ("slow", "locked", "read_only")}
        assert await socket.hear("room") == told
        assert await stream.hear("room") == told
        listed = (await self.call("GET", "/api/rooms")).body["rooms"]
        assert [room["title"] for room in listed] == ["New"]

    @gen_test
    async def test_a_bad_change_changes_nothing(self) -> None:
        """Unknown fields, wrong types and values out of range are refused as a whole."""
        ann = await self.account("ann")
        await self.made(ann, name="den")
        before = self.stored()["rooms"]
        wrong: list[Any] = [
            {"name": "other"},
            {"title": 1},
            {"title": None},
            {"title": "x" * 101},
            {"access": "direct"},
            {"access": "secret"},
            {"lifetime": 0},
            {"lifetime": -1},
            {"lifetime": 36_501},
            {"lifetime": "forever"},
            {"lifetime": 1.5},
            {"slow": -1},
            {"slow": 21_601},
            {"locked": "yes"},
            {"read_only": 1},
            {"locked": True, "slow": -1},
            {"members": {}},
            {"$set": {"title": "x"}},
            [],
        ]
        for fields in wrong:
            answer = await self.call("PATCH", "/api/rooms/den", fields, token=ann)
            assert (answer.status, answer.code) == (400, "bad_request"), fields
        assert self.stored()["rooms"] == before
        answer = await self.call("PATCH", "/api/rooms/den", {"title": "x"})
        assert (answer.status, answer.code) == (401, "unauthenticated")

    @gen_test
    async def test_bad_wishes_make_no_room(self) -> None:
        """As little as bad changes change one."""
        ann = await self.account("ann")
        for fields in ({"access": "direct"}, {"lifetime": 0}, {"lifetime": "x"}, {"read_only": None}, {"slow": 1}):
            answer = await self.call("POST", "/api/rooms", fields, token=ann)
            assert (answer.status, answer.code) == (400, "bad_request"), fields
        assert self.stored()["rooms"] == []

    @gen_test
    async def test_a_deleted_room_is_left_by_all(self) -> None:
        """204; on every transport whoever is in it is told, and out; the log is gone; the next room is another one."""
        ann, bob, cid = [await self.account(name) for name in ("ann", "bob", "cid")]
        await self.made(ann, name="den")
        await self.send("den", "hi", token=ann)
        epoch = (await self.call("GET", "/api/rooms/den")).body["epoch"]
        socket, stream = await self.socket(room="den", token=bob), await self.stream("den", token=cid)
        elsewhere = await self.socket(room="den", token=cid)
        await elsewhere.ask(type="subscribe", room="hall")
        await stream.hear("subscribed")
        poll = await self.waiting_poll("den", token=bob, after=1)
        answer = await self.call("DELETE", "/api/rooms/DEN", token=ann)
        assert (answer.status, answer.body) == (204, b"")
        reason = "The room has been deleted."
        for client in (socket, stream, elsewhere):
            error = await client.hear("error")
            assert (error["code"], error["reason"]) == ("forbidden", reason)
        assert await socket.closed() == 4403
        await stream.ended()
        assert error["room"] == "den"
        assert (await elsewhere.hear("unsubscribed"))["room"] == "den"
        assert (await elsewhere.ask(type="ping"))["type"] == "pong"
        answered = await poll
        assert (answered.status, answered.code, answered.reason) == (403, "forbidden", reason)
        assert self.stored()["entries"] == []
        assert [room["_id"] for room in self.stored()["rooms"]] == ["hall"]
        for found in (
            await self.page("den", token=ann),
            await self.call("GET", "/api/rooms/den", token=ann),
            await self.command("den", token=ann, type="edit", key=new_key(), target=1, text="x"),
            await self.call("DELETE", "/api/rooms/den", token=ann),
        ):
            assert (found.status, found.code) == (404, "not_found")
        again = await self.poll("den", token=bob, after=1, epoch=epoch, wait=0)
        assert again.body["rooms"]["den"]["reset"]
        assert again.body["rooms"]["den"]["epoch"] != epoch

    @gen_test
    async def test_what_is_sent_while_it_is_deleted(self) -> None:
        """Is refused with `not_found`, or goes with the room."""
        ann = await self.account("ann")
        await self.made(ann, name="den")
        socket = await self.socket(room="den", token=ann)
        gate, insert = asyncio.Event(), self.chat.history.insert

        async def late(entries: Any) -> None:
            await gate.wait()
            await insert(entries)

        replace_methods(self.chat.history, insert=late)
        keys = [new_key(), new_key()]
        await socket.say(type="send", room="den", key=keys[0], text="one")
        await until(self.chat.commit._storing.locked)
        await socket.say(type="send", room="den", key=keys[1], text="two")
        await until(lambda: len(self.chat.commit) == 2)
        deleting = asyncio.create_task(self.call("DELETE", "/api/rooms/den", token=ann))
        await until(lambda: len(self.chat.commit) == 1)
        refused = await self.call("POST", "/api/rooms/den/messages", {"key": new_key(), "text": "x"}, token=ann)
        assert refused.status == 503  # the name is not free yet
        gate.set()
        assert (await deleting).status == 204
        assert self.stored()["entries"] == []

    @gen_test
    async def test_forgotten_entries_are_a_gap_on_every_transport(self) -> None:
        """Who comes back with an old cursor is told what is no more, even when nothing is left; pages go across."""
        ann = await self.account("ann")
        await self.made(ann, name="den", lifetime=1)
        for text in ("one", "two", "three"):
            await self.send("den", text, token=ann)
        room = self.awake("den")
        assert room is not None
        await self.age("den", 2)

        async def seen() -> list[tuple[Any, list[int], int]]:
            """Gap, entries and end, by socket, poll and stream."""
            socket = await self.socket(token=ann)
            by_socket = await socket.ask(type="subscribe", room="den", after=0)
            by_poll = (await self.poll("den", token=ann, after=0, wait=0)).body["rooms"]["den"]
            stream = await self.stream("den", token=ann, after=0)
            by_stream = await stream.hear("subscribed")
            by_stream["entries"] = [await stream.hear("message") for _ in by_poll["entries"]]
            return [
                (found["gap"], [entry["seq"] for entry in found["entries"]], found["seq"])
                for found in (by_socket, by_poll, by_stream)
            ]

        await self.chat.house.lifetimes.forget_old()
        assert await seen() == [([1, 2], [3], 3)] * 3
        page = (await self.page("den", token=ann, limit=50)).body
        assert ([entry["seq"] for entry in page["entries"]], page["more"], page["seq"]) == ([3], False, 3)
        assert (await self.page("den", token=ann, before=3)).body["entries"] == []
        await self.age("den", 3)
        await self.chat.house.lifetimes.forget_old()
        assert await seen() == [([1, 3], [], 3)] * 3
        page = (await self.page("den", token=ann)).body
        assert (page["entries"], page["more"], page["seq"]) == ([], False, 3)
        assert await self.send("den", "four", token=ann) == 4
        assert await seen() == [([1, 3], [4], 4)] * 3

    async def age(self, room: str, upto: int) -> None:
        """Makes the entries up to that number two days older in the store."""
        entries = self.mongod.client[self.database_name].entries
        entries.update_many({"log": room, "seq": {"$lte": upto}}, {"$inc": {"at": -2 * 86_400_000}})


class EphemeralTest(ChatTestCase):
    settings: ClassVar = {"ephemeral_grace": 0.2, "poll_linger": 0.1, "watch_interval": 0.05}

    @gen_test
    async def test_goes_when_the_last_one_leaves(self) -> None:
        """Of whatever transport; while one is there it stays."""
        running = asyncio.create_task(self.chat.house.lifetimes.run())
        ann = await self.account("ann")
        await self.call("POST", "/api/rooms", {"name": "den", "lifetime": "ephemeral", "access": "link"}, token=ann)
        socket, stream = await self.socket(room="den", token=ann), await self.stream("den", token=ann)
        await stream.hear("subscribed")
        await self.send("den", "hi", token=ann)
        socket.cut()
        await until(lambda: self.waiters_in("den") == 1)
        poll = await self.waiting_poll("den", token=ann, after=1, wait=1)
        stream.cut()
        await until(lambda: self.waiters_in("den") == 1)
        assert self.status(await poll) == 200
        assert self.stored()["rooms"] != []
        await until(lambda: self.stored() == {"entries": [], "rooms": []})
        assert (await self.page("den", token=ann)).status == 404
        running.cancel()

    @staticmethod
    def status(answer: Answer) -> int:
        return answer.status
