"""A change is answered in time, however many looks into the store it takes, and whatever they wait for."""

import asyncio
import time
from typing import Any, ClassVar

from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.rooms import new_key
from tests.waiting import until


class InTimeTest(ChatTestCase):
    settings: ClassVar = {"send_timeout": 1}

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
        await self.send("a", "one", token=token)
        line = await self.socket(room="a", token=token)
        go_on = self.hang("entry_of")
        edit = {"type": "edit", "room": "a", "key": new_key(), "target": 1, "text": "won"}
        begun = time.monotonic()
        await line.say(**edit)
        refused = await line.hear("error")
        assert (refused["code"], refused["key"]) == ("unavailable", edit["key"])
        assert refused["retry_after"] > 0
        posted = await self.command("a", token=token, type="edit", key=new_key(), target=1, text="won")
        assert (posted.status, posted.code) == (503, "unavailable")
        assert time.monotonic() - begun < 10
        await line.say(type="send", room="a", key=new_key(), text="two")
        assert (await line.hear("ack"))["seq"] == 2
        go_on.set()
        await line.say(**edit)
        assert (await line.hear("ack"))["seq"] == 3

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
