"""What happens side by side: one's changes keep their order, and each is decided by what the log is by then."""

import asyncio
from typing import Any, ClassVar

from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.clients import SocketClient
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


class SideBySideCase(ChatTestCase):
    async def acks(self, client: SocketClient, count: int) -> list[int]:
        return [(await client.hear("ack"))["seq"] for _ in range(count)]

    async def under_way(self, count: int) -> None:
        """Returns when so many changes are not answered yet."""
        await until(lambda: len(self.chat.commit) == count)

    def hold_inserts(self) -> asyncio.Event:
        """Nothing is stored until the event that it gives is set."""
        insert, go_on = self.chat.history.insert, asyncio.Event()

        async def held(entries: Any) -> None:
            await go_on.wait()
            await insert(entries)

        replace_methods(self.chat.history, insert=held)
        return go_on


class OrderTest(SideBySideCase):
    @gen_test
    async def test_edits_of_one_socket(self) -> None:
        """Sent without waiting for answers, the last one stands."""
        client = await self.socket("ann", room="a")
        await client.ask(type="send", room="a", key=new_key(), text="one")
        for turn in range(20):
            for part in range(10):
                await client.say(type="edit", room="a", key=new_key(), target=1, text=f"{turn}/{part}")
            assert await self.acks(client, 10) == list(range(2 + turn * 10, 12 + turn * 10))
            assert (await self.page("a")).body["entries"][0]["text"] == f"{turn}/9"

    @gen_test
    async def test_a_reaction_taken_back_at_once(self) -> None:
        """It is not there."""
        client = await self.socket("ann", room="a")
        await client.ask(type="send", room="a", key=new_key(), text="one")
        for _ in range(30):
            for on in (True, False):
                await client.say(type="react", room="a", key=new_key(), target=1, emoji="👍", on=on)
            await self.acks(client, 2)
            assert "reactions" not in (await self.page("a")).body["entries"][0]

    @gen_test
    async def test_messages_and_changes(self) -> None:
        """A message after an edit is stored after it, and an edit after a message too."""
        client = await self.socket("ann", room="a")
        await client.ask(type="send", room="a", key=new_key(), text="one")
        for _ in range(10):
            await client.say(type="edit", room="a", key=new_key(), target=1, text="two")
            await client.say(type="send", room="a", key=new_key(), text="three")
        await self.acks(client, 20)
        stored = sorted(self.stored()["entries"], key=lambda entry: entry["seq"])
        assert [entry["type"] for entry in stored[1:]] == ["edit", "message"] * 10


class BesideTest(SideBySideCase):
    @gen_test
    async def test_an_edit_behind_a_deletion(self) -> None:
        """It is refused when the deletion is stored, and its text was shown to nobody."""
        token, bob = self.token("ann"), await self.socket("bob", room="a")
        await self.send("a", "secret one", token=token)
        go_on = self.hold_inserts()
        deletion = asyncio.create_task(self.command("a", token=token, type="delete", target=1, key=new_key()))
        await until(self.chat.commit._storing.locked)
        edit = {"type": "edit", "target": 1, "text": "secret two", "key": new_key()}
        editing = asyncio.create_task(self.command("a", token=token, **edit))
        await self.under_way(2)
        go_on.set()
        assert ((await deletion).status, (await editing).status, (await editing).code) == (200, 404, "not_found")
        await self.send("a", "more", token=token)
        assert [(await bob.hear("delete", "edit", "message"))["type"] for _ in range(3)][1:] == ["delete", "message"]
        assert "secret" not in str(self.stored())

    @gen_test
    async def test_an_edit_and_a_deletion_in_one_batch(self) -> None:
        """The one that comes first is stored first; an edit that comes second is refused."""
        token, other = self.token("ann"), self.token("bob")
        for turn in range(6):
            target = await self.send("a", "secret one", token=token)
            go_on = self.hold_inserts()
            waiting = asyncio.create_task(self.send("a", "before", token=other))
            await until(self.chat.commit._storing.locked)
            acts: list[dict[str, Any]] = [{"type": "delete"}, {"type": "edit", "text": "secret two"}]
            doing = []
            for act in acts if turn % 2 else reversed(acts):
                doing.append(asyncio.create_task(self.command("a", token=token, target=target, key=new_key(), **act)))
                await self.under_way(1 + len(doing))
            go_on.set()
            await waiting
            assert [(await each).status for each in doing] == ([200, 404] if turn % 2 else [200, 200])
            assert "secret" not in str(self.stored())


class ForgetfulTest(SideBySideCase):
    settings: ClassVar = {"recent": 2}

    @gen_test
    async def test_an_edit_beside_a_deletion(self) -> None:
        """Of a message that is out of memory, one leaves no text either."""
        token = self.token("ann")
        for turn in range(10):
            target = await self.send("a", "secret one", token=token)
            for _ in range(3):
                await self.send("a", "more", token=token)
            deletion = self.command("a", token=token, type="delete", target=target, key=new_key())
            edit = self.command("a", token=token, type="edit", target=target, text="secret two", key=new_key())
            await asyncio.gather(*((deletion, edit) if turn % 2 else (edit, deletion)))
            assert "secret" not in str(self.stored())

    @gen_test
    async def test_a_deletion_while_the_message_is_looked_up(self) -> None:
        """What was read of the log is brought up to what has been stored meanwhile."""
        token = self.token("ann")
        target = await self.send("a", "secret one", token=token)
        for _ in range(3):
            await self.send("a", "more", token=token)
        look, looked, go_on = self.chat.history.message, asyncio.Event(), asyncio.Event()

        async def late(*given: Any) -> Any:
            found = await look(*given)
            looked.set()
            await go_on.wait()
            return found

        replace_methods(self.chat.history, message=late)
        edit = {"type": "edit", "target": target, "text": "secret two", "key": new_key()}
        editing = asyncio.create_task(self.command("a", token=token, **edit))
        await looked.wait()
        replace_methods(self.chat.history, message=look)
        assert (await self.command("a", token=token, type="delete", target=target, key=new_key())).status == 200
        go_on.set()
        assert (await editing).status == 404
        assert "secret" not in str(self.stored())


class ReactionLimitTest(SideBySideCase):
    settings: ClassVar = {"reaction_limit": 3}

    @gen_test
    async def test_many_at_once(self) -> None:
        """No more than a message holds are stored, and no fewer."""
        client = await self.socket("ann", room="a")
        await client.ask(type="send", room="a", key=new_key(), text="one")
        for n in range(20):
            await client.say(type="react", room="a", key=new_key(), target=1, emoji=f"e{n}", on=True)
        told = [(await client.hear("ack", "error"))["type"] for _ in range(20)]
        assert sorted(told) == ["ack"] * 3 + ["error"] * 17
        assert sorted((await self.page("a")).body["entries"][0]["reactions"]) == ["e0", "e1", "e2"]


class DoubtTest(SideBySideCase):
    settings: ClassVar = {"send_timeout": 1}

    @gen_test
    async def test_a_deletion_in_doubt_leaves_no_text(self) -> None:
        """Its sender is told `unavailable` and goes; it is stored a moment later, and the text goes too."""
        token = self.token("ann")
        await self.send("a", "secret one", token=token)
        go_on = self.hold_inserts()
        answer = await self.command("a", token=token, type="delete", target=1, key=new_key())
        assert (answer.status, answer.code) == (503, "unavailable")
        go_on.set()
        await until(lambda: "secret" not in str(self.stored()))
        assert (await self.page("a")).body["entries"][0]["deleted"]


class CrashTest(ChatTestCase):
    @gen_test
    async def test_what_a_crash_has_left_is_done_by_the_next_start(self) -> None:
        """A deletion that is stored, and nothing after it, takes the text away as soon as a server starts."""
        token = self.token("ann")
        await self.send("a", "secret one", token=token)

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        replace_methods(self.chat.history, redact=never)
        deleting = asyncio.create_task(self.command("a", token=token, type="delete", target=1, key=new_key()))
        await until(lambda: len(self.stored()["entries"]) == 2)
        assert "secret" in str(self.stored())
        await self.chat.redaction.stop()
        del self.chat.history.redact
        await self.chat.redaction.prepare()
        await until(lambda: not any("undone" in entry for entry in self.stored()["entries"]))
        assert "secret" not in str(self.stored())
        await deleting
