"""Webhooks from end to end: a room, a receiver, and what goes wrong between them."""

import asyncio
from typing import Any, ClassVar

from tornado.testing import ExpectLog, gen_test

from chat.chat import Chat
from chat.times import DAY
from chat.webhooks import Letter, Outcome
from handlers.webhook_sender import WebhookSender
from tests.cases import Answer, ChatTestCase
from tests.chats import open_chat
from tests.receiver import Receiver, is_signed
from tests.rooms import new_key
from tests.waiting import until

QUICK = {"webhook_private": "yes", "webhook_backoff": 0.02, "webhook_tries": 3, "webhook_timeout": 5}


class WebhookTestCase(ChatTestCase):
    settings: ClassVar = QUICK

    def setUp(self) -> None:
        super().setUp()
        self.receiver = Receiver()

    def tearDown(self) -> None:
        self.receiver.close()
        super().tearDown()

    async def owner(self, **room: Any) -> str:
        token = await self.account("ann")
        answer = await self.call("POST", "/api/rooms", {"name": "a"} | room, token=token)
        assert answer.status == 201, answer
        return token

    async def hook(self, token: str, *, url: str = "", **more: Any) -> Answer:
        body = {"url": url or self.receiver.url} | more
        return await self.call("POST", "/api/rooms/a/webhooks", body, token=token)

    async def shown(self, token: str) -> dict[str, Any]:
        hooks = (await self.call("GET", "/api/rooms/a/webhooks", token=token)).body["webhooks"]
        return dict(hooks[0])

    async def letters(self, token: str, id: str) -> list[dict[str, Any]]:
        return list((await self.call("GET", f"/api/rooms/a/webhooks/{id}/letters", token=token)).body["letters"])


class DeliveryTest(WebhookTestCase):
    @gen_test
    async def test_entries_arrive_signed_in_order_and_once(self) -> None:
        """From the moment it is made: what was said before is not sent, nor another type, nor what is drawn."""
        token = await self.owner()
        await self.send("a", "before", token=token)
        made = await self.hook(token, types=["message", "edit"])
        assert made.status == 201
        for text in ("one", "two", "three"):
            await self.send("a", text, token=token)
        await self.command("a", token=token, type="react", target=2, emoji="👍", on=True, key=new_key())
        await self.command("a", token=token, type="send", kind="board.clear", data={}, key=new_key())
        await self.command("a", token=token, type="edit", target=2, text="first", key=new_key())
        await self.receiver.has(4)
        assert [(body["entry"]["type"], body["entry"]["seq"]) for body in self.receiver.bodies] == [
            ("message", 2),
            ("message", 3),
            ("message", 4),
            ("edit", 7),
        ]
        headers, raw = self.receiver.raw[0]
        assert is_signed(headers, raw, made.body["secret"])
        assert not is_signed(headers, raw + b" ", made.body["secret"])
        assert headers["X-Parley-Delivery"] == self.receiver.bodies[0]["delivery"] == f"{made.body['id']}-2"
        assert "key" not in self.receiver.bodies[0]["entry"]
        assert "secret" not in await self.shown(token)

    @gen_test
    async def test_a_failure_is_tried_again(self) -> None:
        """Later entries wait for it, so the order holds; a redirect is a failure, and followed by nobody."""
        token = await self.owner()
        await self.hook(token)
        self.receiver.answers = [500, 302]
        await self.send("a", "one", token=token)
        await self.send("a", "two", token=token)
        await self.receiver.has(4)
        assert self.receiver.texts == ["one", "one", "one", "two"]
        assert len({body["delivery"] for body in self.receiver.bodies}) == 2

    @gen_test
    async def test_dead_letters(self) -> None:
        """What fails in all its tries is kept aside, and can be looked at, sent again and dropped."""
        token = await self.owner()
        id = (await self.hook(token)).body["id"]
        self.receiver.answers = [500] * 6
        for text in ("one", "two", "three"):
            await self.send("a", text, token=token)
        await self.receiver.has(7)
        assert self.receiver.texts[-1] == "three"
        letters = await self.letters(token, id)
        assert [(letter["seq"], letter["tries"], letter["error"]) for letter in letters] == [
            (1, 3, "127.0.0.1 answered 500."),
            (2, 3, "127.0.0.1 answered 500."),
        ]
        path = f"/api/rooms/a/webhooks/{id}/letters"
        self.receiver.answers = [404]
        again = await self.call("POST", f"{path}/1", token=token)
        assert (again.status, again.reason) == (503, "It did not arrive: 127.0.0.1 answered 404.")
        assert (await self.call("POST", f"{path}/1", token=token)).status == 204
        assert self.receiver.texts[-1] == "one"
        assert (await self.call("DELETE", f"{path}/2", token=token)).status == 204
        assert await self.letters(token, id) == []
        assert (await self.call("POST", f"{path}/2", token=token)).code == "not_found"
        assert (await self.call("DELETE", f"{path}/x", token=token)).code == "bad_request"

    @gen_test
    async def test_a_receiver_that_is_gone(self) -> None:
        """410 pauses it at once, and it says so; who lets it go on loses nothing."""
        token = await self.owner()
        id = (await self.hook(token)).body["id"]
        self.receiver.answers = [410]
        with ExpectLog("parley.webhooks", "the webhook .* is paused"):
            await self.send("a", "one", token=token)
            await until(lambda: not self.chat.hooks.deliverer._under_way and self.receiver.bodies)
        await self.send("a", "two", token=token)
        assert "gone for good" in (await self.shown(token))["paused"]
        answer = await self.call("PATCH", f"/api/rooms/a/webhooks/{id}", {"paused": False}, token=token)
        assert (answer.status, answer.body["paused"]) == (200, "")
        await self.receiver.has(3)
        assert self.receiver.texts == ["one", "one", "two"]

    @gen_test
    async def test_it_can_be_paused_and_removed(self) -> None:
        token = await self.owner()
        id = (await self.hook(token)).body["id"]
        path = f"/api/rooms/a/webhooks/{id}"
        paused = await self.call("PATCH", path, {"paused": True}, token=token)
        assert paused.body["paused"] == "Paused by ann."
        await self.send("a", "one", token=token)
        assert (await self.call("PATCH", path, {"paused": False}, token=token)).status == 200
        await self.receiver.has(1)
        assert (await self.call("DELETE", path, token=token)).status == 204
        await self.send("a", "two", token=token)
        await self.hook(token)
        await self.send("a", "three", token=token)
        await self.receiver.has(2)
        assert self.receiver.texts == ["one", "three"]

    @gen_test
    async def test_who_loses_the_room_hears_no_more(self) -> None:
        """A webhook of one who is no moderator any more is paused before anything else is sent."""
        token = await self.owner(access="private")
        await self.account("bob")
        ann, bob = [(await self.chat.identity.accounts.by_name(name)) for name in ("ann", "bob")]
        assert ann and bob
        await self.call("PUT", f"/api/rooms/a/members/{bob.id}", {"role": "owner"}, token=token)
        await self.hook(token)
        await self.send("a", "one", token=token)
        await self.receiver.has(1)
        theirs = await self.sign_in("bob")
        await self.call("PUT", f"/api/rooms/a/members/{ann.id}", {"role": "member"}, token=theirs)
        await self.send("a", "two", token=theirs)
        await until(lambda: not self.chat.hooks.deliverer._of_room)
        assert "does not look after the room" in (await self.shown(theirs))["paused"]
        assert self.receiver.texts == ["one"]

    @gen_test
    async def test_who_is_banned_from_the_server_hears_no_more(self) -> None:
        """Their sessions and bots are over, and so is what leaves a room in their name."""
        token, admin = await self.owner(access="private"), await self.account("root", admin=True)
        await self.account("bob")
        ann, bob = [(await self.chat.identity.accounts.by_name(name)) for name in ("ann", "bob")]
        assert ann and bob
        await self.call("PUT", f"/api/rooms/a/members/{bob.id}", {"role": "owner"}, token=token)
        await self.hook(token)
        theirs = await self.sign_in("bob")
        assert (await self.call("POST", f"/api/admin/people/{ann.id}", {"act": "ban"}, token=admin)).status == 204
        await self.send("a", "not for ann", token=theirs)
        await until(lambda: not self.chat.hooks.deliverer._of_room)
        assert "does not look after the room" in (await self.shown(theirs))["paused"]
        assert self.receiver.texts == []

    @gen_test
    async def test_each_act_is_in_the_log(self) -> None:
        """Who had a room's entries sent elsewhere, and stopped it, can be seen by all who moderate it."""
        token = await self.owner()
        id = (await self.hook(token)).body["id"]
        await self.call("PATCH", f"/api/rooms/a/webhooks/{id}", {"paused": True}, token=token)
        await self.call("DELETE", f"/api/rooms/a/webhooks/{id}", token=token)
        await self.call("POST", "/api/rooms/a/integrations", {"name": "Build"}, token=token)
        acts = (await self.call("GET", "/api/rooms/a/moderation", token=token)).body["acts"]
        assert [act["act"] for act in acts] == ["make_integration", "remove_webhook", "pause_webhook", "make_webhook"]

    @gen_test
    async def test_a_deleted_room_takes_its_webhooks_along(self) -> None:
        token = await self.owner()
        await self.hook(token)
        await self.call("DELETE", "/api/rooms/a", token=token)
        await self.chat.hooks.deliverer.look()
        await until(lambda: not self.mongod.client[self.database_name]["webhooks"].count_documents({}))


class SlowReceiverTest(WebhookTestCase):
    """What happens while a receiver takes its time over an earlier entry."""

    async def held(self, token: str, **hook: Any) -> str:
        """The path of a webhook that sends nothing yet."""
        path = f"/api/rooms/a/webhooks/{(await self.hook(token, **hook)).body['id']}"
        assert (await self.call("PATCH", path, {"paused": True}, token=token)).status == 200
        return path

    async def begun(self, path: str, token: str) -> asyncio.Event:
        """It has read what waits for it, and sent the first of it; the receiver answers when this is set."""
        gate = self.receiver.gate = asyncio.Event()
        assert (await self.call("PATCH", path, {"paused": False}, token=token)).status == 200
        await self.receiver.has(1)
        return gate

    @gen_test
    async def test_what_is_deleted_meanwhile_is_sent_without_its_text(self) -> None:
        """Edits of it too."""
        token = await self.owner()
        path = await self.held(token, types=["message", "edit"])
        await self.send("a", "one", token=token)
        await self.send("a", "a secret", token=token)
        await self.command("a", token=token, type="edit", target=2, text="another secret", key=new_key())
        gate = await self.begun(path, token)
        await self.command("a", token=token, type="delete", target=2, key=new_key())
        gate.set()
        await self.receiver.has(3)
        assert self.receiver.texts == ["one", None, None]
        assert self.receiver.bodies[1]["entry"]["deleted"]

    @gen_test
    async def test_who_loses_the_room_meanwhile_hears_no_more(self) -> None:
        token = await self.owner(access="private")
        await self.account("bob")
        ann, bob = [(await self.chat.identity.accounts.by_name(name)) for name in ("ann", "bob")]
        assert ann and bob
        await self.call("PUT", f"/api/rooms/a/members/{bob.id}", {"role": "owner"}, token=token)
        path = await self.held(token)
        for text in ("one", "two"):
            await self.send("a", text, token=token)
        gate = await self.begun(path, token)
        theirs = await self.sign_in("bob")
        await self.call("PUT", f"/api/rooms/a/members/{ann.id}", {"role": "member"}, token=theirs)
        gate.set()
        await until(lambda: not self.chat.hooks.deliverer._of_room)
        assert "does not look after the room" in (await self.shown(theirs))["paused"]
        assert self.receiver.texts == ["one"]


class ForgetfulTest(SlowReceiverTest):
    """The same with a room that has next to nothing in memory."""

    settings: ClassVar = QUICK | {"recent": 1}

    @gen_test
    async def test_what_is_forgotten_meanwhile_is_not_sent(self) -> None:
        token = await self.owner(lifetime=1)
        path = await self.held(token)
        for text in ("one", "two"):
            await self.send("a", text, token=token)
        gate = await self.begun(path, token)
        entries = self.mongod.client[self.database_name]["entries"]
        entries.update_many({}, {"$inc": {"at": -2 * DAY}})
        await self.chat.house.lifetimes.forget_old()
        assert entries.count_documents({}) == 0
        await self.send("a", "three", token=token)
        gate.set()
        await self.receiver.has(2)
        assert self.receiver.texts == ["one", "three"]


class RightsTest(WebhookTestCase):
    settings: ClassVar = QUICK | {"webhooks_limit": 1, "webhook_private": "no"}

    @gen_test
    async def test_who_may_have_one(self) -> None:
        """Who moderates the room. Others are refused, whatever they try; so many for a room."""
        token = await self.owner()
        other = await self.account("bob")
        url = "https://hooks.example/x"
        for method, path, body in (
            ("POST", "", {"url": url}),
            ("GET", "", None),
            ("DELETE", "/w-1", None),
            ("PATCH", "/w-1", {"paused": True}),
            ("GET", "/w-1/letters", None),
            ("POST", "/w-1/letters/1", None),
        ):
            answer = await self.call(method, f"/api/rooms/a/webhooks{path}", body, token=other)
            assert answer.code == "forbidden", (method, path, answer)
        assert (await self.hook(token, url=self.receiver.url)).code == "bad_request"
        assert (await self.hook(token, url=url)).status == 201
        assert "at most 1" in (await self.hook(token, url=url)).reason

    @gen_test
    async def test_administrators_do_not_read_by_them(self) -> None:
        """One who rules all rooms, and is in none of them, hears nothing of a private one this way."""
        await self.owner(access="private")
        admin = await self.account("root", admin=True)
        answer = await self.hook(admin, url="https://hooks.example/x")
        assert answer.code == "not_found"

    @gen_test
    async def test_names_that_lead_inside(self) -> None:
        """The address that a name leads to is looked at when it is connected to, and none inside is."""
        sender = WebhookSender(timeout=5, concurrency=1, private=False)
        port = self.receiver.url.rpartition(":")[2]
        for name in (f"http://localhost:{port}", f"http://127.0.0.1:{port}", f"http://[::1]:{port}"):
            outcome = await sender(_letter(name))
            assert outcome.status == 0 and "private network" in outcome.error, outcome
        sender.close()
        assert self.receiver.raw == []


class SenderTest(WebhookTestCase):
    @gen_test
    async def test_receivers_that_do_not_behave(self) -> None:
        """One that is slow, or not there, costs its time and no more; a long answer is not read."""
        sender = WebhookSender(timeout=0.3, concurrency=2, private=True)
        self.receiver.gate = asyncio.Event()
        assert await sender(_letter(self.receiver.url)) == Outcome(0, "127.0.0.1 did not answer within 0.3 seconds.")
        self.receiver.gate = None
        assert (await sender(_letter("http://127.0.0.1:1/"))).error.startswith("127.0.0.1 cannot be reached: ")
        self.receiver.answers = [200]
        assert (await sender(_letter(self.receiver.url))).arrived
        sender.close()

    @gen_test
    async def test_a_receiver_that_says_too_much_has_received(self) -> None:
        """It said so before the rest, which nobody wants: it is not sent the same again and again."""
        sender = WebhookSender(timeout=5, concurrency=1, private=True)
        self.receiver.answers, self.receiver.length = [200], 1_000_000
        assert await sender(_letter(self.receiver.url)) == Outcome(200)
        sender.close()


class ProcessTest(WebhookTestCase):
    """Another process on the same database."""

    @gen_test
    async def test_a_killed_process_is_taken_over_from(self) -> None:
        """What it had not sent, or had sent without noting it, is sent by another; nothing is lost."""
        token = await self.owner()
        id = (await self.hook(token)).body["id"]
        await self.send("a", "one", token=token)
        await self.receiver.has(1)
        await until(lambda: not self.chat.hooks.deliverer._under_way)
        # It dies as it has just begun: it has the webhook, and nothing has left.
        await self.chat.hooks.deliverer.stop()
        assert await self.chat.hooks.store.lease(id, "the dead one", 0.2)
        await self.send("a", "two", token=token)
        async with open_chat(self.mongod, self.database_name, **QUICK) as other:
            await other.hooks.deliverer.look()
            await self.receiver.has(2)
        assert self.receiver.texts == ["one", "two"]

    @gen_test
    async def test_two_processes_send_each_entry_once(self) -> None:
        """However both are woken, one works on a webhook at a time, in order."""
        token = await self.owner()
        id = (await self.hook(token)).body["id"]
        async with open_chat(self.mongod, self.database_name, **QUICK) as other:
            for number in range(10):
                await self.send("a", str(number), token=token)
                self._wake_all(id, self.chat, other)
            await self.receiver.has(10)
        assert self.receiver.texts == [str(number) for number in range(10)]

    def _wake_all(self, id: str, *chats: Chat) -> None:
        for chat in chats:
            chat.hooks.deliverer.wake(id)


def _letter(url: str) -> Any:
    return Letter(url, {"Content-Type": "application/json"}, b"{}")
