"""/api/poll: waiting for what comes next."""

import asyncio
import json
import socket
from typing import Any, ClassVar

from tornado.testing import gen_test

from chat.entries import Entry
from tests.cases import ChatTestCase
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


def texts(answer: Any, room: str) -> list[str]:
    return [entry.get("text") for entry in answer.body["rooms"][room]["entries"]]


class PollTest(ChatTestCase):
    @gen_test
    async def test_answers_at_once_with_what_is_there(self) -> None:
        """What lies after the cursor comes at once, with the cursor to go on from."""
        token = self.token("ann")
        for text in ("one", "two", "three"):
            await self.send("a", text, token=token)
        answer = await self.poll("a", token=token, after=1, wait=30)
        assert answer.status == 200
        found = answer.body["rooms"]["a"]
        assert texts(answer, "a") == ["two", "three"]
        assert (found["seq"], found["gap"], found["reset"]) == (3, None, False)
        assert set(found) == {"epoch", "seq", "entries", "gap", "reset"}

    @gen_test
    async def test_waits_for_what_comes(self) -> None:
        """With nothing there it waits, and has the message as soon as it is sent; its cursor misses nothing."""
        ann, bob = self.token("ann"), self.token("bob")
        poll = await self.waiting_poll("a", token=ann, after=0)
        assert not poll.done()
        await self.send("a", "one", token=bob)
        answer = await poll
        assert texts(answer, "a") == ["one"]
        cursor = answer.body["rooms"]["a"]["seq"]
        await self.send("a", "between", token=bob)
        assert texts(await self.poll("a", token=ann, after=cursor), "a") == ["between"]

    @gen_test
    async def test_ends_empty(self) -> None:
        """After its wait it is answered with no entries and the cursor as it was."""
        await self.send("a", "one", token=self.token("bob"))
        answer = await self.poll("a", token=self.token("ann"), after=1, wait=0)
        assert answer.status == 200
        assert answer.body["rooms"]["a"]["entries"] == []
        assert answer.body["rooms"]["a"]["seq"] == 1

    @gen_test
    async def test_asks_for_the_end(self) -> None:
        """`after=-1` is answered at once with the log's end and no entries."""
        token = self.token("ann")
        await self.send("a", "one", token=token)
        answer = await self.poll("a", token=token, after=-1, wait=30)
        assert (answer.body["rooms"]["a"]["seq"], answer.body["rooms"]["a"]["entries"]) == (1, [])

    @gen_test
    async def test_several_rooms_in_one_request(self) -> None:
        """Every room of the request is answered, with what came in any of them; the spelling is the request's."""
        ann, bob = self.token("ann"), self.token("bob")
        await self.send("Lobby", "old", token=bob)
        poll = await self.waiting_poll("LOBBY", "den", token=ann, after=[1, 0])
        await self.send("den", "new", token=bob)
        answer = await poll
        assert texts(answer, "LOBBY") == []
        assert texts(answer, "den") == ["new"]
        assert answer.body["rooms"]["LOBBY"]["seq"] == 1
        again = await self.poll("lobby", "den", token=ann, after=[0, 1], wait=30)
        assert (texts(again, "lobby"), texts(again, "den")) == (["old"], [])

    @gen_test
    async def test_all_that_one_commit_brings_is_one_answer(self) -> None:
        """What several rooms get in one turn comes together."""
        ann, bob = self.token("ann"), await self.socket("bob")
        poll = await self.waiting_poll("a", "b", token=ann, after=[0, 0])
        room_a, room_b = self.awake("a"), self.awake("b")
        assert room_a is not None and room_b is not None
        room_a.publish([Entry(**self.entry("a", 1))])
        room_b.publish([Entry(**self.entry("b", 1))])
        answer = await poll
        assert (texts(answer, "a"), texts(answer, "b")) == (["hi"], ["hi"])
        assert bob.told("error") == []

    def entry(self, room: str, seq: int) -> dict[str, Any]:
        author = self.chat.people.guest("somebody").author
        return {"type": "message", "room": room, "seq": seq, "user": author, "at": 1, "kind": "text", "text": "hi"}

    @gen_test
    async def test_a_wrong_epoch_is_reset(self) -> None:
        """A cursor of another epoch means nothing: the latest messages come with `reset`; the right one resumes."""
        token = self.token("ann")
        for text in ("one", "two"):
            await self.send("a", text, token=token)
        answer = await self.poll("a", token=token, after=57, epoch="another", wait=30)
        found = answer.body["rooms"]["a"]
        assert (found["reset"], texts(answer, "a"), found["seq"]) == (True, ["one", "two"], 2)
        right = await self.poll("a", token=token, after=1, epoch=found["epoch"])
        assert (right.body["rooms"]["a"]["reset"], texts(right, "a")) == (False, ["two"])

    @gen_test
    async def test_an_edit_comes_with_its_effect(self) -> None:
        """Who missed an edit gets it as an entry; who missed the message too gets it as it is now."""
        token = self.token("ann")
        await self.send("a", "old", token=token)
        await self.command("a", token=token, type="edit", target=1, text="new", key=new_key())
        assert texts(await self.poll("a", token=token, after=1), "a") == ["new"]
        assert texts(await self.poll("a", token=token, after=0), "a") == ["new", "new"]

    @gen_test
    async def test_only_senders_see_their_keys(self) -> None:
        """Live and caught up, an entry's key goes to its sender alone."""
        ann, bob = self.token("ann"), self.token("bob")
        polls = [await self.waiting_poll("a", token=token, after=0) for token in (ann, bob)]
        key = new_key()
        await self.send("a", "hi", token=ann, key=key)
        for answers in (
            [await poll for poll in polls],
            [await self.poll("a", token=token, after=0) for token in (ann, bob)],
        ):
            keys = [answer.body["rooms"]["a"]["entries"][0].get("key") for answer in answers]
            assert keys == [key, None]

    @gen_test
    async def test_tells_members_if_wanted(self) -> None:
        """`members=1` adds who is here, with live answers and others."""
        ann, bob = self.token("ann"), self.token("bob")
        await self.socket("cid", room="a")
        poll = await self.waiting_poll("a", token=ann, after=0, members=1)
        await self.send("a", "hi", token=bob)
        found = (await poll).body["rooms"]["a"]
        assert ({person["name"] for person in found["members"]}, found["people"]) == ({"ann", "cid"}, 2)
        assert [entry["text"] for entry in found["entries"]] == ["hi"]

    @gen_test
    async def test_a_poll_for_members_is_told_who_comes_and_goes(self) -> None:
        """It is answered when somebody comes or goes, not when somebody types; others wait on."""
        bob = await self.socket("bob", room="a")
        ann, plain = self.token("ann"), await self.waiting_poll("a", token=self.token("cid"), after=0)
        poll = await self.waiting_poll("a", token=ann, after=0, members=1)
        await bob.say(type="typing", room="a")
        await bob.settled()
        assert not poll.done()
        dan = await self.socket("dan", room="a")
        found = (await poll).body["rooms"]["a"]
        assert (found["entries"], found["people"], found["seq"]) == ([], 4, 0)
        assert {person["name"] for person in found["members"]} == {"ann", "bob", "cid", "dan"}
        poll = await self.waiting_poll("a", token=ann, after=0, members=1)
        await dan.close()
        assert (await poll).body["rooms"]["a"]["people"] == 3
        assert not plain.done()

    @gen_test
    async def test_a_polling_person_stays_present_between_polls(self) -> None:
        """The others hear once that they came, and hear of no going while they poll."""
        ann, bob = self.token("ann"), await self.socket("bob", room="a")
        for _ in range(3):
            assert (await self.poll("a", token=ann, after=0, wait=0)).status == 200
        told = [(message["type"], message["user"]["name"]) for message in await bob.settled()]
        assert told == [("joined", "ann")]
        room = self.awake("a")
        assert room is not None and room.people == 2

    @gen_test
    async def test_asking_for_the_end_makes_nobody_present(self) -> None:
        """Who asks where a log ends has not come yet; who waits there has."""
        ann, bob = self.token("ann"), await self.socket("bob", room="a")
        await self.poll("a", token=ann, after=-1)
        assert await bob.settled() == []
        await self.poll("a", token=ann, after=0, wait=0)
        assert (await bob.hear())["type"] == "joined"

    @gen_test
    async def test_a_passing_guest_is_gone_with_the_poll(self) -> None:
        """One who came by a name alone leaves the room and the name with the answer."""
        poll = await self.waiting_poll("a", name="ann", after=0, wait=1)
        room = self.awake("a")
        assert room is not None and room.people == 1
        assert (await self.poll("a", name="Ann", after=-1)).status == 409
        assert (await poll).status == 200
        await until(lambda: room.people == 0)
        assert (await self.poll("a", name="Ann", after=-1)).status == 200

    @gen_test
    async def test_a_client_that_goes_away_frees_its_waiter(self) -> None:
        """When the connection is cut, the room lets go of it at once."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
        token = self.token("ann")
        request = (
            f"GET /api/poll?room=a&after=0&wait=60 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        writer.write(request.encode())
        await until(lambda: self.waiters_in("a") == 1)
        writer.transport.abort()
        await until(lambda: self.waiters_in("a") == 0)
        assert await reader.read() == b""

    @gen_test
    async def test_a_client_that_goes_away_while_its_room_wakes(self) -> None:
        """Gone before it could wait: it never stays in the room, and nothing is logged."""
        reached, go_on = asyncio.Event(), asyncio.Event()
        original = self.chat.history.rooms.find

        async def slow(key: str) -> Any:
            reached.set()
            await go_on.wait()
            return await original(key)

        replace_methods(self.chat.history.rooms, find=slow)
        for path in ("/api/poll?room=a&after=0", "/api/stream?room=a&after=0"):
            _, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
            writer.write(f"GET {path}&username=ann HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await reached.wait()
            assert len(self.chat.people) == 1
            writer.transport.abort()
            await asyncio.sleep(0.02)
            go_on.set()
            await until(lambda: len(self.chat.people) == 0)
            assert self.waiters_in("a") == 0
            reached.clear()
            go_on.clear()
            for room in list(self.chat.registry.in_memory._rooms):
                del self.chat.registry.in_memory._rooms[room]

    @gen_test
    async def test_what_it_refuses(self) -> None:
        """A request that breaks the contract is a bad request; a stranger is unauthenticated; no room is made."""
        token = self.token("ann")
        for path in (
            "",
            "room=a",
            "after=0",
            "room=a&after=x",
            "room=a&after=-2",
            "room=a&after=1.5",
            "room=a&after=" + "9" * 17,
            "room=a&after=9007199254740993",
            "room=a&room=b&after=0",
            "room=a&after=0&after=0",
            "room=a&after=0&epoch=x&epoch=y",
            "room=a&after=0&wait=-1",
            "room=a&after=0&wait=x",
            "room=a/b&after=0",
            "room=&after=0",
            "room=%ff&after=0",
            "room=a&room=A&after=0&after=0",
            "&".join(["room=a"] * 101 + ["after=0"] * 101),
        ):
            answer = await self.call("GET", f"/api/poll?{path}", token=token)
            assert (answer.status, answer.code) == (400, "bad_request"), path
        answer = await self.poll("a", after=0, wait=0)
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert self.stored()["rooms"] == []

    @gen_test
    async def test_a_cursor_beyond_the_end(self) -> None:
        """It is a bad request, in any of its rooms, and the other rooms are left again."""
        token = self.token("ann")
        await self.send("a", "hi", token=token)
        assert (await self.poll("a", token=token, after=1, wait=0)).status == 200
        answer = await self.poll("a", token=token, after=2)
        assert (answer.status, answer.code) == (400, "bad_request")
        answer = await self.poll("b", "a", token=token, after=[0, 5])
        assert answer.status == 400
        assert self.waiters_in("b") == 0

    @gen_test
    async def test_a_cursor_beyond_the_end_makes_no_room(self) -> None:
        """With a cursor that a new room cannot have, a room nobody has made is not found, and not made."""
        token = self.token("ann")
        assert (await self.poll("new", token=token, after=5)).status == 404
        assert self.stored()["rooms"] == []
        assert (await self.poll("new", token=token, after=0, wait=0)).status == 200
        assert len(self.stored()["rooms"]) == 1

    @gen_test
    async def test_keeps_the_connection(self) -> None:
        """Over one connection poll follows poll; with `Connection: close`, and for HTTP/1.0, it ends after one."""
        token = self.token("ann")
        await self.send("a", "hi", token=token)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())

        async def ask(version: str = "HTTP/1.1", *headers: str) -> tuple[dict[str, str], Any]:
            lines = [
                f"GET /api/poll?room=a&after=0 {version}",
                "Host: localhost",
                f"Authorization: Bearer {token}",
                *headers,
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            assert first.split()[1] == "200"
            fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
            return fields, json.loads(await reader.readexactly(int(fields["content-length"])))

        answers = [await ask() for _ in range(3)]
        assert [body for _, body in answers] == [answers[0][1]] * 3
        head = answers[0][0]
        assert head["content-type"] == "application/json; charset=utf-8"
        assert (head["cache-control"], head["x-content-type-options"]) == ("no-store", "nosniff")
        last = await ask("HTTP/1.1", "Connection: close")
        assert last[1] == answers[0][1]
        assert await reader.read() == b""
        assert {name for name in last[0] if name != "connection"} == set(head)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
        assert (await ask("HTTP/1.0"))[1] == answers[0][1]
        assert await reader.read() == b""

    @gen_test
    async def test_errors_have_the_heads_of_errors(self) -> None:
        """A refused poll is JSON like every error."""
        answer = await self.call("GET", "/api/poll")
        assert answer.status == 401
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Server" not in answer.headers


class LargePollTest(ChatTestCase):
    settings: ClassVar = {"catch_up": 5, "recent": 3, "catch_up_bytes": 50_000}

    @gen_test
    async def test_a_gap_is_told(self) -> None:
        """Who missed more than one answer holds is told which entries are missing, and can read them as pages."""
        token = self.token("ann")
        for n in range(1, 13):
            await self.send("a", str(n), token=token)
        found = (await self.poll("a", token=token, after=2)).body["rooms"]["a"]
        assert found["gap"] == [3, 7]
        assert [entry["seq"] for entry in found["entries"]] == [8, 9, 10, 11, 12]
        page = (await self.page("a", before=8, limit=5)).body
        assert [entry["seq"] for entry in page["entries"]] == [3, 4, 5, 6, 7]
        whole = (await self.poll("a", token=token, after=7)).body["rooms"]["a"]
        assert (whole["gap"], len(whole["entries"])) == (None, 5)

    @gen_test
    async def test_an_answer_is_bounded_in_bytes(self) -> None:
        """Large entries are given up to the limit, the rest is a gap; a client that reads slowly gets it whole."""
        token = self.token("ann")
        for _ in range(4):
            body = {"kind": "big", "data": {"x": "y" * 20_000}, "key": new_key()}
            await self.call("POST", "/api/rooms/a/messages", body, token=token)
        found = (await self.poll("a", token=token, after=0)).body["rooms"]["a"]
        assert found["gap"] == [1, 2]
        assert [entry["seq"] for entry in found["entries"]] == [3, 4]

    @gen_test
    async def test_a_large_answer_to_a_slow_reader(self) -> None:
        """What the connection does not take at once follows, and the next poll is answered after it."""
        for listening in self.http_server._sockets.values():
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        token = self.token("ann")
        for _ in range(2):
            body = {"kind": "big", "data": {"x": "y" * 20_000}, "key": new_key()}
            await self.call("POST", "/api/rooms/a/messages", body, token=token)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port(), limit=1_000)
        request = f"GET /api/poll?room=a&after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        for _ in range(3):
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.partition(b"Content-Length: ")[2].split()[0])
            found = json.loads(await reader.readexactly(size))
            assert [entry["seq"] for entry in found["rooms"]["a"]["entries"]] == [1, 2]
        writer.close()
