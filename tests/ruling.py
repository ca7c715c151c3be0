"""The cases of the tests of moderation: everybody who may be in a room, and a room with them."""

import asyncio
import time
from typing import Any, ClassVar

from chat.policy import Kind, Member, Policy
from chat.room import Room
from tests.cases import Answer, ChatTestCase
from tests.clients import StreamClient
from tests.rooms import new_key
from tests.waiting import SOON


class PeopleCase(ChatTestCase):
    """Ann, mod and dan have accounts, root is an administrator, others are guests."""

    async def gather(self, *guests: str) -> dict[str, Member]:
        """From now on they have `tokens` and `ids`. Returns who is to rule a room: ann owns it, mod moderates it."""
        self.tokens = {name: await self.account(name) for name in ("ann", "mod", "dan")}
        self.tokens |= {name: self.token(name) for name in guests}
        self.tokens["root"] = await self.account("root", admin=True)
        self.ids = {}
        for name, token in self.tokens.items():
            self.ids[name] = (await self.call("GET", "/api/session", token=token)).body["user"]["id"]
        return {self.ids["ann"]: Member("ann", "owner"), self.ids["mod"]: Member("mod", "moderator")}


class RulingCase(PeopleCase):
    """Ann owns the room, mod moderates it, bob and cid are guests."""

    settings: ClassVar[dict[str, Any]] = {"kick_time": 1.5}

    async def begin(self, access: Kind = "open", **rules: Any) -> Room:
        """Makes the room `den`."""
        members = await self.gather("bob", "cid")
        if access != "open":
            members |= {self.ids[name]: Member(name) for name in ("bob", "cid", "dan")}
        return await self.chat.registry.make("den", None, Policy(access=access, members=members, **rules))

    async def rule(self, by: str, act: str, who: str = "", **fields: Any) -> Answer:
        body = {"act": act} | ({"who": self.ids.get(who, who)} if who else {}) | fields
        return await self.call("POST", "/api/rooms/den/moderation", body, token=self.tokens[by])

    async def facts(self, by: str = "mod") -> dict[str, Any]:
        answer = await self.call("GET", "/api/rooms/den/moderation", token=self.tokens[by])
        assert answer.status == 200, answer
        return dict(answer.body)

    async def try_to_send(self, who: str, text: str = "hi") -> Answer:
        body = {"text": text, "key": new_key()}
        return await self.call("POST", "/api/rooms/den/messages", body, token=self.tokens[who])

    async def everywhere(self, who: str) -> tuple[Any, "asyncio.Task[Answer]", StreamClient]:
        """Somebody in the room over each transport: a socket, a waiting poll, an event stream."""
        token = self.tokens[who]
        client = await self.socket(token=token, room="den")
        stream = await self.stream("den", token=token)
        await stream.hear("subscribed")
        after = (await self.page("den", token=token)).body["seq"]
        poll = await self.waiting_poll("den", token=token, after=after)
        return client, poll, stream

    async def are_out(self, client: Any, poll: "asyncio.Task[Answer]", stream: StreamClient, word: str) -> None:
        """All three are told that they may not be there any more, within a second."""
        began = time.monotonic()
        assert await client.closed() == 4403
        assert client.told("error")[-1]["code"] == "forbidden"
        assert word in client.told("error")[-1]["reason"]
        answer = await poll
        assert (answer.status, answer.code) == (403, "forbidden")
        assert word in answer.reason
        assert (await stream.hear("error"))["code"] == "forbidden"
        await stream.ended()
        assert time.monotonic() - began < SOON

    async def refused(self, who: str, word: str) -> None:
        """No transport lets them in."""
        token = self.tokens[who]
        answers = [
            await self.poll("den", token=token, after=0),
            await self.call("GET", "/api/stream?room=den", token=token),
            await self.page("den", token=token),
            await self.try_to_send(who),
        ]
        for answer in answers:
            assert answer.status in (403, 404), answer
            assert word in answer.reason
        client = await self.raw_socket("/ws/den", token=token)
        error = await client.hear("error")
        assert word in error["reason"]
        if error["code"] == "forbidden":
            assert await client.closed() == 4403
