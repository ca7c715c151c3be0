"""/api/rooms/<room>/messages: writing and reading with single requests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from tornado.testing import ExpectLog, gen_test

from chat.entries import Entry
from tests.cases import ChatTestCase
from tests.mongo import SHORT_TIMEOUT
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


class MessagesTest(ChatTestCase):
    @gen_test
    async def test_sends(self) -> None:
        """201 with `seq` and `at`, and the message is in the log as it was sent."""
        token, key = self.token("ann"), new_key()
        answer = await self.call("POST", "/api/rooms/Lobby/messages", {"text": "hi", "key": key}, token=token)
        assert (answer.status, answer.body["seq"]) == (201, 1)
        page = (await self.page("lobby", token=token)).body
        assert (page["room"], page["seq"], page["more"]) == ("Lobby", 1, False)
        user = self.chat.identity.guests.read(token)
        assert user is not None
        assert page["entries"] == [
            {
                "type": "message",
                "room": "Lobby",
                "seq": 1,
                "user": {"id": user.id, "name": "ann"},
                "at": answer.body["at"],
                "key": key,
                "kind": "text",
                "text": "hi",
            }
        ]

    @gen_test
    async def test_sends_other_things(self) -> None:
        """Another kind carries data, which comes back as it was."""
        token, data = self.token("ann"), {"question": "tea?", "$a.b": [1, 2.5, None], "big": 2**63}
        answer = await self.call(
            "POST", "/api/rooms/a/messages", {"kind": "poll", "data": data, "key": new_key()}, token=token
        )
        assert answer.status == 201
        entry = (await self.page("a")).body["entries"][0]
        assert (entry["kind"], entry["data"], "text" in entry) == ("poll", data, False)

    @gen_test
    async def test_the_same_key_again(self) -> None:
        """200 with the same body, also when the text differs, and nothing is stored again."""
        token, key = self.token("ann"), new_key()
        first = await self.call("POST", "/api/rooms/a/messages", {"text": "one", "key": key}, token=token)
        again = await self.call("POST", "/api/rooms/a/messages", {"text": "two", "key": key}, token=token)
        assert (again.status, again.body) == (200, first.body)
        assert [entry["text"] for entry in (await self.page("a")).body["entries"]] == ["one"]

    @gen_test
    async def test_a_stranger_does_not_send(self) -> None:
        """Without a name 401; a name in the address makes a guest for this one request."""
        body = {"text": "hi", "key": new_key()}
        assert (await self.call("POST", "/api/rooms/a/messages", body)).status == 401
        assert self.stored()["entries"] == []
        assert (await self.call("POST", "/api/rooms/a/messages?username=ann", body)).status == 201
        assert len(self.chat.people) == 0

    @gen_test
    async def test_the_address_says_room_and_type(self) -> None:
        """A body that repeats or contradicts the address is refused."""
        token = self.token("ann")
        for extra in ({"room": "b"}, {"type": "send"}, {"type": "delete"}):
            answer = await self.call(
                "POST", "/api/rooms/a/messages", {"text": "hi", "key": new_key()} | extra, token=token
            )
            assert (answer.status, answer.code) == (400, "bad_request"), extra
        body = {"type": "send", "room": "a", "text": "hi", "key": new_key()}
        assert (await self.call("POST", "/api/rooms/a/commands", body, token=token)).status == 400
        assert self.stored() == {"entries": [], "rooms": []}

    @gen_test
    async def test_rooms_of_any_script_in_the_address(self) -> None:
        """A room's name is percent-encoded UTF-8, and every spelling is the same room."""
        token = self.token("ann")
        await self.send("Кухня", "привет", token=token)
        page = await self.page("кухня")
        assert (page.body["room"], page.body["entries"][0]["text"]) == ("Кухня", "привет")

    # Pages

    @gen_test
    async def test_pages_back(self) -> None:
        """Pages of messages in order, the last first, until there are no more."""
        token = self.token("ann")
        for n in range(1, 8):
            await self.send("a", str(n), token=token)
        seen, before = [], {}
        while True:
            page = (await self.page("a", limit=3, **before)).body
            seen.append([entry["seq"] for entry in page["entries"]])
            if not page["more"]:
                break
            before = {"before": page["entries"][0]["seq"]}
        assert seen == [[5, 6, 7], [2, 3, 4], [1]]
        assert (await self.page("a", before=1)).body["entries"] == []
        assert len((await self.page("a", before=10**15, limit=10**9)).body["entries"]) == 7

    @gen_test
    async def test_pages_show_the_present_state(self) -> None:
        """Edited, deleted and reacted messages as they are now, and no other entries."""
        token = self.token("ann")
        for text in ("one", "two", "three"):
            await self.send("a", text, token=token)
        for fields in (
            {"type": "edit", "target": 1, "text": "better"},
            {"type": "delete", "target": 2},
            {"type": "react", "target": 3, "emoji": "👍"},
        ):
            assert (await self.command("a", token=token, key=new_key(), **fields)).status == 200
        page = (await self.page("a")).body
        first, second, third = page["entries"]
        assert page["seq"] == 6
        assert first["text"] == "better" and first["edited"] > 0
        assert "text" not in second and second["deleted"] > 0
        assert [person["name"] for person in third["reactions"]["👍"]] == ["ann"]

    @gen_test
    async def test_a_page_ends_where_it_says(self) -> None:
        """`seq` goes with the page's entries, though more is said while they are read: nothing is skipped by it."""
        token = self.token("ann")
        await self.send("a", "one", token=token)
        history, original = self.chat.history, self.chat.history.messages

        async def slow(*arguments: Any) -> list[Entry]:
            found = await original(*arguments)
            await self.send("a", "two", token=token)
            return found

        replace_methods(history, messages=slow)
        page = (await self.page("a")).body
        assert page["seq"] == page["entries"][-1]["seq"] == 1

    @gen_test
    async def test_a_page_is_bounded_in_bytes(self) -> None:
        """Large messages make a short page that says there are more."""
        token = self.token("ann")
        for _ in range(12):
            body = {"kind": "big", "data": {"x": "y" * 60_000}, "key": new_key()}
            assert (await self.call("POST", "/api/rooms/a/messages", body, token=token)).status == 201
        page = (await self.page("a")).body
        assert 1 <= len(page["entries"]) < 12
        assert page["more"]
        assert page["entries"][-1]["seq"] == 12

    @gen_test
    async def test_a_room_nobody_has_made(self) -> None:
        """404 not_found, and looking makes no room and costs no memory."""
        registry = self.chat.registry

        def sizes() -> int:
            return sum(
                len(value) for value in vars(registry.in_memory).values() if isinstance(value, dict | set | list)
            )

        before = sizes()
        for n in range(20):
            answer = await self.page(f"none-{n}")
            assert (answer.status, answer.code) == (404, "not_found")
        assert self.stored()["rooms"] == []
        await until(lambda: sizes() == before)

    @gen_test
    async def test_wrong_bounds_of_a_page(self) -> None:
        """Numbers that are none, or negative, are bad requests."""
        await self.send("a", "hi", token=self.token("ann"))
        for query in ({"limit": -1}, {"limit": 0}, {"limit": "x"}, {"before": 0}, {"before": -5}, {"before": "9" * 30}):
            answer = await self.page("a", **query)
            assert (answer.status, answer.code) == (400, "bad_request"), query

    @gen_test
    async def test_only_senders_see_their_keys(self) -> None:
        """A page has the key of one's own messages alone."""
        ann, bob = self.token("ann"), self.token("bob")
        await self.send("a", "hi", token=ann)
        assert "key" in (await self.page("a", token=ann)).body["entries"][0]
        assert "key" not in (await self.page("a", token=bob)).body["entries"][0]
        assert "key" not in (await self.page("a")).body["entries"][0]


class AwayTest(ChatTestCase):
    settings: ClassVar = {"mongo_timeout": SHORT_TIMEOUT, "send_timeout": SHORT_TIMEOUT + 1}

    @gen_test
    async def test_everything_is_unavailable_while_mongodb_is_away(self) -> None:
        """503 with Retry-After for writing and reading, and the same key gets exactly one entry afterwards."""
        token, key = self.token("ann"), new_key()
        await self.send("a", "one", token=token)
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: self.call("POST", "/api/rooms/a/messages", {"text": "two", "key": key}, token=token),
            lambda: self.page("b"),
            lambda: self.call("POST", "/api/rooms", {"name": "b"}, token=token),
            lambda: self.command("a", token=token, type="edit", target=1, text="x", key=new_key()),
        ]
        with ExpectLog("parley.commit", "a batch of [12] was not stored"):
            with self.mongod.stalled():
                assert (await self.page("a")).status == 200, "what memory holds is served"
                for answer in await asyncio.gather(*(call() for call in calls)):
                    assert (answer.status, answer.code) == (503, "unavailable")
                    assert int(answer.headers["Retry-After"]) >= 1
            for _ in range(100):
                answer = await calls[0]()
                if answer.status != 503:
                    break
        assert answer.body["seq"] == 2
        assert [entry["text"] for entry in (await self.page("a")).body["entries"]] == ["one", "two"]
