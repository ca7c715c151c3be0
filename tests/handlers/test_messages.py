"""/api/rooms/<room>/messages and /commands: writing and reading with single requests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from tornado.testing import ExpectLog, gen_test

from chat.entries import Entry
from chat.errors import Unavailable
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


class CommandsTest(ChatTestCase):
    @gen_test
    async def test_every_change(self) -> None:
        """Each change is answered with the ack of the socket, its id included."""
        token = self.token("ann")
        for seq, fields in enumerate(
            (
                {"type": "send", "text": "hi"},
                {"type": "edit", "target": 1, "text": "better"},
                {"type": "react", "target": 1, "emoji": "👍"},
                {"type": "react", "target": 1, "emoji": "👍", "on": False},
                {"type": "delete", "target": 1},
            ),
            start=1,
        ):
            key = new_key()
            answer = await self.command("Lobby", token=token, key=key, id=f"i{seq}", **fields)
            assert answer.status == 200, answer
            assert answer.body.pop("at") > 0
            assert answer.body == {"type": "ack", "id": f"i{seq}", "key": key, "room": "Lobby", "seq": seq}

    @gen_test
    async def test_tells_what_passes(self) -> None:
        """`typing` and `read` are 204, and those in the room hear of them."""
        token, bob = self.token("ann"), await self.socket("bob", room="a")
        for fields in ({"type": "typing"}, {"type": "read", "seq": 0}):
            answer = await self.command("a", token=token, **fields)
            assert (answer.status, answer.body) == (204, b"")
            heard = await bob.hear(fields["type"])
            assert heard["user"]["name"] == "ann"

    @gen_test
    async def test_only_what_it_knows(self) -> None:
        """What belongs to a connection is refused, and nothing is made by it."""
        token = self.token("ann")
        for fields in ({"type": "subscribe"}, {"type": "unsubscribe"}, {"type": "ping"}, {"type": "none"}, {}):
            answer = await self.command("a", token=token, **fields)
            assert (answer.status, answer.code) == (400, "bad_request"), fields
        assert (await self.command("a", token="", type="typing")).status == 401
        assert self.stored()["rooms"] == []

    @gen_test
    async def test_changes_need_a_message(self) -> None:
        """A message that is not there, a deleted one, or another entry is not_found, and no room is made for it."""
        token = self.token("ann")
        for fields in (
            {"type": "edit", "target": 1, "text": "x"},
            {"type": "delete", "target": 1},
            {"type": "react", "target": 1, "emoji": "👍"},
        ):
            answer = await self.command("nowhere", token=token, key=new_key(), **fields)
            assert (answer.status, answer.code) == (404, "not_found")
        assert (await self.command("nowhere", token=token, type="typing")).status in (204, 404)
        assert self.stored()["rooms"] == []
        await self.send("a", "hi", token=token)
        await self.command("a", token=token, type="react", target=1, emoji="👍", key=new_key())
        for target in (0, 2, 99):
            answer = await self.command("a", token=token, type="delete", target=target, key=new_key())
            assert (answer.status, answer.code) == (404, "not_found"), target
        await self.command("a", token=token, type="delete", target=1, key=new_key())
        answer = await self.command("a", token=token, type="edit", target=1, text="back", key=new_key())
        assert answer.code == "not_found"

    @gen_test
    async def test_one_changes_only_ones_own(self) -> None:
        """Editing and deleting another's message is forbidden; reacting to it is not; data cannot be edited."""
        ann, bob = self.token("ann"), self.token("bob")
        await self.send("a", "ann's", token=ann)
        for fields in ({"type": "edit", "text": "x"}, {"type": "delete"}):
            answer = await self.command("a", token=bob, target=1, key=new_key(), **fields)
            assert (answer.status, answer.code) == (403, "forbidden")
        assert (await self.command("a", token=bob, type="react", target=1, emoji="👍", key=new_key())).status == 200
        await self.command("a", token=ann, type="send", kind="x", data={}, key=new_key())
        answer = await self.command("a", token=ann, type="edit", target=3, text="x", key=new_key())
        assert (answer.status, answer.code) == (400, "bad_request")

    @gen_test
    async def test_a_deleted_text_is_gone(self) -> None:
        """It is neither in the log nor in memory any more, nor are its edits."""
        token = self.token("ann")
        await self.send("a", "secret one", token=token)
        await self.command("a", token=token, type="edit", target=1, text="secret two", key=new_key())
        assert "secret" in str(self.stored())
        assert (await self.command("a", token=token, type="delete", target=1, key=new_key())).status == 200
        assert "secret" not in str(self.stored())
        poll = await self.poll("a", token=token, after=0)
        assert [entry["type"] for entry in poll.body["rooms"]["a"]["entries"]] == ["message", "edit", "delete"]
        assert "secret" not in str(poll.body)

    @gen_test
    async def test_an_edit_beside_a_deletion_leaves_no_text(self) -> None:
        """An edit and a deletion under way together leave no text in the store, whichever is stored first."""
        token = self.token("ann")
        for turn in range(10):
            target = await self.send("a", "secret one", token=token)
            deletion = self.command("a", token=token, type="delete", target=target, key=new_key())
            edit = self.command("a", token=token, type="edit", target=target, text="secret two", key=new_key())
            found = await asyncio.gather(*((deletion, edit) if turn % 2 else (edit, deletion)))
            statuses = [answer.status for answer in (found if turn % 2 else reversed(found))]
            assert statuses in ([200, 200], [200, 404])  # an edit that is looked at late finds it deleted
            assert "secret" not in str(self.stored())

    @gen_test
    async def test_a_known_key_deletes_nothing(self) -> None:
        """A `delete` with the key of a reaction is answered with the reaction and takes no text away."""
        ann, bob, key = self.token("ann"), self.token("bob"), new_key()
        await self.send("a", "ann's words", token=ann)
        await self.command("a", token=bob, type="react", target=1, emoji="👍", key=key)
        answer = await self.command("a", token=bob, type="delete", target=1, key=key)
        assert (answer.status, answer.body["seq"]) == (200, 2)
        assert "ann's words" in str(self.stored()["entries"])
        assert (await self.page("a")).body["entries"][0]["text"] == "ann's words"

    @gen_test
    async def test_a_repeated_key_after_its_target_is_gone(self) -> None:
        """An edit that was stored is acknowledged again with its entry, though the message is deleted by now."""
        token, key = self.token("ann"), new_key()
        await self.send("a", "one", token=token)
        first = await self.command("a", token=token, type="edit", target=1, text="two", key=key)
        await self.command("a", token=token, type="delete", target=1, key=new_key())
        again = await self.command("a", token=token, type="edit", target=1, text="two", key=key)
        assert (again.status, again.body) == (200, first.body)


class FewReactionsTest(ChatTestCase):
    settings: ClassVar = {"reaction_limit": 2}

    @gen_test
    async def test_reactions_are_bounded(self) -> None:
        """A message holds so many reactions; taking one back makes room."""
        token = self.token("ann")
        await self.send("a", "hi", token=token)

        async def react(emoji: str, on: bool = True) -> int:
            return (
                await self.command("a", token=token, type="react", target=1, emoji=emoji, on=on, key=new_key())
            ).status

        assert [await react("👍"), await react("🎉"), await react("❤️")] == [200, 200, 400]
        assert await react("👍", on=False) == 200
        assert await react("❤️") == 200


class ForgetfulTest(ChatTestCase):
    """A room that remembers two entries: the log has to be asked for the rest."""

    settings: ClassVar = {"recent": 2}

    @gen_test
    async def test_changes_reach_messages_out_of_memory(self) -> None:
        """A message that memory has forgotten can be edited, reacted to and deleted."""
        token = self.token("ann")
        for n in range(5):
            await self.send("a", f"text {n}", token=token)
        assert (await self.command("a", token=token, type="edit", target=1, text="new", key=new_key())).status == 200
        assert (await self.command("a", token=token, type="react", target=2, emoji="x", key=new_key())).status == 200
        assert (await self.command("a", token=token, type="delete", target=3, key=new_key())).status == 200
        answer = await self.command("a", token=self.token("bob"), type="delete", target=1, key=new_key())
        assert answer.status == 403
        entries = (await self.page("a")).body["entries"]
        assert [entry.get("text") for entry in entries] == ["new", "text 1", None, "text 3", "text 4"]

    @gen_test
    async def test_a_key_out_of_memory_is_known(self) -> None:
        """A repeated key is answered with its entry however long ago it was."""
        token, key = self.token("ann"), new_key()
        first = await self.send("a", "one", token=token, key=key)
        for _ in range(5):
            await self.send("a", "more", token=token)
        answer = await self.call("POST", "/api/rooms/a/messages", {"text": "one", "key": key}, token=token)
        assert (answer.status, answer.body["seq"]) == (200, first)

    @gen_test
    async def test_an_edits_key_out_of_memory_is_known(self) -> None:
        """An edit sent again long after is acknowledged with its entry, though its message is deleted by now."""
        token, key = self.token("ann"), new_key()
        await self.send("a", "one", token=token)
        first = await self.command("a", token=token, type="edit", target=1, text="two", key=key)
        await self.command("a", token=token, type="delete", target=1, key=new_key())
        for _ in range(3):
            await self.send("a", "more", token=token)
        again = await self.command("a", token=token, type="edit", target=1, text="two", key=key)
        assert (again.status, again.body) == (200, first.body)

    @gen_test
    async def test_a_text_that_cannot_be_removed_just_now(self) -> None:
        """The deletion stands and nobody is shown the text, though MongoDB went before it was removed."""
        token = self.token("ann")
        await self.send("a", "secret", token=token)

        async def away(*_: object) -> None:
            raise Unavailable("away")

        replace_methods(self.chat.history, redact=away)
        with ExpectLog("parley.changes", "the text of a/1 could not be removed"):
            answer = await self.command("a", token=token, type="delete", target=1, key=new_key())
        assert answer.status == 200
        for _ in range(3):
            await self.send("a", "more", token=token)
        assert "secret" not in str((await self.page("a")).body)
        assert "secret" not in str((await self.poll("a", token=token, after=0)).body)


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
        with ExpectLog("parley.commit", "a batch of 1 was not stored"):
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
