"""Chat roulette: pairs of strangers over every transport."""

import asyncio
import random
from typing import Any, ClassVar
from unittest import mock

from tornado.testing import gen_test

from chat import pairing
from chat.errors import Unavailable
from chat.room import Room
from tests.cases import ChatTestCase
from tests.clients import SocketClient
from tests.replacing import replace_methods
from tests.rooms import new_key
from tests.waiting import until


class PairCase(ChatTestCase):
    settings: ClassVar = {"pair_grace": 0.3, "pair_patience": 0.3}

    async def paired(self) -> tuple[SocketClient, SocketClient, str]:
        """Two people with a partner, in their room."""
        ann, bob = await self.socket("ann"), await self.socket("bob")
        await ann.say(type="pair")
        assert (await ann.hear("waiting"))["position"] == 1
        await bob.say(type="pair")
        rooms = {(await client.hear("paired"))["room"] for client in (ann, bob)}
        assert len(rooms) == 1
        room = rooms.pop()
        for client in (ann, bob):
            await client.ask(type="subscribe", room=room)
        return ann, bob, room


class PairingTest(PairCase):
    @gen_test
    async def test_two_strangers(self) -> None:
        """The first waits and is told where; the second is their partner; what they say reaches the two alone."""
        ann, bob, room = await self.paired()
        cid = await self.socket("cid")
        await ann.say(type="send", room=room, key=new_key(), text="hi")
        assert (await bob.hear("message"))["text"] == "hi"
        assert (await ann.hear("ack"))["seq"] == 1
        assert (await cid.ask(type="subscribe", room=room))["code"] == "not_found"
        assert (await cid.ask(type="send", room=room, key=new_key(), text="me too"))["code"] == "not_found"

    @gen_test
    async def test_nothing_is_stored(self) -> None:
        """What is said goes through the room's machinery, edits, reactions and pages too, and never to MongoDB."""
        ann, bob, room = await self.paired()
        await ann.say(type="send", room=room, key=new_key(), text="secret")
        await bob.hear("message")
        await ann.say(type="edit", room=room, key=new_key(), target=1, text="better")
        await bob.say(type="react", room=room, key=new_key(), target=1, emoji="👍")
        assert (await bob.hear("edit"))["text"] == "better"
        assert (await ann.hear("reaction"))["seq"] == 3
        again = await bob.ask(type="subscribe", room=room)
        assert [entry["text"] for entry in again["entries"]] == ["better"]
        resumed = await bob.ask(type="subscribe", room=room, after=1, epoch=again["epoch"])
        assert [entry["type"] for entry in resumed["entries"]] == ["edit", "reaction"]
        await self.chat.registry.in_memory.mark_active()
        assert self.stored() == {"entries": [], "rooms": []}

    @gen_test
    async def test_next(self) -> None:
        """`next` parts the two, tells both, and finds another; the room is gone; never the same partner again."""
        ann, bob, room = await self.paired()
        cid = await self.socket("cid")
        await ann.say(type="next")
        assert (await bob.hear("unpaired"))["reason"] == "next"
        assert (await bob.hear("unsubscribed"))["room"] == room
        assert (await ann.hear("waiting"))["position"] == 1
        assert (await ann.ask(type="send", room=room, key=new_key(), text="there?"))["code"] == "not_found"
        await bob.say(type="pair")
        assert (await bob.hear("waiting"))["position"] == 2
        await cid.say(type="pair")
        assert (await ann.hear("paired"))["partner"]["name"] == "cid"
        assert (await bob.hear("waiting"))["position"] == 1

    @gen_test
    async def test_unpair(self) -> None:
        """Who wants no partner any more is told so, as is the one left behind; then there is nothing to leave."""
        ann, bob, _ = await self.paired()
        await ann.say(type="unpair")
        assert (await ann.hear("unpaired"))["reason"] == "stopped"
        assert (await bob.hear("unpaired"))["reason"] == "left"
        assert (await ann.ask(type="unpair"))["code"] == "bad_request"
        assert (await ann.ask(type="keep"))["code"] == "not_found"

    @gen_test
    async def test_tags(self) -> None:
        """A shared tag matches at once; without one, patience has to be over."""
        ann, bob = await self.socket("ann"), await self.socket("bob")
        await ann.say(type="pair", tags=["cats"])
        await bob.say(type="pair", tags=["dogs"])
        assert (await bob.hear("waiting"))["position"] == 2
        cid = await self.socket("cid")
        await cid.say(type="pair", tags=["dogs", "birds"])
        assert (await cid.hear("paired"))["partner"]["name"] == "bob"
        dan = await self.socket("dan")
        await dan.say(type="pair", tags=["fish"])
        assert (await ann.hear("paired"))["partner"]["name"] == "dan"

    @gen_test
    async def test_block(self) -> None:
        """Two of whom one has blocked the other never meet again, whoever came between."""
        ann, bob, _ = await self.paired()
        await ann.say(type="block")
        await ann.say(type="next")
        cid = await self.socket("cid")
        await cid.say(type="pair")
        assert (await ann.hear("paired"))["partner"]["name"] == "cid"
        await ann.say(type="next")
        await bob.say(type="pair")
        assert (await bob.hear("waiting", "paired"))["type"] == "waiting"

    @gen_test
    async def test_back_in_time(self) -> None:
        """A partner who comes back in time is still there; one who does not is lost, and the other is told."""
        bob = await self.socket("bob")
        token = (await self.call("POST", "/api/session", {"name": "ann"})).body["token"]
        first = await self.socket(token=token)
        for client in (bob, first):
            await client.say(type="pair")
        room = (await bob.hear("paired"))["room"]
        first.cut()
        second = await self.socket(token=token)
        await second.say(type="pair")
        assert (await second.hear("paired"))["room"] == room
        await asyncio.sleep(0.5)
        assert not bob.told("unpaired")
        second.cut()
        assert (await bob.hear("unpaired"))["reason"] == "lost"

    @gen_test
    async def test_over_http(self) -> None:
        """A client that polls is paired with one on a socket, and they talk."""
        token = self.token("ann")
        first = await self.call("POST", "/api/pairing", {"type": "pair", "tags": []}, token=token)
        assert first.body["state"] == {"type": "waiting", "position": 1}
        waiting = asyncio.create_task(self.call("GET", f"/api/pairing?told={first.body['told']}&wait=20", token=token))
        bob = await self.socket("bob")
        await bob.say(type="pair")
        room = (await bob.hear("paired"))["room"]
        answer = await waiting
        assert (answer.body["state"]["type"], answer.body["state"]["room"]) == ("paired", room)
        poll = await self.waiting_poll(room, token=token, after=0)
        await bob.ask(type="send", room=room, key=new_key(), text="hi")
        assert (await poll).body["rooms"][room]["entries"][0]["text"] == "hi"
        await self.call("POST", "/api/pairing", {"type": "unpair"}, token=token)
        assert (await bob.hear("unpaired"))["reason"] == "left"
        assert (await self.poll(room, token=token, after=1)).status == 404

    @gen_test
    async def test_what_is_no_pairing(self) -> None:
        """Other commands, too many tags and strangers are refused."""
        token = self.token("ann")
        refused = [
            await self.call("POST", "/api/pairing", {"type": "ping"}, token=token),
            await self.call("POST", "/api/pairing", {"type": "pair", "tags": ["t"] * 11}, token=token),
            await self.call("POST", "/api/pairing", {"type": "pair", "tags": [{"$gt": ""}]}, token=token),
        ]
        assert [answer.status for answer in refused] == [400, 400, 400]
        assert (await self.call("POST", "/api/pairing", {"type": "pair"})).status == 401


class KeepingTest(PairCase):
    @gen_test
    async def test_keep(self) -> None:
        """Once both wish to keep it, the conversation is stored as it was and stays theirs, whatever comes next."""
        ann, bob, room = await self.paired()
        await ann.say(type="send", room=room, key=new_key(), text="let us keep it")
        await bob.hear("message")
        await ann.say(type="keep")
        assert (await bob.hear("kept"))["stored"] is False
        assert self.stored()["entries"] == []
        await bob.say(type="keep")
        assert (await ann.hear_where(lambda heard: heard["type"] == "kept" and heard["stored"]))["room"] == room
        await ann.say(type="send", room=room, key=new_key(), text="and go on")
        await bob.hear("message")
        await bob.say(type="next")
        assert (await ann.hear("unpaired"))["reason"] == "next"
        assert [entry["text"] for entry in self.stored()["entries"]] == ["let us keep it", "and go on"]
        assert (await ann.ask(type="send", room=room, key=new_key(), text="still here"))["type"] == "ack"

    async def talking(self, text: str) -> tuple[SocketClient, SocketClient, str]:
        """Two of whom one has said that much."""
        ann, bob, room = await self.paired()
        await ann.say(type="send", room=room, key=new_key(), text=text)
        await bob.hear("message")
        return ann, bob, room

    async def wish(self, *people: SocketClient) -> None:
        for person in people:
            await person.say(type="keep")

    def hold_inserts(self) -> tuple[asyncio.Event, asyncio.Event]:
        """From now on what is stored is so at once, and said to be so when the second of these is set; the first says
        that it is stored."""
        insert, inserted, gate = self.chat.history.insert, asyncio.Event(), asyncio.Event()

        async def held(entries: Any) -> None:
            await insert(entries)
            inserted.set()
            await gate.wait()

        replace_methods(self.chat.history, insert=held)
        return inserted, gate

    def doubt_once(self, *, arrives: bool) -> None:
        """Nobody knows what has become of the next insert."""
        insert = self.chat.history.insert

        async def doubtful(entries: Any) -> None:
            replace_methods(self.chat.history, insert=insert)
            if arrives:
                await insert(entries)
            raise Unavailable("in doubt", retry_after=1)

        replace_methods(self.chat.history, insert=doubtful)

    def pair_room(self, name: str) -> Room:
        room = self.awake(name)
        assert room is not None
        return room

    def texts(self) -> list[str | None]:
        return [entry.get("text") for entry in self.stored()["entries"]]

    @gen_test
    async def test_a_wish_that_was_in_doubt_can_be_said_again(self) -> None:
        """Whether what they had said has arrived at MongoDB or not; it is there once."""
        for arrives in (True, False):
            ann, bob, room = await self.talking("hi")
            self.doubt_once(arrives=arrives)
            await self.wish(ann, bob)
            assert (await bob.hear("error"))["code"] == "unavailable"
            await self.wish(bob)
            told = await bob.hear_where(lambda heard: heard["type"] == "error" or heard.get("stored", False))
            assert (told["type"], told["room"]) == ("kept", room)
            assert [entry["text"] for entry in self.stored()["entries"] if entry["log"] == room] == ["hi"]
            for client in (ann, bob):
                await client.close()

    @gen_test
    async def test_a_write_that_arrives_late_is_no_error(self) -> None:
        """It was in doubt, and arrives after it was looked for."""
        ann, bob, room = await self.talking("hi")
        end_of = self.chat.history.end_of

        async def beaten(key: str) -> int:
            replace_methods(self.chat.history, end_of=end_of)
            end = await end_of(key)
            await self.chat.history.insert([(room, entry) for entry in self.pair_room(room).tail.entries()])
            return end

        replace_methods(self.chat.history, end_of=beaten)
        await self.wish(ann, bob)
        assert (await ann.hear_where(lambda heard: heard["type"] == "kept" and heard["stored"]))["room"] == room
        assert self.texts() == ["hi"]

    @gen_test
    async def test_what_is_deleted_while_it_is_stored_leaves_no_text(self) -> None:
        ann, bob, room = await self.talking("a secret")
        inserted, gate = self.hold_inserts()
        await self.wish(ann, bob)
        await inserted.wait()
        assert self.texts() == ["a secret"]
        assert (await ann.ask(type="delete", room=room, key=new_key(), target=1))["type"] == "ack"
        gate.set()
        await bob.hear_where(lambda heard: heard["type"] == "kept" and heard["stored"])
        assert self.texts() == [None, None]
        assert [bool(entry.get("deleted")) for entry in self.stored()["entries"]] == [True, False]

    @gen_test
    async def test_who_goes_on_while_it_is_stored_has_the_next_partner(self) -> None:
        """They are told nothing of the old pair any more; the conversation is kept, as both have wished."""
        ann, bob, room = await self.talking("hi")
        cid = await self.socket("cid")
        await cid.say(type="pair")
        await cid.hear("waiting")
        inserted, gate = self.hold_inserts()
        await self.wish(ann, bob)
        await inserted.wait()
        await ann.say(type="next")
        assert (await ann.hear("paired"))["partner"]["name"] == "cid"
        gate.set()
        await until(lambda: self.pair_room(room).stored)
        assert (await ann.ask(type="send", room=room, key=new_key(), text="still here"))["type"] == "ack"
        assert (await bob.ask(type="ping"))["type"] == "pong"
        assert [client.told("waiting", "paired", "unpaired", "kept")[-1]["type"] for client in (ann, bob)] == [
            "paired",
            "unpaired",
        ]
        assert self.texts() == ["hi", "still here"]

    @gen_test
    async def test_it_is_kept_though_they_part_before_it_can_be_stored(self) -> None:
        """MongoDB was away when they wished it, and comes back."""
        self.enterContext(mock.patch.object(pairing, "STORE_AGAIN", 0.05))
        ann, bob, room = await self.talking("hi")
        self.doubt_once(arrives=False)
        await self.wish(ann, bob)
        assert (await bob.hear("error"))["code"] == "unavailable"
        self.doubt_once(arrives=False)
        await bob.say(type="next")
        assert (await ann.hear("unpaired"))["reason"] == "next"
        await until(lambda: self.pair_room(room).stored)
        assert self.texts() == ["hi"]


class CrowdTest(ChatTestCase):
    settings: ClassVar = {"pair_grace": 0}

    @gen_test(timeout=60)
    async def test_many_press_next_at_random(self) -> None:
        """Nobody is in two pairs, and in the end nobody waits who could have a partner."""
        clients = [await self.socket(f"p{number}") for number in range(60)]
        chance = random.Random(20261121)
        for client in clients:
            await client.say(type="pair")
        for _ in range(600):
            await chance.choice(clients).say(type="next")
            if chance.random() < 0.2:
                await asyncio.sleep(0)
        for client in clients:
            await client.ask(type="ping")
        left = [client for client in clients if last_state(client)["type"] == "unpaired"]
        for client in left:
            await client.say(type="pair")
        for client in clients:
            await client.ask(type="ping")
        states = [last_state(client) for client in clients]
        rooms = [state["room"] for state in states if state["type"] == "paired"]
        assert all(rooms.count(room) == 2 for room in rooms)
        assert len(rooms) >= len(clients) - 2
        assert len(self.chat.registry) == len(rooms) // 2


def last_state(client: SocketClient) -> dict[str, Any]:
    return client.told("waiting", "paired", "unpaired")[-1]
