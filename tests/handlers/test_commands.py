"""/api/rooms/<room>/commands: edits, deletions, reactions, and what passes, with single requests."""

import asyncio
from typing import ClassVar

from tornado.testing import ExpectLog, gen_test

from chat.errors import Unavailable
from tests.cases import ChatTestCase
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


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
        """The deletion stands and nobody is shown the text, though MongoDB went before it was removed; it is removed
        when it has come back."""
        token, redact = self.token("ann"), self.chat.history.redact
        await self.send("a", "secret", token=token)

        async def away(*_: object) -> None:
            raise Unavailable("away")

        replace_methods(self.chat.history, redact=away)
        with ExpectLog("parley.redaction", "the text of a/1 could not be removed yet"):
            answer = await self.command("a", token=token, type="delete", target=1, key=new_key())
        assert answer.status == 200
        for _ in range(3):
            await self.send("a", "more", token=token)
        assert "secret" not in str((await self.page("a")).body)
        assert "secret" not in str((await self.poll("a", token=token, after=0)).body)
        replace_methods(self.chat.history, redact=redact)
        await until(lambda: "secret" not in str(self.stored()))
