"""Events for developers: functions of a plug-in that are told what happens, over every transport."""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from tornado.testing import ExpectLog, gen_test

from chat.errors import Forbidden, NotFound
from chat.events import (
    Binding,
    Client,
    Decorator,
    bindings_in,
    on_connect,
    on_disconnect,
    on_error,
    on_finish,
    on_message,
    on_start,
    on_subscribe,
    on_unsubscribe,
)
from chat.protocol import Send
from chat.registry import RoomRegistry
from tests.cases import ChatTestCase
from tests.rooms import new_key
from tests.waiting import until

Context = dict[str, Any]


class Recorder:
    """A plug-in that writes down what it is told."""

    def __init__(self) -> None:
        told: list[tuple[Any, ...]] = []
        self.told = told

        @on_connect
        def connected(client: Client, context: Context) -> None:
            context["name"] = client.user.name
            told.append(("connect", client.user.name))

        @on_subscribe
        async def subscribed(client: Client, context: Context, room: str) -> None:
            await asyncio.sleep(0.01)
            told.append(("subscribe", context["name"], room))

        @on_unsubscribe
        def unsubscribed(client: Client, context: Context, room: str) -> None:
            told.append(("unsubscribe", context["name"], room))

        @on_disconnect
        def disconnected(client: Client, context: Context) -> None:
            told.append(("disconnect", context["name"]))

        @on_finish
        async def finished(client: Client, context: Context) -> None:
            await asyncio.sleep(0.01)
            told.append(("finish", context["name"]))

        self.namespace = vars() | {"again": connected}


class LifeTest(ChatTestCase):
    def bindings(self) -> list[Binding]:
        self.recorder = Recorder()
        return bindings_in(self.recorder.namespace)

    @gen_test
    async def test_a_connection_from_first_to_last(self) -> None:
        """What happens on one connection is told in its order, with a context that lasts as long as it."""
        ann = await self.socket("ann", room="a")
        await ann.say(type="subscribe", room="b")
        await ann.ask(type="unsubscribe", room="a")
        ann.cut()
        expected = [
            ("connect", "ann"),
            ("subscribe", "ann", "a"),
            ("subscribe", "ann", "b"),
            ("unsubscribe", "ann", "a"),
            ("unsubscribe", "ann", "b"),
            ("disconnect", "ann"),
            ("finish", "ann"),
        ]
        await until(lambda: self.recorder.told == expected)

    @gen_test
    async def test_a_stream_is_a_connection_and_a_poll_is_none(self) -> None:
        """An event stream is told of like a socket; single requests come and go untold."""
        await self.poll("a", name="bob", after=-1)
        stream = await self.stream("a", name="ann", after=0)
        await stream.hear("subscribed")
        stream.cut()
        await until(lambda: ("finish", "ann") in self.recorder.told)
        assert not [told for told in self.recorder.told if told[1] == "bob"]

    @gen_test
    async def test_the_servers_stop_is_told(self) -> None:
        """When the server stops, unsubscribe, disconnect and finish are told before it is gone."""
        await self.socket("ann", room="a")
        await until(lambda: len(self.recorder.told) == 2)
        for room in list(self.chat.registry):
            room.dismiss()
        await until(lambda: self.recorder.told[-1] == ("finish", "ann"))
        await self.chat.events.settled(1)
        assert self.recorder.told[2:] == [("unsubscribe", "ann", "a"), ("disconnect", "ann"), ("finish", "ann")]


class PlaceTest(ChatTestCase):
    """Functions bound to rooms, and to connections that are in none."""

    def bindings(self) -> list[Binding]:
        told: list[tuple[str, str]] = []
        self.told = told

        def bound(on: Decorator, room: str | None) -> Callable[..., None]:
            def tell(client: Client, context: Context, *more: Any) -> None:
                told.append((f"{on.kind} {room}", client.user.name))
                if more and isinstance(more[0], Send) and more[0].text == "broken":
                    raise RuntimeError("out of order")

            return on(room=room)(tell)

        everywhere = (on_connect, on_message, on_disconnect, on_finish, on_error)
        marked = [bound(on, room) for on in everywhere for room in (r"^support-", None)]
        return bindings_in(dict(zip(map(str, range(len(marked))), marked, strict=True)))

    @gen_test
    async def test_connections_in_a_room_and_in_none(self) -> None:
        """A connection counts for the rooms it comes for, is in, and was in when it went."""
        ann = await self.socket("ann", room="support-a")
        bob = await self.socket("bob")
        for client in (ann, bob):
            await client.ask(type="send", room="support-a", key=new_key(), text="hi")
            client.cut()
        await until(lambda: len([told for told in self.told if told[0].startswith("finish")]) == 2)
        assert [kind for kind, name in self.told if name == "ann"] == [
            "connect ^support-",
            "message ^support-",
            "disconnect ^support-",
            "finish ^support-",
        ]
        assert [kind for kind, name in self.told if name == "bob"] == [
            "connect None",
            "message ^support-",
            "message None",
            "disconnect None",
            "finish None",
        ]

    @gen_test
    async def test_errors_of_a_room(self) -> None:
        """What fails about a message in a room reaches the functions that are bound to it."""
        ann = await self.socket("ann", room="support-a")
        with ExpectLog("parley.events", "tell of .* failed"):
            await ann.ask(type="send", room="support-a", key=new_key(), text="broken")
        assert [kind for kind, _ in self.told][-1] == "error ^support-"

    def test_what_would_never_be_called(self) -> None:
        """One is always in the room that one comes to or leaves."""
        for on in (on_subscribe, on_unsubscribe):
            with self.assertRaisesRegex(TypeError, "always about a room"):
                on(room=None)


class StartTest(ChatTestCase):
    def bindings(self) -> list[Binding]:
        self.told: list[str] = []

        @on_start
        async def run(registry: RoomRegistry) -> None:
            try:
                while True:
                    await asyncio.sleep(0.01)
                    registry.broadcast({"beat": 1})
            finally:
                self.told.append("ended")

        @on_start
        def broken(registry: RoomRegistry) -> None:
            raise RuntimeError("out of order")

        return bindings_in(vars())

    @gen_test
    async def test_what_runs_beside_the_connections(self) -> None:
        """It begins with the server, tells whom it likes, and is ended with it; what fails is logged."""
        ann = await self.socket("ann")
        with ExpectLog("parley.events", "broken of .* failed"):
            self.chat.events.start(self.chat.registry)
            assert (await ann.hear("event"))["data"] == {"beat": 1}
        await self.chat.events.settled(1)
        assert self.told == ["ended"]


class MessageTest(ChatTestCase):
    settings: ClassVar = {"event_limit": 0.2}
    sender = ""

    def bindings(self) -> list[Binding]:
        errors: list[Exception] = []
        self.errors = errors

        @on_message(room=r"^support-")
        async def polite(client: Client, context: Context, message: Send) -> Send | None:
            if message.text == "rude":
                raise Forbidden("Be polite.")
            if message.text == "slow":
                await asyncio.sleep(5)
            if message.text == "broken":
                raise RuntimeError("out of order")
            return msgspec.structs.replace(message, text=f"{message.text}, please")

        @on_message(room=r"-desk$")
        def signed(client: Client, context: Context, message: Send) -> Send:
            context["count"] = context.get("count", 0) + 1
            assert client.broadcast_room("nobody-is-there", {}) == 0
            client.send({"count": context["count"]})
            return msgspec.structs.replace(message, text=f"{message.text} ({client.user.name})")

        @on_error
        def noted(client: Client, context: Context, error: Exception) -> None:
            errors.append(error)

        return bindings_in(vars())

    async def sent(self, room: str, text: str) -> str:
        if not self.sender:
            self.sender = self.token("ann")
        token = self.sender
        seq = await self.send(room, text, token=token)
        entries = (await self.page(room)).body["entries"]
        return str(next(entry["text"] for entry in entries if entry["seq"] == seq))

    @gen_test
    async def test_a_message_is_changed_before_it_is_stored(self) -> None:
        """Handlers bound to the room change it one after the other; other rooms are left alone."""
        assert await self.sent("support-a", "help") == "help, please"
        assert await self.sent("support-desk", "help") == "help, please (ann)"
        assert await self.sent("elsewhere", "help") == "help"

    @gen_test
    async def test_a_message_is_refused(self) -> None:
        """Its sender is told why, over every transport; nobody else hears of it."""
        bob = await self.socket("bob", room="support-a")
        ann = await self.socket("ann")
        answer = await ann.ask(type="send", room="support-a", key=new_key(), text="rude")
        assert (answer["code"], answer["reason"]) == ("forbidden", "Be polite.")
        body = {"key": new_key(), "text": "rude"}
        over_http = await self.call("POST", "/api/rooms/support-a/messages", body, token=self.token("cid"))
        assert (over_http.status, over_http.reason) == (403, "Be polite.")
        await ann.ask(type="send", room="support-a", key=new_key(), text="hi")
        assert (await bob.hear("message"))["text"] == "hi, please"

    @gen_test
    async def test_an_exception_costs_nobody_anything(self) -> None:
        """It is logged, `on_error` is told, and the message goes on as it was; a slow handler is given up."""
        with ExpectLog("parley.events", "polite of .* failed"):
            assert await self.sent("support-a", "broken") == "broken"
            assert await self.sent("support-a", "slow") == "slow"
        assert [type(error) for error in self.errors] == [RuntimeError, TimeoutError]

    @gen_test
    async def test_messages_keep_their_order(self) -> None:
        """What one connection sends at once is heard and stored in its order; its context counts it."""
        ann = await self.socket("ann", room="support-desk")
        for number in range(20):
            await ann.say(type="send", room="support-desk", key=new_key(), text=str(number))
        heard = [(await ann.hear("message"))["text"] for _ in range(20)]
        assert heard == [f"{number}, please (ann)" for number in range(20)]
        assert [(await ann.hear("event"))["data"]["count"] for _ in range(20)] == list(range(1, 21))

    @gen_test
    async def test_a_repeated_key_is_not_heard_again(self) -> None:
        """It is answered with the entry of then."""
        ann, key = await self.socket("ann"), new_key()
        first = await ann.ask(type="send", room="support-desk", key=key, text="once")
        again = await ann.ask(type="send", room="support-desk", key=key, text="once")
        assert first["seq"] == again["seq"]
        assert len([heard for heard in await ann.settled() if heard["type"] == "event"]) == 1


class AudienceTest(ChatTestCase):
    @gen_test
    async def test_telling_from_outside(self) -> None:
        """All, a room or a session can be told something; where nobody is there, that is an error."""
        token = (await self.call("POST", "/api/session", {"name": "ann"})).body["token"]
        ann = await self.socket(token=token, room="a")
        bob = await self.socket("bob", room="b")
        stream = await self.stream("a", name="cid", after=0)
        await stream.hear("subscribed")
        registry = self.chat.registry
        assert registry.broadcast({"n": 1}) == 3
        assert [(await client.hear("event"))["data"]["n"] for client in (ann, bob, stream)] == [1, 1, 1]
        assert registry.broadcast({"n": 2}, room="A") == 2
        assert (await ann.hear("event")) == {"type": "event", "room": "a", "data": {"n": 2}}
        assert (await stream.hear("event"))["data"] == {"n": 2}
        session = next(waiter.caller.session for waiter in self.chat.clients if waiter.user.name == "ann")
        assert registry.send_to(session, {"n": 3}) == 1
        assert (await ann.hear("event"))["data"] == {"n": 3}
        for nobody in (lambda: registry.broadcast({}, room="c"), lambda: registry.send_to("x", {})):
            with self.assertRaises(NotFound):
                nobody()
        assert [heard["data"] for heard in await bob.settled() if heard["type"] == "event"] == []
