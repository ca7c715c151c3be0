"""Too much at once, over each transport: refused with a time to wait, and closed where it does not end."""

from typing import Any, ClassVar

from tornado.testing import gen_test
from websockets.exceptions import InvalidStatus

from tests.cases import Answer, ChatTestCase
from tests.rooms import new_key
from tests.waiting import until


def is_too_much(answer: Answer) -> bool:
    """Whether it is a 429 that says when to come back."""
    return answer.status == 429 and answer.code == "rate_limited" and int(answer.headers["Retry-After"]) >= 1


class PersonTest(ChatTestCase):
    settings: ClassVar[dict[str, Any]] = {"person_rate": "0.01/3", "typing_rate": "0.01/2"}

    @gen_test
    async def test_a_socket_is_told_when_to_send_again(self) -> None:
        """After the burst a message is refused with `retry_after`; others, and reading, go on."""
        ann, bob = await self.socket("ann", room="a"), await self.socket("bob", room="a")
        for text in "123":
            assert (await ann.ask(type="send", room="a", key=new_key(), text=text))["type"] == "ack"
        for command in (
            {"type": "send", "text": "4"},
            {"type": "edit", "target": 1, "text": "4"},
            {"type": "delete", "target": 1},
            {"type": "react", "target": 1, "emoji": "👍"},
        ):
            refused = await ann.ask(**command, room="a", key=new_key())
            assert (refused["type"], refused["code"]) == ("error", "rate_limited"), command
            assert 0 < refused["retry_after"] <= 100
        assert (await bob.ask(type="send", room="a", key=new_key(), text="me"))["type"] == "ack"
        assert (await ann.hear_where(lambda heard: heard.get("text") == "me"))["seq"] == 4

    @gen_test
    async def test_what_is_stored_costs_nothing(self) -> None:
        """A key that is sent again is answered with its entry, however often, and takes no token."""
        token, key = self.token("ann"), new_key()
        seq = await self.send("a", "1", token=token, key=key)
        for _ in range(10):
            answer = await self.call("POST", "/api/rooms/a/messages", {"text": "1", "key": key}, token=token)
            assert (answer.status, answer.body["seq"]) == (200, seq)
        client = await self.socket(token=token, room="a")
        for _ in range(10):
            assert (await client.ask(type="send", room="a", key=key, text="1"))["seq"] == seq
        await self.send("a", "2", token=token)
        await self.send("a", "3", token=token)

    @gen_test
    async def test_a_person_is_one_over_all_transports(self) -> None:
        """What was sent over a socket counts for requests too."""
        token = self.token("ann")
        client = await self.socket(token=token, room="a")
        for text in "123":
            await client.ask(type="send", room="a", key=new_key(), text=text)
        body = {"text": "4", "key": new_key()}
        assert is_too_much(await self.call("POST", "/api/rooms/a/messages", body, token=token))
        assert is_too_much(await self.command("a", token=token, type="delete", target=1, key=new_key()))
        assert (await self.page("a", token=token)).body["seq"] == 3

    @gen_test
    async def test_notes_are_bounded(self) -> None:
        """Typing and reading, over a socket and by requests."""
        token = self.token("ann")
        client = await self.socket(token=token, room="a")
        for command in ({"type": "typing"}, {"type": "read", "seq": 0}):
            assert (await self.command("a", token=token, **command)).status == 204
        assert is_too_much(await self.command("a", token=token, type="typing"))
        assert (await client.ask(type="read", room="a", seq=0))["code"] == "rate_limited"

    @gen_test
    async def test_shows_in_the_metrics(self) -> None:
        """Who watches the server sees which limit was met, and how often."""
        client = await self.socket("ann", room="a")
        for text in "12345":
            await client.ask(type="send", room="a", key=new_key(), text=text)
        metrics = (await self.call("GET", "/metrics")).body.decode()
        assert 'parley_rate_limited_total{limit="person"} 2.0' in metrics


class RoomTest(ChatTestCase):
    settings: ClassVar[dict[str, Any]] = {"room_rate": "0.01/2"}

    @gen_test
    async def test_a_room_takes_so_much_from_all_together(self) -> None:
        """The third message is refused whoever sends it, and in another room it is taken."""
        tokens = [self.token(name) for name in ("ann", "bob", "cid")]
        for token in tokens[:2]:
            await self.send("a", "hi", token=token)
        body = {"text": "hi", "key": new_key()}
        assert is_too_much(await self.call("POST", "/api/rooms/a/messages", body, token=tokens[2]))
        await self.send("b", "hi", token=tokens[2])


class AddressTest(ChatTestCase):
    settings: ClassVar[dict[str, Any]] = {
        "address_rate": "0.01/2",
        "sign_in_rate": "0.01/2",
        "making_rate": "0.01/2",
        "clients_per_address": 2,
    }

    @gen_test
    async def test_new_names_do_not_help(self) -> None:
        """What comes from one address is bounded, whoever it says it is."""
        for name in ("ann", "bob"):
            client = await self.socket(name, room="a")
            assert (await client.ask(type="send", room="a", key=new_key(), text="hi"))["type"] == "ack"
            await client.close()
        body = {"text": "hi", "key": new_key()}
        assert is_too_much(await self.call("POST", "/api/rooms/a/messages?username=cid", body))

    @gen_test
    async def test_new_rooms_are_bounded(self) -> None:
        """Neither visits nor messages make more rooms than that; rooms that are there can be entered."""
        token = self.token("ann")
        client = await self.socket(token=token, room="a")
        assert (await client.ask(type="subscribe", room="b"))["type"] == "subscribed"
        assert (await client.ask(type="subscribe", room="c"))["code"] == "rate_limited"
        assert (await client.ask(type="send", room="d", key=new_key(), text="hi"))["code"] == "rate_limited"
        assert is_too_much(await self.poll("e", token=token, after=0))
        assert is_too_much(await self.call("GET", "/api/stream?room=e", token=token))
        assert {document["_id"] for document in self.stored()["rooms"]} == {"a", "b"}
        assert (await client.ask(type="subscribe", room="b"))["changed"] is False

    @gen_test
    async def test_connections_are_bounded(self) -> None:
        """One more from the same address is refused over each transport, and let in when another has gone."""
        clients = [await self.socket(name, room="a") for name in ("ann", "bob")]
        try:
            await self.raw_socket("/ws?username=cid")
            raise AssertionError("it was let in")
        except InvalidStatus as refused:
            assert refused.response.status_code == 429
        assert is_too_much(await self.poll("a", name="cid", after=0))
        assert is_too_much(await self.call("GET", "/api/stream?room=a&username=cid"))
        await clients[0].close()
        await until(lambda: len(self.chat.clients) == 1)
        assert (await self.poll("a", name="cid", after=-1)).status == 200


class FloodTest(ChatTestCase):
    settings: ClassVar[dict[str, Any]] = {"person_rate": "0.01/1", "refusal_rate": "0.01/5"}

    @gen_test
    async def test_who_goes_on_and_on_is_closed(self) -> None:
        """After so many refusals the socket is closed with 4429; one who heeds them stays."""
        client, other = await self.socket("ann", room="a"), await self.socket("bob", room="a")
        for sender in (client, other):
            await sender.ask(type="send", room="a", key=new_key(), text="1")
        for _ in range(3):
            assert (await other.ask(type="send", room="a", key=new_key(), text="2"))["code"] == "rate_limited"
        for _ in range(6):
            await client.say(type="send", room="a", key=new_key(), text="2")
        assert await client.closed() == 4429
        assert [heard["code"] for heard in client.told("error")] == ["rate_limited"] * 6
        assert client.told("error")[-1]["retry_after"] > 0
        assert (await other.ask(type="ping"))["type"] == "pong"


class BannedAddressTest(ChatTestCase):
    @gen_test
    async def test_a_banned_address_is_refused_everywhere(self) -> None:
        """Pages, calls, polls, streams and sockets answer 403 and say until when; other ranges change nothing."""
        token = self.token("ann")
        by = self.chat.people.guest("admin").author
        await self.chat.bans.ban_range("192.0.2.0/24", by, seconds=60, reason="")
        assert (await self.call("GET", "/")).status == 200
        await self.chat.bans.ban_range("127.0.0.0/8", by, seconds=60, reason="spam")
        for path in ("/", "/chat/a", "/api/session", "/api/rooms", "/api/poll?room=a&after=0", "/api/stream?room=a"):
            answer = await self.call("GET", path, token=token)
            assert answer.status == 403, path
        assert answer.code == "forbidden"
        assert answer.reason.startswith("Your address is banned until ") and answer.reason.endswith(": spam.")
        assert (await self.call("POST", "/api/session", {"name": "bob"})).status == 403
        try:
            await self.raw_socket("/ws?username=cid")
            raise AssertionError("it was let in")
        except InvalidStatus as refused:
            assert refused.response.status_code == 403
        await self.chat.bans.lift_range("127.0.0.0/8")
        assert (await self.call("GET", "/api/rooms", token=token)).status == 200
