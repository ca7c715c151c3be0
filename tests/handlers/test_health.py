"""/healthz."""

from typing import ClassVar

from tornado.testing import gen_test

from tests.cases import ChatTestCase
from tests.mongo import SHORT_TIMEOUT


class HealthTest(ChatTestCase):
    settings: ClassVar = {"mongo_timeout": SHORT_TIMEOUT}

    @gen_test
    async def test_is_well(self) -> None:
        """200 while it serves and MongoDB answers, for whoever asks."""
        answer = await self.call("GET", "/healthz")
        assert (answer.status, answer.body) == (200, {"status": "ok"})

    @gen_test
    async def test_is_unwell_without_mongodb(self) -> None:
        """503 with the reason, within a second or so, and well again when MongoDB is back."""
        with self.mongod.stalled():
            answer = await self.call("GET", "/healthz")
            assert (answer.status, answer.body["status"]) == (503, "unavailable")
        assert "MongoDB" in answer.body["reason"]
        assert (await self.call("GET", "/healthz")).status == 200

    @gen_test
    async def test_is_unwell_while_it_stops(self) -> None:
        """503 as soon as it has begun to stop."""
        assert (await self.call("GET", "/healthz")).status == 200
        self.chat.stopping.set()
        answer = await self.call("GET", "/healthz")
        assert (answer.status, answer.body["reason"]) == (503, "The server is stopping.")


class PatientHealthTest(ChatTestCase):
    settings: ClassVar = {"mongo_timeout": 30}

    @gen_test
    async def test_answers_within_a_second(self) -> None:
        """However patient the server is with MongoDB, who asks is not kept waiting."""
        with self.mongod.stalled():
            begin = self.io_loop.time()
            answer = await self.call("GET", "/healthz")
            took = self.io_loop.time() - begin
        assert answer.status == 503
        assert took < 10
