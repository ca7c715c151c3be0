"""The example of a bot that answers, on a whole server, with a token as its maker gets it."""

import asyncio
import re

from tornado.testing import gen_test

from examples.answering_bot import answer_to, run
from tests.cases import ChatTestCase
from tests.rooms import new_key
from tests.waiting import until


class AnsweringBotTest(ChatTestCase):
    @gen_test
    async def test_answers(self) -> None:
        """What is for it is answered, and nothing else; least of all what it says itself."""
        maker = await self.account("ann")
        wanted = {"name": "Dicey", "rooms": ["lobby"], "write": True}
        bob = await self.socket("bob", room="lobby")
        token = (await self.call("POST", "/api/account/tokens", wanted, token=maker)).body["token"]
        bot = asyncio.create_task(run(self.get_url(""), "lobby", token))
        await until(lambda: self.waiters_in("lobby") == 2 or bot.done())
        for text in ("hello", "!roll 2d6", "!what"):
            await bob.say(type="send", room="lobby", key=new_key(), text=text)
        heard = [await bob.hear("message") for _ in range(5)]
        answers = [message["text"] for message in heard if message["user"]["name"] == "Dicey"]
        assert re.fullmatch(r"[1-6] \+ [1-6] = \d+", answers[0])
        assert answers[1:] == ["I know !time, !roll 2d6 and !help."]
        bot.cancel()
        await asyncio.gather(bot, return_exceptions=True)

    def test_what_it_knows(self) -> None:
        """Dice without sides or in hundreds are none."""
        assert re.fullmatch(r"It is \d\d:\d\d UTC\.", answer_to("!time") or "")
        assert answer_to("hello !time") is None
        for text in ("!roll 0d6", "!roll 2d0", "!roll 100d6", "!help"):
            assert (answer_to(text) or "").startswith("I know")
