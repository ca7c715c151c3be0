"""/metrics."""

import re

from tornado.testing import gen_test

from tests.cases import ChatTestCase


class MetricsTest(ChatTestCase):
    async def figure(self, name: str) -> float:
        answer = await self.call("GET", "/metrics")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        found = re.search(rf"^{re.escape(name)} (\S+)$", answer.body.decode(), re.MULTILINE)
        assert found is not None, name
        return float(found[1])

    @gen_test
    async def test_shows_what_happens(self) -> None:
        """Clients by transport, entries stored and delivered, rooms awake, and how long polls waited."""
        token = self.token("ann")
        await self.socket("bob", room="a")
        stream = await self.stream("a", name="cid")
        await stream.hear("subscribed")
        poll = await self.waiting_poll("a", token=token, after=0)
        for transport in ("websocket", "stream", "poll"):
            assert await self.figure(f'parley_clients{{transport="{transport}"}}') == 1
        assert await self.figure("parley_rooms_awake") == 1
        await self.send("a", "hi", token=token)
        await poll
        assert await self.figure("parley_entries_stored_total") == 1
        assert await self.figure("parley_entries_delivered_total") == 3
        assert await self.figure("parley_poll_wait_seconds_count") == 1
        assert await self.figure('parley_clients{transport="poll"}') == 0
        assert await self.figure("parley_commit_queue") == 0

    @gen_test
    async def test_counts_what_is_delivered_as_it_comes(self) -> None:
        """What a client catches up on when it comes, or is given by a poll at once, is no delivery, and the help says
        so."""
        token = self.token("ann")
        await self.socket("bob", room="a")
        await self.send("a", "hi", token=token)
        client = await self.socket("cid")
        assert len((await client.ask(type="subscribe", room="a", after=0))["entries"]) == 1
        assert len((await self.poll("a", token=token, after=0)).body["rooms"]["a"]["entries"]) == 1
        assert await self.figure("parley_entries_delivered_total") == 1
        assert "not what these caught up on" in (await self.call("GET", "/metrics")).body.decode()
