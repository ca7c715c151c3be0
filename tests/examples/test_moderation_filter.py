"""The example of a moderation filter, as a server that loads it behaves."""

from tornado.testing import gen_test

from chat.events import Binding
from chat.plugins import load
from tests.cases import ChatTestCase
from tests.rooms import new_key

LINKS = "http://a http://b http://c http://d"


class ModerationFilterTest(ChatTestCase):
    def bindings(self) -> list[Binding]:
        return load(["examples.moderation_filter"])

    @gen_test
    async def test_mends_what_can_be_mended(self) -> None:
        """Bad words are starred and shouting is lowered; rooms for anything are left alone, as are other kinds."""
        ann = await self.socket("ann", room="a")
        await ann.ask(type="subscribe", room="anything-goes")
        said = {"well, heck!": "well, ****!", "WHY DOES NOBODY ANSWER ME": "Why does nobody answer me", "OK": "OK"}
        for text, heard in said.items():
            await ann.say(type="send", room="a", key=new_key(), text=text)
            assert (await ann.hear("message"))["text"] == heard
        await ann.say(type="send", room="anything-goes", key=new_key(), text="heck")
        assert (await ann.hear("message"))["text"] == "heck"
        await ann.say(type="send", room="a", key=new_key(), kind="note", data={"heck": 1})
        assert (await ann.hear("message"))["data"] == {"heck": 1}

    @gen_test
    async def test_three_strikes(self) -> None:
        """Too many links are refused; after the third time in a row one has to wait, whatever one says."""
        ann = await self.socket("ann")
        for _ in range(3):
            answer = await ann.ask(type="send", room="a", key=new_key(), text=LINKS)
            assert (answer["code"], answer["reason"]) == ("forbidden", "At most 3 links in one message, please.")
        answer = await ann.ask(type="send", room="a", key=new_key(), text="sorry")
        assert answer["code"] == "rate_limited"
        assert 0 < answer["retry_after"] <= 30
        bob = await self.socket("bob")
        assert (await bob.ask(type="send", room="a", key=new_key(), text="hi"))["type"] == "ack"
