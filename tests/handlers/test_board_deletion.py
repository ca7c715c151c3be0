"""Drawing boards: what is deleted does not come back, whenever that happens."""

import asyncio
from typing import Any

from tornado.testing import gen_test

from tests.handlers.test_board import StoredBoardCase
from tests.replacing import replace_methods
from tests.rooms import new_key


class BoardDeletionTest(StoredBoardCase):
    async def delete(self, token: str, target: int) -> None:
        answer = await self.command("a", token=token, type="delete", key=new_key(), target=target)
        assert answer.status == 200, answer

    @gen_test
    async def test_while_the_board_sleeps(self) -> None:
        """It is in the stored picture alone, and leaves that with the next look."""
        ann = self.token("ann")
        await self.strokes(1, ann)
        await self.board("a")
        await self.strokes(5, ann, first=1)
        await self.chat.house.boards.settled()
        self.sleep()
        await self.delete(ann, 1)
        assert b'"s0"' in self.picture_left()
        assert await self.names("a") == ["s1", "s2", "s3", "s4", "s5"]
        await self.chat.house.boards.settled()
        assert b'"s0"' not in self.picture_left() and b'"s1"' in self.picture_left()

    @gen_test
    async def test_while_the_picture_is_being_stored(self) -> None:
        """What was stored before or not until then; it is stored once more."""
        ann = self.token("ann")
        await self.strokes(6, ann)
        await self.board("a")
        await self.chat.house.boards.settled()
        store = self.chat.house.boards._store
        save, gate, saving = store.save, asyncio.Event(), asyncio.Event()

        async def held(*given: Any) -> bool:
            saving.set()
            await gate.wait()
            return await save(*given)

        replace_methods(store, save=held)
        await self.strokes(6, ann, first=6)
        await saving.wait()
        for target in (1, 12):
            await self.delete(ann, target)
        gate.set()
        await self.chat.house.boards.settled()
        for gone in (b'"s0"', b'"s11"'):
            assert gone not in self.picture_left()
        assert await self.names("a") == [f"s{n}" for n in range(1, 11)]

    @gen_test
    async def test_while_its_data_are_still_there(self) -> None:
        """The board wakes between the deletion and the removal of what it names."""
        ann = self.token("ann")
        await self.strokes(2, ann)
        redact, gate, redacting = self.chat.history.redact, asyncio.Event(), asyncio.Event()

        async def held(*given: Any) -> None:
            redacting.set()
            await gate.wait()
            await redact(*given)

        replace_methods(self.chat.history, redact=held)
        deletion = asyncio.create_task(self.delete(ann, 1))
        await redacting.wait()
        assert self.data_left() == [1, 2]
        assert await self.names("a") == ["s1"]
        gate.set()
        await deletion
        assert await self.names("a") == ["s1"]
