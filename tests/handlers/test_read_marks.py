"""Marks of reading: how far somebody has come, over every way."""

import msgspec
from tornado.testing import gen_test

from chat.entries import Entry
from tests.cases import ChatTestCase
from tests.rooms import new_key


class ReadMarksTest(ChatTestCase):
    @gen_test
    async def test_nobody_has_read_what_is_not_there(self) -> None:
        """A mark beyond the log's end is a bad request, of which the others hear nothing; one at the end is told."""
        ann, bob = await self.socket("ann", room="a"), await self.socket("bob", room="a")
        await ann.ask(type="send", room="a", key=new_key(), text="hi")
        for seq in (2, 2**53 - 1):
            assert (await bob.ask(type="read", room="a", seq=seq))["code"] == "bad_request"
        await bob.say(type="read", room="a", seq=1)
        assert (await ann.hear("read"))["seq"] == 1
        assert [mark["seq"] for mark in ann.told("read")] == [1]

    @gen_test
    async def test_a_mark_of_what_has_been_stored_elsewhere(self) -> None:
        """What another process has stored, and this one has not heard of yet, may have been read."""
        ann, bob = await self.socket("ann", room="a"), await self.socket("bob", room="a")
        await ann.ask(type="send", room="a", key=new_key(), text="hi")
        entry = (await ann.hear("message")) | {"seq": 2, "key": new_key()}
        await self.chat.history.insert([("a", msgspec.convert(entry, Entry, strict=False))])
        await bob.say(type="read", room="a", seq=2)
        assert (await ann.hear("read"))["seq"] == 2
        assert ann.told("message")[-1]["seq"] == 2

    @gen_test
    async def test_nor_by_a_request(self) -> None:
        """A mark beyond the log's end is a bad request, of which nobody hears."""
        token, bob = self.token("ann"), await self.socket("bob", room="a")
        await self.send("a", "hi", token=token)
        answer = await self.command("a", token=token, type="read", seq=2)
        assert (answer.status, answer.code) == (400, "bad_request")
        assert (await self.command("a", token=token, type="read", seq=1)).status == 204
        assert [(await bob.hear("read"))["seq"], len(bob.told("read"))] == [1, 1]
