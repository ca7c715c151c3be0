"""House: the parts that rooms need, joined."""

from typing import Any

import pytest

from chat.database import DatabaseError
from chat.errors import Unavailable
from tests.chats import open_chat
from tests.mongo import SessionMongod
from tests.replacing import replace_methods


async def test_it_does_not_start_without_its_rooms(mongod: SessionMongod, database: str) -> None:
    """When what an earlier server left cannot be read, that is one line for the user."""
    async with open_chat(mongod, database) as chat:

        async def away() -> Any:
            raise Unavailable("away")

        replace_methods(chat.history.rooms, doomed=away)
        with pytest.raises(DatabaseError, match="rooms cannot be read"):
            await chat.house.prepare()
