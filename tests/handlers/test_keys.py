"""The same key is the same change: a copy is answered with the entry of the first, whoever would refuse it by now."""

import asyncio
from typing import Any, ClassVar

from tornado.testing import ExpectLog, gen_test

from chat.errors import Forbidden, Unavailable
from chat.events import Binding, Client, bindings_in, on_message
from chat.protocol import Send
from tests.cases import Answer, ChatTestCase
from tests.handlers.test_board import BoardCase, stroke
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


class KeyCase(ChatTestCase):
    async def room(self, **rules: Any) -> tuple[str, str]:
        """The tokens of the owner of a room with these rules, and of a guest."""
        owner, ann = await self.account("owner"), self.token("ann")
        assert (await self.call("POST", "/api/rooms", {"name": "a"}, token=owner)).status == 201
        if rules:
            await self.rule(owner, **rules)
        return owner, ann

    async def rule(self, owner: str, **rules: Any) -> None:
        assert (await self.call("PATCH", "/api/rooms/a", rules, token=owner)).status == 200

    async def say(self, token: str, key: str) -> Answer:
        return await self.call("POST", "/api/rooms/a/messages", {"text": "hi", "key": key}, token=token)

    async def say_while_held(self, token: str, key: str) -> tuple["asyncio.Task[Answer]", asyncio.Event]:
        """A message that is being stored until the event is set."""
        insert, go_on = self.chat.history.insert, asyncio.Event()

        async def held(entries: Any) -> None:
            await go_on.wait()
            await insert(entries)

        replace_methods(self.chat.history, insert=held)
        saying = asyncio.create_task(self.say(token, key))
        await until(self.chat.commit._storing.locked)
        return saying, go_on


class RulesTest(KeyCase):
    @gen_test
    async def test_a_copy_in_slow_mode(self) -> None:
        """It waits for nothing while the first is being stored; another message does."""
        _, ann = await self.room(slow=3600)
        key = new_key()
        first, go_on = await self.say_while_held(ann, key)
        copy = asyncio.create_task(self.say(ann, key))
        assert (await self.say(ann, new_key())).code == "rate_limited"
        go_on.set()
        assert (await first).body == (await copy).body
        assert ((await first).status, (await copy).status, (await self.say(ann, key)).status) == (201, 200, 200)

    @gen_test
    async def test_again_in_slow_mode_after_a_failure(self) -> None:
        """What was not stored may be sent again at once, with its key."""
        _, ann = await self.room(slow=3600)
        insert, key = self.chat.history.insert, new_key()

        async def away(entries: Any) -> None:
            raise Unavailable("away", retry_after=1)

        replace_methods(self.chat.history, insert=away)
        with ExpectLog("parley.commit", "a batch of 1 was not stored"):
            assert (await self.say(ann, key)).status == 503
        replace_methods(self.chat.history, insert=insert)
        assert (await self.say(ann, key)).status == 201
        assert (await self.say(ann, new_key())).status == 429

    @gen_test
    async def test_a_room_locked_meanwhile(self) -> None:
        """Over requests and sockets, while the first is being stored and after."""
        owner, ann = await self.room()
        key, client = new_key(), await self.socket(room="a", token=ann)
        first, go_on = await self.say_while_held(ann, key)
        await self.rule(owner, locked=True)
        copy = asyncio.create_task(self.say(ann, key))
        await client.say(type="send", room="a", key=key, text="hi")
        go_on.set()
        seq = (await first).body["seq"]
        assert ((await copy).body["seq"], (await client.hear("ack", "error")).get("seq")) == (seq, seq)
        assert (await self.say(ann, new_key())).code == "forbidden"

    @gen_test
    async def test_copies_of_a_removal_are_one_act(self) -> None:
        """The log of what moderators did has it once."""
        owner, ann = await self.room()
        await self.say(ann, new_key())
        fields = {"type": "delete", "target": 1, "key": new_key()}
        answers = await asyncio.gather(*(self.command("a", token=owner, **fields) for _ in range(3)))
        assert [answer.status for answer in answers] == [200] * 3
        acts = (await self.call("GET", "/api/rooms/a/moderation", token=owner)).body["acts"]
        assert [act["act"] for act in acts].count("remove") == 1

    @gen_test
    async def test_copies_of_a_deletion(self) -> None:
        """Ten at once, by requests and by a socket, are one entry and ten acknowledgements of it."""
        _, ann = await self.room()
        client = await self.socket(room="a", token=ann)
        for turn in range(5):
            target = await self.send("a", "one", token=ann)
            fields = {"type": "delete", "target": target, "key": new_key()}
            asking = [asyncio.create_task(self.command("a", token=ann, **fields)) for _ in range(5)]
            for _ in range(5):
                await client.say(room="a", **fields)
            told = [await client.hear("ack", "error") for _ in range(5)]
            found = {answer.body.get("seq") for answer in await asyncio.gather(*asking)}
            assert found | {each.get("seq") for each in told} == {2 + 2 * turn}


class ForgetfulTest(KeyCase):
    settings: ClassVar = {"recent": 2}

    @gen_test
    async def test_a_room_locked_since(self) -> None:
        """Who has stored something is told so however long ago it was, and nobody else is."""
        owner, ann = await self.room()
        key = new_key()
        seq = (await self.say(ann, key)).body["seq"]
        for _ in range(4):
            await self.send("a", "more", token=owner)
        await self.rule(owner, locked=True)
        assert ((await self.say(ann, key)).status, (await self.say(ann, key)).body["seq"]) == (200, seq)
        assert (await self.say(self.token("bob"), key)).status == 403
        client = await self.socket(room="a", token=ann)
        await client.say(type="send", room="a", key=key, text="hi")
        assert (await client.hear("ack", "error"))["seq"] == seq


class FullBoardTest(BoardCase):
    settings: ClassVar = {"board_size": 700}

    @gen_test
    async def test_the_last_stroke_again(self) -> None:
        """The one that has filled the board is acknowledged again."""
        ann, key = self.token("ann"), new_key()
        await self.draw("a", ann, stroke("one"))
        await self.board("a")
        fields = {"type": "send", "key": key, **stroke("two", points=20)}
        first = await self.command("a", token=ann, **fields)
        assert first.status == 200, first
        assert (await self.command("a", token=ann, **{**fields, "key": new_key()})).code == "too_large"
        again = await self.command("a", token=ann, **fields)
        assert (again.status, again.body) == (200, first.body)

    @gen_test
    async def test_many_at_once(self) -> None:
        """What is acknowledged is drawn, and what does not fit is refused."""
        ann = self.token("ann")
        await self.draw("a", ann, stroke("one"))
        await self.board("a")
        drawing = [self.command("a", token=ann, type="send", key=new_key(), **stroke(f"s{n}")) for n in range(12)]
        codes = [answer.status for answer in await asyncio.gather(*drawing)]
        assert set(codes) == {200, 413}
        assert len(await self.names("a")) == 1 + codes.count(200)


class PluginTest(KeyCase):
    def bindings(self) -> list[Binding]:
        heard: list[str] = []

        @on_message
        async def listen(client: Client, context: dict[str, Any], message: Send) -> None:
            if message.text in heard:
                raise Forbidden("Do not repeat yourself.")
            heard.append(message.text or "")
            await asyncio.sleep(0.02)

        return bindings_in({"listen": listen})

    @gen_test
    async def test_copies_are_one_message(self) -> None:
        """For plug-ins too, by requests and by one socket."""
        _, ann = await self.room()
        key = new_key()
        answers = await asyncio.gather(*(self.say(ann, key) for _ in range(3)))
        assert [answer.body for answer in answers] == [answers[0].body] * 3
        client = await self.socket(room="a", token=ann)
        for _ in range(2):
            await client.say(type="send", room="a", key=key, text="hi")
        assert [(await client.hear("ack", "error"))["type"] for _ in range(2)] == ["ack", "ack"]


class BannedMeanwhileTest(KeyCase):
    def bindings(self) -> list[Binding]:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

        @on_message
        async def listen(client: Client, context: dict[str, Any], message: Send) -> None:
            self.asked.set()
            await self.go_on.wait()

        return bindings_in({"listen": listen})

    @gen_test
    async def test_a_right_lost_while_plugins_are_asked(self) -> None:
        """Who is banned by then says nothing."""
        owner, ann = await self.room()
        me = (await self.call("GET", "/api/session", token=ann)).body["user"]["id"]
        saying = asyncio.create_task(self.say(ann, new_key()))
        await self.asked.wait()
        ban = await self.call("POST", "/api/rooms/a/moderation", {"act": "ban", "who": me}, token=owner)
        assert ban.status == 204, ban
        self.go_on.set()
        assert ((await saying).status, self.stored()["entries"]) == (403, [])
