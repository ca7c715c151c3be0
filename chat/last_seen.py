"""When something stored was last used: noted in memory, stored together every so often."""

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne

from chat.database import Document, mongo_errors
from chat.errors import Unavailable
from chat.times import now


class LastSeen:
    """Fills the field `seen` (milliseconds since the Unix epoch) of a collection's documents, and `address` if one is
    noted."""

    def __init__(self, collection: "AsyncIOMotorCollection[Document]") -> None:
        self._collection = collection
        self._noted: dict[str, tuple[int, str]] = {}

    def note(self, id: str, address: str = "") -> None:
        self._noted[id] = (now(), address)

    async def store(self) -> None:
        """Stores what was noted; raises Unavailable, and keeps it for another time."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        updates = [
            UpdateOne({"_id": id}, {"$max": {"seen": at}} | ({"$set": {"address": address}} if address else {}))
            for id, (at, address) in noted.items()
        ]
        try:
            async with mongo_errors():
                await self._collection.bulk_write(updates, ordered=False)
        except Unavailable:
            self._noted = noted | self._noted
            raise
