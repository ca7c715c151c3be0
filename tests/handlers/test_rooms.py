"""/api/rooms: the list of rooms, and new ones."""

import asyncio
import time
from typing import ClassVar

from tornado.testing import gen_test

from chat.names import room_name
from tests.cases import ChatTestCase
from tests.mongo import SHORT_TIMEOUT


class RoomsTest(ChatTestCase):
    @gen_test
    async def test_makes_a_room(self) -> None:
        """201 and the room, which is in the list then; without a title the name serves."""
        token = self.token("ann")
        answer = await self.call("POST", "/api/rooms", {"name": "Küche", "title": "Die Küche"}, token=token)
        assert (answer.status, answer.body) == (
            201,
            {
                "name": "Küche",
                "title": "Die Küche",
                "people": 0,
                "active": None,
                "access": "open",
                "role": "owner",
            },
        )
        answer = await self.call("POST", "/api/rooms", {"name": "den"}, token=token)
        assert answer.body["title"] == "den"
        listed = (await self.call("GET", "/api/rooms")).body["rooms"]
        assert {room["name"] for room in listed} == {"Küche", "den"}

    @gen_test
    async def test_a_name_in_use_is_taken(self) -> None:
        """A second room of the name, in whatever spelling, is refused, and the first keeps its title."""
        token = self.token("ann")
        await self.call("POST", "/api/rooms", {"name": "Lobby", "title": "first"}, token=token)
        answer = await self.call("POST", "/api/rooms", {"name": "LOBBY", "title": "second"}, token=token)
        assert (answer.status, answer.code) == (409, "name_taken")
        rooms = (await self.call("GET", "/api/rooms")).body["rooms"]
        assert [room["title"] for room in rooms] == ["first"]

    @gen_test
    async def test_finds_a_free_name(self) -> None:
        """Without a name one is found, another each time; null is no name either."""
        token = self.token("ann")
        answers = [
            await self.call("POST", "/api/rooms", body, token=token) for body in ({}, {"name": None}, {"title": "T"})
        ]
        names = [answer.body["name"] for answer in answers]
        assert len(set(names)) == 3
        assert all(room_name(name) == name for name in names)
        assert [answer.body["title"] for answer in answers] == [names[0], names[1], "T"]

    @gen_test
    async def test_a_stranger_makes_no_room(self) -> None:
        """Without a name one makes none."""
        answer = await self.call("POST", "/api/rooms", {"name": "den"})
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert self.stored()["rooms"] == []

    @gen_test
    async def test_a_bad_body_makes_no_room(self) -> None:
        """Wrong fields, names and titles are refused, and nothing is written."""
        token = self.token("ann")
        for body in (
            {"name": 1},
            {"name": "a b"},
            {"name": ""},
            {"name": "x", "title": "\u202e"},
            {"title": "x" * 101},
            {"a": 1},
            [],
        ):
            answer = await self.call("POST", "/api/rooms", body, token=token)
            assert (answer.status, answer.code) == (400, "bad_request"), body
        assert self.stored()["rooms"] == []

    @gen_test
    async def test_lists_people_and_activity(self) -> None:
        """Each room says how many people are in it and when something was said last; the latest comes first."""
        token = self.token("ann")
        for name in ("a", "b", "c"):
            await self.send(name, "hi", token=token)
            await asyncio.sleep(0.002)
        last = await self.send("b", "again", token=token)
        await self.socket("bob", room="a")
        rooms = (await self.call("GET", "/api/rooms")).body["rooms"]
        assert [room["name"] for room in rooms] == ["b", "c", "a"]
        assert [room["people"] for room in rooms] == [0, 0, 1]
        entry = (await self.page("b")).body["entries"][-1]
        assert (entry["seq"], entry["at"]) == (last, rooms[0]["active"])

    @gen_test
    async def test_lists_as_many_as_wanted(self) -> None:
        """`limit` cuts the list; below 1 it is refused."""
        token = self.token("ann")
        for name in ("a", "b", "c"):
            await self.send(name, "hi", token=token)
        assert len((await self.call("GET", "/api/rooms?limit=2")).body["rooms"]) == 2
        assert len((await self.call("GET", "/api/rooms?limit=5000")).body["rooms"]) == 3
        for wrong in ("0", "-1", "x", "1.5", ""):
            answer = await self.call("GET", f"/api/rooms?limit={wrong}")
            assert (answer.status, answer.code) == (400, "bad_request"), wrong

    @gen_test
    async def test_waits_for_a_change(self) -> None:
        """With the version of before one waits until something has changed; with another one does not wait."""
        first = (await self.call("GET", "/api/rooms")).body
        waiting = asyncio.create_task(self.call("GET", f"/api/rooms?after={first['version']}&wait=10"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await self.send("den", "hi", token=self.token("ann"))
        found = (await waiting).body
        assert [room["name"] for room in found["rooms"]] == ["den"]
        assert found["version"] != first["version"]
        again = await self.call("GET", f"/api/rooms?after={first['version']}&wait=10")
        assert again.body == found

    @gen_test
    async def test_a_wait_ends(self) -> None:
        """When nothing changes the list comes with the same version after the wait."""
        first = (await self.call("GET", "/api/rooms")).body
        again = (await self.call("GET", f"/api/rooms?after={first['version']}&wait=1")).body
        assert again == first
        assert (await self.call("GET", f"/api/rooms?after={first['version']}")).body == first


class AwayTest(ChatTestCase):
    settings: ClassVar = {"mongo_timeout": SHORT_TIMEOUT}

    @gen_test
    async def test_lists_who_is_awake_while_mongodb_is_away(self) -> None:
        """The rooms in memory are listed even then."""
        await self.send("den", "hi", token=self.token("ann"))
        with self.mongod.stalled():
            answer = await self.call("GET", "/api/rooms")
        assert answer.status == 200
        assert [room["name"] for room in answer.body["rooms"]] == ["den"]

    @gen_test
    async def test_lists_at_once_while_mongodb_is_away(self) -> None:
        """Many who ask wait together, and for the rooms of all and their own at the same time."""
        token = await self.account("olga")
        await self.call("POST", "/api/rooms", {"name": "den"}, token=token)
        with self.mongod.stalled():
            begun = time.monotonic()
            answers = await asyncio.gather(*(self.call("GET", "/api/rooms", token=token) for _ in range(4)))
            assert time.monotonic() - begun < 1.6 * SHORT_TIMEOUT
        assert [answer.status for answer in answers] == [200] * 4
        assert all([room["role"] for room in answer.body["rooms"]] == ["owner"] for answer in answers)
