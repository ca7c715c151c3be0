"""A change is answered in time, however many looks into the store it takes, and whatever they wait for."""

import asyncio
import time
from typing import Any, ClassVar

from tornado.testing import gen_test

from chat.errors import Unavailable
from tests.cases import ChatTestCase
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


class InTimeTest(ChatTestCase):
    settings: ClassVar = {"send_timeout": 1, "recent": 2}

    def hang(self, name: str) -> asyncio.Event:
        """Has a call of the history wait for an event that it gives."""
        original, go_on = getattr(self.chat.history, name), asyncio.Event()

        async def slow(*given: Any) -> Any:
            await go_on.wait()
            return await original(*given)

        setattr(self.chat.history, name, slow)
        return go_on

    @gen_test
    async def test_an_edit_is_told_that_it_has_to_wait(self) -> None:
        """Over both ways, with a time to wait; a message after it goes its way, and so does the edit said again."""
        token = self.token("ann")
        for text in ("one", "two", "three"):
            await self.send("a", text, token=token)
        line = await self.socket(room="a", token=token)
        go_on = self.hang("message")
        edit = {"type": "edit", "room": "a", "key": new_key(), "target": 1, "text": "won"}
        begun = time.monotonic()
        await line.say(**edit)
        refused = await line.hear("error")
        assert (refused["code"], refused["key"]) == ("unavailable", edit["key"])
        assert refused["retry_after"] > 0
        posted = await self.command("a", token=token, type="edit", key=new_key(), target=1, text="won")
        assert (posted.status, posted.code) == (503, "unavailable")
        assert time.monotonic() - begun < 10
        await line.say(type="send", room="a", key=new_key(), text="four")
        assert (await line.hear("ack"))["seq"] == 4
        go_on.set()
        await line.say(**edit)
        assert (await line.hear("ack"))["seq"] == 5

    @gen_test
    async def test_what_is_asked_in_order_is_answered_in_order(self) -> None:
        """Though one room has to be looked for and the other is there."""
        token = self.token("ann")
        for room in ("asleep", "awake"):
            await self.send(room, "hi", token=token)
        self.chat.registry.in_memory.drop("asleep")
        find, go_on = self.chat.history.rooms.find, asyncio.Event()

        async def slow(key: str) -> Any:
            await go_on.wait()
            return await find(key)

        replace_methods(self.chat.history.rooms, find=slow)
        client = await self.socket(token=token)
        for number, (act, room) in enumerate(
            [("subscribe", "asleep"), ("subscribe", "awake"), ("unsubscribe", "ASLEEP"), ("subscribe", "asleep")]
        ):
            await client.say(type=act, room=room, id=number)
        await client.say(type="ping")
        await client.hear("pong")
        go_on.set()
        replies = [await client.hear("subscribed", "unsubscribed", "error") for _ in range(4)]
        assert [(reply["id"], reply["changed"]) for reply in replies] == [(n, True) for n in range(4)]

    @gen_test
    async def test_many_subscriptions_are_told_together(self) -> None:
        """Rooms that cannot be read are refused at the same time, not one after the other, also the same one again."""
        token = self.token("ann")
        for room in "abcd":
            await self.send(room, "hi", token=token)
            self.chat.registry.in_memory.drop(room)
        newest = self.chat.history.newest

        async def away(*given: Any) -> Any:
            await asyncio.sleep(1)
            raise Unavailable("away", retry_after=1)

        replace_methods(self.chat.history, newest=away)
        client = await self.socket(token=token)
        begun = time.monotonic()
        for room in "abcda":
            await client.say(type="subscribe", room=room)
        refused = [await client.hear("error") for _ in range(5)]
        assert time.monotonic() - begun < 3
        assert {error["code"] for error in refused} == {"unavailable"}
        assert all(error["retry_after"] > 0 for error in refused)
        replace_methods(self.chat.history, newest=newest)
        assert (await client.ask(type="subscribe", room="a"))["seq"] == 1

    @gen_test
    async def test_a_new_room_is_told_that_it_has_to_wait(self) -> None:
        """However many looks it takes to make one."""
        token = await self.account("olga")
        make, go_on = self.chat.registry.make, asyncio.Event()

        async def slow(*given: Any) -> Any:
            await go_on.wait()
            return await make(*given)

        replace_methods(self.chat.registry, make=slow)
        answer = await self.call("POST", "/api/rooms", {"name": "den"}, token=token)
        assert (answer.status, answer.code) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0

    @gen_test
    async def test_what_was_deleted_goes_though_nobody_waits(self) -> None:
        """The deletion counts from when it is stored; the text leaves the store as soon as it can."""
        token = self.token("ann")
        await self.send("a", "a secret", token=token)
        go_on = self.hang("redact")
        answer = await self.command("a", token=token, type="delete", key=new_key(), target=1)
        assert (answer.status, answer.code) == (503, "unavailable")
        assert self.stored()["entries"][0].get("text") == "a secret"
        go_on.set()
        await until(lambda: "text" not in self.stored()["entries"][0])
