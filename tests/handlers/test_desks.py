"""Support desks over HTTP and sockets: a visitor who asks, agents who answer."""

import asyncio
import datetime
from typing import Any, ClassVar

from tornado.testing import gen_test

from chat.errors import Unavailable
from tests.cases import Answer, ChatTestCase
from tests.replacing import replace_methods
from tests.rooms import new_key


class DeskCase(ChatTestCase):
    """A desk `shop` with two agents, Ann and Bob."""

    async def furnish(self, **settings: Any) -> None:
        self.admin = await self.account("root", admin=True)
        self.ann, self.bob = await self.account("ann"), await self.account("bob")
        wanted = {"title": "The shop", "agents": ["ann", "bob"], "greeting": "Hello!"} | settings
        answer = await self.call("PUT", "/api/desks/shop/settings", wanted, token=self.admin)
        assert answer.status == 201, answer
        self.desk = answer.body

    async def begin(self, text: str = "hello", **fields: Any) -> tuple[str, str]:
        """A new conversation: its room and the visitor's token."""
        answer = await self.call("POST", "/api/desks/shop/conversations", {"text": text, "key": new_key()} | fields)
        assert answer.status == 201, answer
        return answer.body["room"], answer.body["token"]

    async def queue(self, state: str = "waiting", *, token: str = "") -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/api/desks/shop/conversations?state={state}", token=token or self.ann)
        assert answer.status == 200, answer
        found: list[dict[str, Any]] = answer.body["conversations"]
        return found

    async def step(self, room: str, act: str, *, token: str, **fields: Any) -> Answer:
        return await self.call("POST", f"/api/conversations/{room}", {"act": act} | fields, token=token)


class ConversationTest(DeskCase):
    settings: ClassVar = {"desks_limit": 2}

    @gen_test
    async def test_a_visitor_is_answered(self) -> None:
        """A visitor's message waits in the queue, an agent takes it and answers, both live."""
        await self.furnish()
        agents = await self.socket(room=self.desk["room"], token=self.ann)
        room, token = await self.begin("where is my parcel?", name="Vera")
        news = await agents.hear("message")
        assert news["kind"] == "desk.conversation"
        assert news["data"]["conversation"]["last"]["text"] == "where is my parcel?"
        [waiting] = await self.queue()
        assert (waiting["id"], waiting["visitor"]["name"], waiting["unanswered"]) == (room, "Vera", 1)
        visitor = await self.socket(room=room, token=token)
        taken = await self.step(room, "take", token=self.ann)
        assert (taken.status, taken.body["state"], taken.body["agent"]["name"]) == (200, "taken", "ann")
        told = await visitor.hear("message")
        assert (told["kind"], told["data"]["agent"]["name"]) == ("desk.taken", "ann")
        await self.send(room, "on its way", token=self.ann)
        assert (await visitor.hear("message"))["text"] == "on its way"
        assert await self.queue() == []
        [own] = await self.queue("taken")
        assert own["unanswered"] == 0 and own["last"]["text"] == "on its way"

    @gen_test
    async def test_the_queue_shows_the_last_message_as_it_is_now(self) -> None:
        """What a visitor has corrected or deleted is not to be read in the queue either, nor in an open page of it."""
        await self.furnish()
        agents = await self.socket(room=self.desk["room"], token=self.ann)
        room, token = await self.begin("my card is 1234")
        await agents.hear("message")
        for change, text in (
            ({"type": "edit", "text": "my card is lost"}, "my card is lost"),
            ({"type": "delete"}, ""),
        ):
            answer = await self.command(room, token=token, target=1, key=new_key(), **change)
            assert answer.status == 200, answer
            assert [each["last"]["text"] for each in await self.queue()] == [text]
            assert (await agents.hear("message"))["data"]["conversation"]["last"]["text"] == text
        await self.command(room, token=token, type="react", target=1, key=new_key(), emoji="x", on=True)
        assert [each["unanswered"] for each in await self.queue()] == [1]

    @gen_test
    async def test_one_of_two_gets_it(self) -> None:
        """Of two who take a conversation at once one gets it, and the other is told who did; knowing that, they can
        take it over."""
        await self.furnish()
        room, _ = await self.begin()
        both = await asyncio.gather(*(self.step(room, "take", token=token) for token in (self.ann, self.bob)))
        assert sorted(answer.status for answer in both) == [200, 403]
        winner, loser = ("ann", self.bob) if both[0].status == 200 else ("bob", self.ann)
        refused = next(answer for answer in both if answer.status == 403)
        assert refused.reason == f"{winner} has this conversation."
        [taken] = await self.queue("taken")
        over = await self.step(room, "take", token=loser, holder=taken["agent"]["id"])
        assert over.status == 200 and over.body["agent"]["name"] != winner
        assert (await self.step(room, "take", token=loser, holder=over.body["agent"]["id"])).code == "bad_request"

    @gen_test
    async def test_it_is_handed_over(self) -> None:
        """To a colleague, who is named to the visitor, or back to the queue; by whoever has it, and to nobody else."""
        await self.furnish()
        room, token = await self.begin()
        bob = next(person["id"] for person in self.desk["people"] if person["name"] == "bob")
        assert (await self.step(room, "hand_over", token=self.ann, to=bob)).code == "forbidden"
        await self.step(room, "take", token=self.ann)
        visitor = await self.socket(room=room, token=token)
        assert (await self.step(room, "hand_over", token=self.ann, to="a-nobody")).code == "not_found"
        handed = await self.step(room, "hand_over", token=self.ann, to=bob)
        assert handed.body["agent"]["name"] == "bob"
        told = await visitor.hear("message")
        assert (told["kind"], told["data"]["agent"]["name"]) == ("desk.taken", "bob")
        assert (await self.step(room, "hand_over", token=self.ann)).code == "forbidden"
        back = await self.step(room, "hand_over", token=self.bob)
        assert (back.body["state"], back.body["agent"]) == ("waiting", None)
        assert (await visitor.hear("message"))["kind"] == "desk.waiting"

    @gen_test
    async def test_a_closed_one_waits_again(self) -> None:
        """The visitor is told that it is closed; what they write then brings it back into the queue, and what an agent
        writes takes it."""
        await self.furnish()
        room, token = await self.begin()
        await self.step(room, "take", token=self.ann)
        assert (await self.step(room, "close", token=self.bob)).code == "forbidden"
        visitor = await self.socket(room=room, token=token)
        assert (await self.step(room, "close", token=self.ann)).body["state"] == "closed"
        assert (await visitor.hear("message"))["kind"] == "desk.closed"
        own = await self.call("GET", f"/api/conversations/{room}/own", token=token)
        assert (own.body["state"], own.body["desk"]["title"]) == ("closed", "The shop")
        await self.send(room, "one more thing", token=token)
        [again] = await self.queue()
        assert (again["state"], again["agent"], again["unanswered"]) == ("waiting", None, 1)
        await self.send(room, "yes?", token=self.bob)
        [taken] = await self.queue("taken")
        assert (taken["agent"]["name"], taken["unanswered"]) == ("bob", 0)
        await self.send(room, "let me add", token=self.ann)
        [taken] = await self.queue("taken")
        assert taken["agent"]["name"] == "bob"

    @gen_test
    async def test_begun_again_with_its_key(self) -> None:
        """An answer that got lost is asked for again: the same conversation, and a token that is valid."""
        await self.furnish()
        begun = {"text": "hello", "key": new_key()}
        first = await self.call("POST", "/api/desks/shop/conversations", begun)
        second = await self.call("POST", "/api/desks/shop/conversations", begun)
        assert (first.status, second.status) == (201, 200)
        assert second.body["room"] == first.body["room"] and second.body["user"] == first.body["user"]
        assert (await self.page(first.body["room"], token=second.body["token"])).status == 200
        assert len(await self.queue()) == 1
        both = await asyncio.gather(
            *(
                self.call("POST", "/api/desks/shop/conversations", {"text": "twice", "key": "0" * 8 + begun["key"][8:]})
                for _ in range(2)
            )
        )
        assert both[0].body["room"] == both[1].body["room"]
        assert len(await self.queue()) == 2

    @gen_test
    async def test_away(self) -> None:
        """A desk is away while no agent is there, and out of its hours; messages wait with the address."""
        await self.furnish()
        assert (await self.call("GET", "/api/desks/shop")).body["state"] == "away"
        await self.begin("call me", name="Vera", email="vera@example.org", page="https://www.example.org/cart")
        [left] = await self.queue()  # whoever looks at the queue is there
        assert (left["away"], left["email"], left["page"]) == (True, "vera@example.org", "https://www.example.org/cart")
        facts = await self.call("GET", "/api/desks/shop")
        assert facts.body == {
            "name": "shop",
            "title": "The shop",
            "greeting": "Hello!",
            "away": "",
            "state": "open",
        }
        today = datetime.datetime.now(datetime.UTC).isoweekday()
        other_days = [day for day in range(1, 8) if day not in (today, today % 7 + 1)]
        hours = {"title": "The shop", "agents": ["ann"], "hours": [{"days": other_days}]}
        assert (await self.call("PUT", "/api/desks/shop/settings", hours, token=self.admin)).status == 200
        assert (await self.call("GET", "/api/desks/shop")).body["state"] == "away"

    @gen_test
    async def test_who_follows_the_desk_is_there(self) -> None:
        """An agent counts as there for as long as they follow their room, over any transport."""
        await self.furnish()
        await self.socket(room=self.desk["room"], token=self.ann)
        assert (await self.call("GET", "/api/desks/shop")).body["state"] == "away"
        await self.chat.reception.upkeep()
        assert (await self.call("GET", "/api/desks/shop")).body["state"] == "open"

    @gen_test
    async def test_wrong_desks(self) -> None:
        """What is wrong with a desk is said; nothing is made of it."""
        await self.furnish()
        for name, wanted in (
            ("Shop", {"title": "x"}),
            ("a_b", {"title": "x"}),
            ("b", {"title": ""}),
            ("b", {"title": "x", "zone": "Mars/Base"}),
            ("b", {"title": "x", "agents": ["nobody"]}),
            ("b", {"title": "x", "hours": [{"days": [8]}]}),
            ("b", {"title": "x", "hours": [{"days": [1], "opens": "25:00"}]}),
            ("b", {"title": "x", "other": 1}),
        ):
            answer = await self.call("PUT", f"/api/desks/{name}/settings", wanted, token=self.admin)
            assert answer.code == "bad_request", (name, wanted, answer)
        for name, status in (("b", 201), ("c", 400), ("shop", 200)):
            answer = await self.call("PUT", f"/api/desks/{name}/settings", {"title": "x"}, token=self.admin)
            assert answer.status == status, answer
        assert (await self.call("DELETE", "/api/desks/b", token=self.admin)).status == 204
        shop = {"title": "x", "agents": ["ann"]}
        assert (await self.call("PUT", "/api/desks/shop/settings", shop, token=self.admin)).status == 200
        desks = await self.call("GET", "/api/desks", token=self.admin)
        assert [(desk["name"], desk["serves"]) for desk in desks.body["desks"]] == [("shop", False)]
        assert (await self.call("GET", "/api/desks", token=self.ann)).body["desks"][0]["serves"] is True
        assert (await self.call("GET", "/api/desks/nowhere")).status == 404
        answer = await self.call("GET", "/api/desks/shop/conversations?state=lost", token=self.ann)
        assert answer.code == "bad_request"

    @gen_test
    async def test_transcripts(self) -> None:
        """As text and as JSON, with names, times and what became of it; edits are applied, deleted texts are gone."""
        await self.furnish()
        room, token = await self.begin("hello", name="Vera")
        await self.step(room, "take", token=self.ann)
        await self.send(room, "wrogn", token=self.ann)
        await self.command(room, token=self.ann, type="edit", target=3, text="right\nand more", key=new_key())
        await self.send(room, "secret", token=token)
        await self.command(room, token=token, type="delete", target=5, key=new_key())
        await self.step(room, "close", token=self.ann)
        text = await self.call("GET", f"/api/conversations/{room}/transcript", token=token)
        assert text.headers["Content-Disposition"].startswith('attachment; filename="shop-')
        lines = text.body.decode().split("\n")
        assert lines[0] == "The shop: conversation with Vera"
        said = [line.partition("] ")[2] or line for line in lines[3:-1]]
        assert said == [
            "Vera: hello",
            "ann took over",
            "ann: right",
            "    and more",
            "Vera: (deleted)",
            "ann closed the conversation",
        ]
        as_json = await self.call("GET", f"/api/conversations/{room}/transcript?as=json", token=self.bob)
        assert as_json.body["visitor"]["name"] == "Vera"
        kinds = [entry["kind"] for entry in as_json.body["entries"]]
        assert kinds == ["text", "desk.taken", "text", "text", "desk.closed"]
        assert "key" not in str(as_json.body["entries"])

    @gen_test
    async def test_a_deleted_desk_leaves_nothing(self) -> None:
        """Its conversations are gone from the store, and whoever is in one is out."""
        await self.furnish()
        room, token = await self.begin()
        visitor = await self.socket(room=room, token=token)
        assert (await self.call("DELETE", "/api/desks/shop", token=self.admin)).status == 204
        assert await visitor.closed() == 4403
        assert self.stored() == {"entries": [], "rooms": []}
        assert self.mongod.client[self.database_name]["conversations"].count_documents({}) == 0
        assert (await self.call("GET", "/api/desks/shop")).status == 404
        acts = [act["act"] for act in (await self.call("GET", "/api/admin/audit", token=self.admin)).body["entries"]]
        assert acts[:2] == ["delete_desk", "desk"]


class AtOnceTest(DeskCase):
    """What happens in the middle of something else."""

    def late_first(self, owner: object, name: str) -> tuple[asyncio.Event, asyncio.Event]:
        """The next call of a method begins when the second of these is set; the first says that it was made."""
        method, called, gate = getattr(owner, name), asyncio.Event(), asyncio.Event()

        async def late(*given: Any, **more: Any) -> Any:
            replace_methods(owner, **{name: method})
            called.set()
            await gate.wait()
            return await method(*given, **more)

        replace_methods(owner, **{name: late})
        return called, gate

    def beginning(self, key: str = "") -> asyncio.Task[Answer]:
        begun = {"text": "hello", "key": key or new_key()}
        return asyncio.create_task(self.call("POST", "/api/desks/shop/conversations", begun))

    def conversations(self) -> int:
        return int(self.mongod.client[self.database_name]["conversations"].count_documents({}))

    @gen_test
    async def test_an_answer_beside_a_question_takes_it(self) -> None:
        """Though what was said last is taken note of first; each counts, and the visitor is told who answers once."""
        await self.furnish()
        room, token = await self.begin()
        visitor = await self.socket(room=room, token=token)
        called, gate = self.late_first(self.chat.reception.conversations, "heard")
        answering = asyncio.create_task(self.send(room, "an answer", token=self.ann))
        await called.wait()
        await self.send(room, "and another thing", token=token)
        gate.set()
        await answering
        [found] = await self.queue("taken")
        assert (found["agent"]["name"], found["unanswered"], found["last"]["text"]) == ("ann", 1, "and another thing")
        await visitor.ask(type="ping")
        assert [told["kind"] for told in visitor.told("message")] == ["text", "text", "desk.taken"]

    @gen_test
    async def test_what_was_not_taken_note_of_is_so_with_the_next(self) -> None:
        """MongoDB was away just then, and it is out of memory by now."""
        await self.furnish()
        room, token = await self.begin()
        conversations = self.chat.reception.conversations
        heard = conversations.heard

        async def away(*given: Any, **more: Any) -> Any:
            raise Unavailable("away", retry_after=1)

        replace_methods(conversations, heard=away)
        body = {"text": "an answer", "key": new_key()}
        answer = await self.call("POST", f"/api/rooms/{room}/messages", body, token=self.ann)
        assert answer.code == "unavailable"
        replace_methods(conversations, heard=heard)
        self.chat.registry.in_memory.drop(room)
        await self.send(room, "and another thing", token=token)
        [found] = await self.queue("taken")
        assert (found["agent"]["name"], found["unanswered"]) == ("ann", 1)

    @gen_test
    async def test_a_message_that_is_deleted_at_once_leaves_no_excerpt(self) -> None:
        """Its deletion is taken note of before it is itself."""
        await self.furnish()
        room, token = await self.begin()
        called, gate = self.late_first(self.chat.reception.conversations._conversations, "find_one_and_update")
        asking = asyncio.create_task(self.send(room, "a secret", token=token))
        await called.wait()
        answer = await self.command(room, token=token, type="delete", target=2, key=new_key())
        assert answer.status == 200
        gate.set()
        await asking
        assert [(each["last"]["text"], each["unanswered"]) for each in await self.queue()] == [("", 2)]

    @gen_test
    async def test_agents_are_told_last_how_it_is_now(self) -> None:
        """Of two changes at once the first is told late."""
        await self.furnish()
        room, token = await self.begin()
        agents = await self.socket(room=self.desk["room"], token=self.ann)
        called, gate = self.late_first(self.chat.changes, "announce")
        asking = asyncio.create_task(self.send(room, "are you there?", token=token))
        await called.wait()
        assert (await self.step(room, "take", token=self.ann)).status == 200
        gate.set()
        await asking
        await agents.ask(type="ping")
        told = [each["data"]["conversation"]["state"] for each in agents.told("message")]
        assert told == ["taken", "waiting", "taken"]

    @gen_test
    async def test_begun_twice_at_once_leaves_nothing_behind(self) -> None:
        """One room, and nothing of the other."""
        await self.furnish()
        key = new_key()
        called, gate = self.late_first(self.chat.reception.conversations, "insert")
        first = self.beginning(key)
        await called.wait()
        second = await self.beginning(key)
        gate.set()
        assert ((await first).status, second.status) == (200, 201)
        assert (await first).body["room"] == second.body["room"]
        rooms = {self.desk["room"], second.body["room"]}
        assert {stored["_id"] for stored in self.stored()["rooms"]} == rooms
        assert {stored["log"] for stored in self.stored()["entries"]} == rooms

    @gen_test
    async def test_begun_at_a_desk_that_is_just_deleted(self) -> None:
        """Whether it is stored when the desk is no more, or just before; nothing is left of it."""
        await self.furnish()
        called, gate = self.late_first(self.chat.reception.conversations, "insert")
        late = self.beginning()
        await called.wait()
        assert (await self.call("DELETE", "/api/desks/shop", token=self.admin)).status == 204
        gate.set()
        assert (await late).code == "not_found"
        assert (self.stored(), self.conversations()) == ({"entries": [], "rooms": []}, 0)
        await self.call("PUT", "/api/desks/shop/settings", {"title": "The shop"}, token=self.admin)
        called, gate = self.late_first(self.chat.reception.desks, "remove")
        deleting = asyncio.create_task(self.call("DELETE", "/api/desks/shop", token=self.admin))
        await called.wait()
        await self.beginning()
        assert self.conversations() == 1
        gate.set()
        assert (await deleting).status == 204
        assert (self.stored(), self.conversations()) == ({"entries": [], "rooms": []}, 0)
