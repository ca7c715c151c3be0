"""Drawing boards: strokes as messages, the picture for who comes late, and what is kept of it."""

from typing import Any, ClassVar

import msgspec
from tornado.testing import ExpectLog, gen_test

from chat.errors import Unavailable
from chat.events import Binding, Client, bindings_in, on_message
from chat.kinds import Kind, kind, kinds_in
from chat.policy import Policy
from chat.protocol import Send
from chat.times import DAY
from tests.cases import Answer, ChatTestCase
from tests.replacing import replace_methods
from tests.rooms import new_key

PLACE = {"tool": "pen", "colour": "#1b2523", "width": 40}


def stroke(name: str = "s", part: int = 0, *, done: bool = True, points: int = 1) -> dict[str, Any]:
    data = {"stroke": name, "part": part, "points": [10, -20, 50] * points, "done": done, **PLACE}
    return {"kind": "board.stroke", "data": data}


UNDO = {"kind": "board.undo", "data": {"stroke": "s"}}
CLEAR: dict[str, Any] = {"kind": "board.clear", "data": {}}
LEFT_OUT = ["board.stroke", "board.undo", "board.clear"]


class BoardCase(ChatTestCase):
    async def draw(self, room: str, token: str, *messages: dict[str, Any]) -> None:
        for each in messages:
            answer = await self.command(room, token=token, type="send", key=new_key(), **each)
            assert answer.status == 200, answer

    async def board(self, room: str, token: str = "") -> Answer:
        return await self.call("GET", f"/api/rooms/{room}/board", token=token)

    async def names(self, room: str) -> list[str]:
        """The strokes that are to be seen."""
        return [each["stroke"] for each in (await self.board(room)).body["strokes"]]


class BoardTest(BoardCase):
    @gen_test
    async def test_a_late_comer_is_given_the_picture(self) -> None:
        """As it is now, and up to which entry; what comes after is the rest of it."""
        ann, bob = self.token("ann"), self.token("bob")
        await self.draw("a", ann, stroke("one", done=False), stroke("one", 1), stroke("gone"))
        await self.draw("a", bob, stroke("two"))
        await self.send("a", "look", token=ann)
        await self.draw("a", ann, {"kind": "board.undo", "data": {"stroke": "gone"}})
        answer = await self.board("a", bob)
        assert answer.status == 200
        ids = [(await self.call("GET", "/api/session", token=token)).body["user"]["id"] for token in (ann, bob)]
        assert answer.body == {
            "room": "a",
            "epoch": (await self.page("a")).body["epoch"],
            "seq": 6,
            "strokes": [
                {"stroke": "one", "user": ids[0], "parts": 2, "done": True, **PLACE},
                {"stroke": "two", "user": ids[1], "parts": 1, "done": True, **PLACE},
            ],
            "parts": [[1, 0, [10, -20, 50]], [2, 0, [10, -20, 50]], [4, 1, [10, -20, 50]]],
            "clear": True,
        }

    @gen_test
    async def test_a_picture_follows_what_is_drawn(self) -> None:
        """Once somebody has looked at it, without the log being read again."""
        ann = self.token("ann")
        await self.draw("a", ann, stroke("one"))
        assert await self.names("a") == ["one"]
        self.connection.database.client.close()  # the entry is published, and what is asked for is in memory
        room = self.awake("a")
        assert room is not None
        entry = msgspec.structs.replace(room.tail.entries()[-1], seq=2, key=new_key(), data=stroke("two")["data"])
        room.publish([entry])
        assert await self.names("a") == ["one", "two"]

    @gen_test
    async def test_what_does_not_fit_is_refused_over_every_transport(self) -> None:
        """`bad_request` with what is wrong, and no room is made for it."""
        ann = self.token("ann")
        wrong = {"kind": "board.stroke", "data": {**stroke()["data"], "width": "thick"}}
        answers = [
            await self.call("POST", "/api/rooms/a/messages", {"key": new_key(), **wrong}, token=ann),
            await self.command("a", token=ann, type="send", key=new_key(), **wrong),
            await self.command("a", token=ann, type="signal", kind="board.cursor", data={"x": 1}),
        ]
        assert [(answer.status, answer.code) for answer in answers[:2]] == [(400, "bad_request")] * 2
        assert answers[0].reason == "That is no board.stroke: Expected 'int', got 'str' - at '$.width'."
        assert answers[2].status == 404  # there is no such room
        client = await self.socket("bob")
        reply = await client.ask(type="send", room="a", key=new_key(), **wrong)
        assert (reply["code"], reply["reason"]) == ("bad_request", answers[0].reason)
        assert self.stored() == {"entries": [], "rooms": []}

    @gen_test
    async def test_a_socket_passes_on_where_one_points(self) -> None:
        """A signal reaches those in the room and is stored nowhere; one that does not fit or is large is refused."""
        ann, bob = await self.socket("ann", room="a"), await self.socket("bob", room="a")
        await ann.say(type="signal", room="a", kind="board.cursor", data={"x": 10, "y": -3})
        heard = await bob.hear("signal")
        assert (heard["room"], heard["user"]["name"], heard["kind"]) == ("a", "ann", "board.cursor")
        assert heard["data"] == {"x": 10, "y": -3}
        assert (await self.page("a")).body["seq"] == 0
        wrong = await ann.ask(type="signal", room="a", kind="board.cursor", data={"x": 10})
        assert (wrong["code"], wrong["reason"][:23]) == ("bad_request", "That is no board.cursor")
        large = await ann.ask(type="signal", room="a", kind="else", data={"x": "x" * 2_000})
        assert large["code"] == "too_large"
        outside = await ann.ask(type="signal", room="b", kind="else", data={})
        assert outside["code"] == "bad_request"

    @gen_test
    async def test_one_can_do_without_what_is_drawn(self) -> None:
        """In pages, as a newcomer and when one comes back: what is said is there, and no stroke is."""
        ann = self.token("ann")
        await self.send("a", "before", token=ann)
        await self.draw("a", ann, *(stroke(str(n)) for n in range(7)))
        await self.send("a", "after", token=ann)
        page = (await self.page("a", without=LEFT_OUT[0], limit=2)).body
        assert [entry["text"] for entry in page["entries"]] == ["before", "after"]
        assert (page["more"], page["seq"]) == (False, 9)
        assert (await self.page("a", without="board.stroke", before=9)).body["entries"][0]["text"] == "before"
        client = await self.socket("bob")
        new = await client.ask(type="subscribe", room="a", without=LEFT_OUT, history=2)
        assert [entry["text"] for entry in new["entries"]] == ["before", "after"]
        back = await client.ask(type="subscribe", room="a", without=LEFT_OUT, after=1)
        assert ([entry["text"] for entry in back["entries"]], back["gap"], back["seq"]) == (["after"], None, 9)
        for wrong in (["A"], ["a"] * 21):
            reply = await client.ask(type="subscribe", room="a", without=wrong)
            assert reply["code"] == "bad_request", reply
        assert (await self.call("GET", "/api/rooms/a/messages?" + "without=a&" * 21)).code == "bad_request"

    @gen_test
    async def test_clearing_is_for_moderators_where_somebody_owns_the_room(self) -> None:
        """And for everybody where nobody does."""
        guest, owner = self.token("guest"), await self.account("owner")
        await self.draw("free", guest, stroke(), CLEAR)
        assert await self.names("free") == []
        await self.call("POST", "/api/rooms", {"name": "owned"}, token=owner)
        await self.draw("owned", guest, stroke())
        refused = await self.command("owned", token=guest, type="send", key=new_key(), **CLEAR)
        assert (refused.status, refused.code) == (403, "forbidden")
        may = [(await self.board("owned", token)).body["clear"] for token in (guest, owner)]
        assert may == [False, True]
        await self.draw("owned", owner, CLEAR)
        assert await self.names("owned") == []

    @gen_test
    async def test_what_was_taken_away_does_not_come_back(self) -> None:
        """Neither an undoing nor a clearing can be deleted; a deleted part ends its stroke."""
        ann = self.token("ann")
        await self.draw(
            "a", ann, stroke(done=False), stroke(part=1), UNDO, CLEAR, stroke("t", done=False), stroke("t", 1)
        )
        for target in (3, 4):
            answer = await self.command("a", token=ann, type="delete", key=new_key(), target=target)
            assert (answer.status, answer.code) == (400, "bad_request")
        await self.board("a")
        assert (await self.command("a", token=ann, type="delete", key=new_key(), target=6)).status == 200
        assert [each["parts"] for each in (await self.board("a")).body["strokes"]] == [1]

    @gen_test
    async def test_slow_mode_does_not_hold_up_hands(self) -> None:
        """What is drawn is no talk; what is said waits as ever."""
        owner, ann = await self.account("owner"), self.token("ann")
        await self.call("POST", "/api/rooms", {"name": "a"}, token=owner)
        await self.call("PATCH", "/api/rooms/a", {"slow": 60}, token=owner)
        await self.send("a", "one", token=ann)
        await self.draw("a", ann, stroke("one"), stroke("two"))
        answer = await self.command("a", token=ann, type="send", key=new_key(), text="two")
        assert answer.code == "rate_limited"

    @gen_test
    async def test_a_pair_may_draw_and_nothing_is_stored(self) -> None:
        """In a room that lives in memory alone its picture does as well."""
        room = self.chat.registry.hold("a pair", Policy())
        await self.draw(room.name, self.token("ann"), stroke("one"))
        assert await self.names(room.name) == ["one"]
        assert self.stored()["entries"] == []


@kind("poll.vote")
class Vote(msgspec.Struct, forbid_unknown_fields=True):
    option: int


class KindsTest(ChatTestCase):
    def kinds(self) -> list[Kind]:
        return kinds_in({"Vote": Vote})

    def bindings(self) -> list[Binding]:
        @on_message(room="^spoilt")
        def spoil(client: Client, context: dict[str, Any], message: Send) -> Send:
            return msgspec.structs.replace(message, data={"option": "none"})

        return bindings_in({"spoil": spoil})

    @gen_test
    async def test_a_plug_ins_kind_is_checked(self) -> None:
        """Messages and signals alike, and what another function of a plug-in has made of them."""
        client = await self.socket("ann", room="a")
        for data, code in (({"option": 1}, None), ({"option": "1"}, "bad_request"), ({}, "bad_request")):
            vote = {"room": "a", "kind": "poll.vote", "data": data}
            reply = await client.ask(type="send", key=new_key(), **vote)
            assert reply.get("code") == code, reply
        refused = await client.ask(type="signal", room="a", kind="poll.vote", data={"option": None})
        assert refused["reason"].startswith("That is no poll.vote: ")
        spoilt = await client.ask(type="send", room="spoilt", key=new_key(), kind="poll.vote", data={"option": 1})
        assert spoilt["code"] == "bad_request"
        anything = await client.ask(type="send", room="a", key=new_key(), kind="poll.other", data={"option": "1"})
        assert anything["type"] == "ack"
        assert (await self.page("a")).body["seq"] == 2


class FullBoardTest(BoardCase):
    settings: ClassVar[dict[str, Any]] = {"board_size": 1_000}

    @gen_test
    async def test_a_full_board_takes_nothing_more(self) -> None:
        """Until something is taken away from it."""
        ann = self.token("ann")
        await self.draw("a", ann, stroke("s"))
        await self.board("a")
        await self.draw("a", ann, *(stroke(f"s{n}") for n in range(3)))
        refused = await self.command("a", token=ann, type="send", key=new_key(), **stroke("more"))
        assert (refused.status, refused.code) == (413, "too_large")
        await self.draw("a", ann, UNDO, stroke("more"))
        assert await self.names("a") == ["s0", "s1", "s2", "more"]


class CrowdedBoardsTest(BoardCase):
    settings: ClassVar[dict[str, Any]] = {"boards_at_hand": 1}

    @gen_test
    async def test_so_many_pictures_are_in_memory(self) -> None:
        """The one that nobody has asked for the longest is read anew when somebody does."""
        ann = self.token("ann")
        for room in ("a", "b"):
            await self.draw(room, ann, stroke("one"))
            await self.board(room)
        assert [len(room.followers) for room in self.chat.registry] == [0, 1]
        await self.draw("a", ann, stroke("two"))
        assert await self.names("a") == ["one", "two"]
        assert [len(room.followers) for room in self.chat.registry] == [1, 0]


class StoredBoardCase(BoardCase):
    settings: ClassVar[dict[str, Any]] = {"board_strokes": 5}

    async def strokes(self, count: int, token: str, *, first: int = 0) -> None:
        await self.draw("a", token, *(stroke(f"s{n}") for n in range(first, first + count)))

    def picture_left(self) -> bytes:
        """What the store has of pictures."""
        chunks = self.mongod.client[self.database_name]["boards"].find({"part": {"$exists": True}})
        return b"".join(chunk["part"] for chunk in chunks)

    def data_left(self) -> list[int]:
        """The entries of the store that have data."""
        return [entry["seq"] for entry in self.stored()["entries"] if "data" in entry]

    def sleep(self) -> None:
        """Everything is as after a start of the server."""
        for key in [room.key for room in self.chat.registry]:
            self.chat.registry.in_memory.drop(key)
        self.chat.house.boards.drop_idle()


class CompactionTest(StoredBoardCase):
    @gen_test
    async def test_the_log_gives_up_what_is_in_the_picture(self) -> None:
        """Past so many strokes; messages stay, no number is missing, and the picture is the same after a start."""
        ann = self.token("ann")
        await self.strokes(3, ann)
        await self.board("a")
        await self.send("a", "look", token=ann)
        await self.strokes(3, ann, first=3)
        await self.chat.house.boards.settled()
        await self.strokes(1, ann, first=6)
        before = (await self.board("a")).body
        assert len(before["strokes"]) == 7
        assert self.data_left() == [8]
        client = await self.socket("bob")
        reply = await client.ask(type="subscribe", room="a", after=0)
        self.sleep()
        assert (await self.board("a")).body == before
        reply = await client.ask(type="subscribe", room="a", after=0)
        assert [entry["seq"] for entry in reply["entries"]] == list(range(1, 9))
        assert reply["entries"][3]["text"] == "look"
        assert "data" not in reply["entries"][0]

    @gen_test
    async def test_a_death_between_the_two_steps_loses_nothing(self) -> None:
        """The picture is stored and the log not yet stripped: the next look makes up for it."""
        ann = self.token("ann")
        await self.board("a")
        strip = self.chat.history.strip_drawn

        async def fail(*_: object) -> None:
            raise Unavailable("the test says so")

        replace_methods(self.chat.history, strip_drawn=fail)
        with ExpectLog("parley.boards", "the board of 'a' could not be stored"):
            await self.strokes(1, ann)
            await self.board("a")
            await self.strokes(5, ann, first=1)
            await self.chat.house.boards.settled()
        assert len(self.data_left()) == 6
        before = (await self.board("a")).body
        self.sleep()
        replace_methods(self.chat.history, strip_drawn=strip)
        assert (await self.board("a")).body == before
        await self.chat.house.boards.settled()
        assert self.data_left() == []
        self.sleep()
        assert (await self.board("a")).body == before

    @gen_test
    async def test_what_is_deleted_leaves_the_stored_picture_too(self) -> None:
        """A stroke that is only in the stored picture any more goes from there."""
        ann = self.token("ann")
        await self.strokes(1, ann)
        await self.board("a")
        await self.strokes(5, ann, first=1)
        await self.chat.house.boards.settled()
        assert (await self.command("a", token=ann, type="delete", key=new_key(), target=1)).status == 200
        await self.chat.house.boards.settled()
        self.sleep()
        assert await self.names("a") == ["s1", "s2", "s3", "s4", "s5"]
        assert b'"s0"' not in self.picture_left() and b'"s1"' in self.picture_left()

    @gen_test
    async def test_what_is_forgotten_leaves_the_stored_picture_of_a_room_asleep(self) -> None:
        """A room that keeps its entries for some days keeps no strokes from before."""
        owner = await self.account("owner")
        await self.call("POST", "/api/rooms", {"name": "a", "lifetime": 1}, token=owner)
        await self.strokes(1, owner)
        await self.board("a")
        await self.strokes(5, owner, first=1)
        await self.chat.house.boards.settled()
        database = self.mongod.client[self.database_name]
        database["entries"].update_many({"seq": {"$lte": 4}}, {"$inc": {"at": -2 * DAY}})
        self.sleep()
        await self.chat.house.lifetimes.forget_old()
        assert b'"s3"' not in self.picture_left() and b'"s4"' in self.picture_left()
        assert await self.names("a") == ["s4", "s5"]

    @gen_test
    async def test_a_deleted_room_leaves_no_picture(self) -> None:
        """Nothing is left of it in the store."""
        owner = await self.account("owner")
        await self.call("POST", "/api/rooms", {"name": "a"}, token=owner)
        await self.strokes(1, owner)
        await self.board("a")
        await self.strokes(5, owner, first=1)
        await self.chat.house.boards.settled()
        database = self.mongod.client[self.database_name]
        assert database["boards"].count_documents({}) == 2
        assert (await self.call("DELETE", "/api/rooms/a", token=owner)).status == 204
        assert database["boards"].count_documents({}) == 0
