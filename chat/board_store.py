"""BoardStore: the stored pictures of drawing boards. The only module that knows their collection."""

import msgspec
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError, PyMongoError

from chat.board import Snapshot
from chat.database import STORED_FOR_GOOD, Database, Document, mongo_errors, unusable

# A document of MongoDB has 16 MiB at most (MongoDB manual, "MongoDB Limits"); smaller ones keep its cache in motion.
CHUNK = 4 * 1024 * 1024


class Stored(msgspec.Struct, frozen=True):
    """A picture from the store; `made` names it, `stripped` says that the log holds no more of what it was made
    from."""

    snapshot: Snapshot
    made: str
    stripped: bool


class BoardStore:
    """Pictures in `boards`, in chunks: of each room one document says which of them count. Every call raises
    Unavailable while MongoDB is away.

    What a picture was made from may be taken out of the log once `save` has returned, and is, until `stripped` says so.
    """

    def __init__(self, database: Database) -> None:
        self._boards = database.get_collection("boards", **STORED_FOR_GOOD)

    async def prepare(self) -> None:
        """Makes the index; raises DatabaseError."""
        try:
            await self._boards.create_index(
                [("log", ASCENDING), ("made", ASCENDING), ("chunk", ASCENDING)], name="chunks"
            )
        except PyMongoError as error:
            raise unusable(error) from None

    async def load(self, log: str, epoch: str) -> Stored | None:
        """The picture of a room's epoch, if there is one."""
        while True:
            async with mongo_errors():
                head = await self._boards.find_one({"_id": log, "epoch": epoch})
                if head is None:
                    return None
                which = {"log": log, "made": head["made"]}
                chunks = await self._boards.find(which).sort("chunk", ASCENDING).to_list(None)
            if len(chunks) == head["chunks"]:  # else there is a later one by now
                picture = b"".join(chunk["part"] for chunk in chunks)
                snapshot = msgspec.json.decode(picture, type=Snapshot)
                return Stored(snapshot, head["made"], head["stripped"] >= head["current"])

    async def is_current(self, log: str, epoch: str, made: str) -> bool:
        """Whether there is still no later picture than that one; of none the name is empty."""
        async with mongo_errors():
            head = await self._boards.find_one({"_id": log, "epoch": epoch}, {"made": True})
        return (head["made"] if head else "") == made

    async def save(self, log: str, epoch: str, made: str, snapshot: Snapshot) -> bool:
        """Keeps a picture, durably, in place of one from before it; `made` is a text of its own. False if there is a
        later one.

        Of two that say the same `seq` the later call's counts: it may know of something that is no more.
        """
        picture = msgspec.json.encode(snapshot)
        starts = range(0, len(picture), CHUNK)
        chunks: list[Document] = [
            {
                "log": log,
                "seq": snapshot.seq,
                "made": made,
                "chunk": f"{made}/{number:06}",
                "part": picture[at : at + CHUNK],
            }
            for number, at in enumerate(starts)
        ]
        head = {"epoch": epoch, "current": snapshot.seq, "made": made, "chunks": len(chunks), "stripped": 0}
        older: Document = {"_id": log, "$or": [{"epoch": {"$ne": epoch}}, {"current": {"$lte": snapshot.seq}}]}
        async with mongo_errors():
            await self._boards.insert_many(chunks)
            try:
                await self._boards.update_one(older, {"$set": head}, upsert=True)
            except DuplicateKeyError:
                await self._boards.delete_many({"log": log, "made": made})
                return False
            await self._boards.delete_many({"log": log, "made": {"$ne": made}, "seq": {"$lte": snapshot.seq}})
        return True

    async def stripped(self, log: str, epoch: str, upto: int) -> None:
        """The log up to there holds no more of what is in the picture."""
        async with mongo_errors():
            await self._boards.update_one({"_id": log, "epoch": epoch}, {"$max": {"stripped": upto}})

    async def erase(self, log: str) -> None:
        """Removes all that there is of a room's picture."""
        async with mongo_errors():
            await self._boards.delete_many({"$or": [{"_id": log}, {"log": log}]})
