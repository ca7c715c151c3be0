"""Boards: the pictures of the drawing boards that somebody looks at, and what is kept of them in the store."""

import asyncio
import logging
import secrets
from collections.abc import Sequence

from chat import tasks
from chat.board import Picture
from chat.board_store import BoardStore, Stored
from chat.entries import Entry
from chat.errors import TooLarge, Unavailable
from chat.history import History
from chat.limits import BoardLimits
from chat.registry import RoomRegistry
from chat.room import Room, RoomRecord

log = logging.getLogger("parley.boards")

# Entries of a log read by one operation; some 20 ms of MongoDB's time.
STEP = 2_000


class Board:
    """The board of a room that is awake: its picture follows the log."""

    def __init__(self, room: Room, picture: Picture, boards: "Boards") -> None:
        self.room = room
        self.picture = picture
        self.used = 0
        self._boards = boards

    def permit(self, draft: Entry, ahead: Sequence[Entry]) -> bool:
        strokes = [each.data["points"] for each in (*ahead, draft) if each.kind == "board.stroke" and each.data]
        if draft.kind != "board.stroke" or self.picture.fits(strokes):
            return True
        if not ahead:
            raise TooLarge("The board is full: nothing more fits on it before something is taken away.")
        return False

    def published(self, entries: list[Entry]) -> None:
        self.picture.take(entries)
        self._boards.grown(self)

    def forgot(self, upto: int) -> None:
        self.picture.forget(upto)
        self._boards.grown(self)


class Boards:
    """Gives pictures, and once enough has been drawn stores one and lets the log give up what it was made from.

    First the picture is stored, durably, and only then the log is stripped: whatever happens between the two, a picture
    and the log after it say all. The log keeps its entries, without their data.
    """

    def __init__(self, store: BoardStore, history: History, registry: RoomRegistry, limits: BoardLimits) -> None:
        self._store = store
        self._history = history
        self._registry = registry
        self._limits = limits
        self._boards: dict[str, Board] = {}
        self._waking: dict[Room, asyncio.Task[Board]] = {}
        self._storing: dict[str, asyncio.Task[None]] = {}
        self._clock = 0

    async def prepare(self) -> None:
        """Makes the index; raises DatabaseError."""
        await self._store.prepare()

    async def picture(self, room: Room) -> Picture:
        """The present picture of a room; raises Unavailable."""
        board = self._boards.get(room.key)
        if board is None or board.room is not room:
            task = self._waking.get(room)
            if task is None:
                task = self._waking[room] = tasks.begin(self._wake(room))
                task.add_done_callback(lambda done: self._waking.pop(room, None))
            board = await asyncio.shield(task)
        self._clock += 1
        board.used = self._clock
        return board.picture

    async def _wake(self, room: Room) -> Board:
        with room.tail.reading() as end:
            picture, is_left = await self._read(room, end) if room.stored else (Picture(self._limits.board_size), False)
            picture.take(room.tail.since(end) or [] if room.stored else room.tail.entries())
            picture.seq = room.seq
            picture.forget(room.forgotten)
        board = Board(room, picture, self)
        self._keep(board)
        if is_left or picture.stale:
            self._begin_storing(board)
        self.grown(board)
        return board

    async def _read(self, room: Room, end: int) -> tuple[Picture, bool]:
        """The picture after the entry `end`, from what is stored, and whether the log is still to be stripped."""
        while True:
            stored = await self._store.load(room.key, room.epoch)
            picture = await self._restore(room.key, stored)
            while entries := await self._history.drawn(room.key, picture.seq, end, STEP):
                picture.take(entries)
            if await self._store.is_current(room.key, room.epoch, stored.made if stored else ""):
                return picture, stored is not None and not stored.stripped
            # Another has been stored meanwhile, and what was read of the log may have been stripped before it was.

    async def _restore(self, key: str, stored: Stored | None) -> Picture:
        """The stored picture, or an empty one, without what has been deleted since: nobody follows a room asleep."""
        picture = Picture(self._limits.board_size, stored.snapshot if stored else None)
        parts = picture.parts()
        for first in range(0, len(parts), STEP):
            for seq in await self._history.deleted(key, parts[first : first + STEP]):
                picture.cut(seq)
        return picture

    def _keep(self, board: Board) -> None:
        """Follows the room from now on, in place of the board that nobody has asked for the longest."""
        before = self._boards.pop(board.room.key, None)
        if before is not None:
            self._drop(before)
        if len(self._boards) >= self._limits.boards_at_hand:
            oldest = min(self._boards.values(), key=lambda kept: kept.used)
            self._drop(self._boards.pop(oldest.room.key))
        self._boards[board.room.key] = board
        board.room.followers.append(board)

    def _drop(self, board: Board) -> None:
        if board in board.room.followers:
            board.room.followers.remove(board)

    def drop_idle(self) -> None:
        """Lets go of the boards whose rooms are asleep."""
        for key, board in list(self._boards.items()):
            if self._registry.get(key) is not board.room:
                self._drop(self._boards.pop(key))

    # The store

    def grown(self, board: Board) -> None:
        """Something has come or gone: it may be time to store the picture."""
        picture, limits = board.picture, self._limits
        if picture.stale or picture.strokes > limits.board_strokes or picture.entries > limits.board_entries:
            self._begin_storing(board)

    def _begin_storing(self, board: Board) -> None:
        room = board.room
        if room.stored and not room.over and room.key not in self._storing:
            task = self._storing[room.key] = asyncio.get_running_loop().create_task(self._store_pictures(board))
            task.add_done_callback(lambda done: self._storing.pop(room.key, None))

    async def _store_pictures(self, board: Board) -> None:
        room = board.room
        try:
            with room.held():
                again = True
                while again:
                    again = await self._store_picture(board)
        except Unavailable as error:
            log.warning("the board of %r could not be stored: %s", room.key, error.reason)
        except Exception:
            log.exception("the board of %r could not be stored", room.key)

    async def _store_picture(self, board: Board) -> bool:
        """Whether it is to be stored once more, as something of it was deleted meanwhile."""
        room, snapshot = board.room, board.picture.snapshot()
        if not await self._store.save(room.key, room.epoch, secrets.token_hex(8), snapshot):
            return False
        board.picture.stored(snapshot)
        await self._history.strip_drawn(room.key, snapshot.seq)
        await self._store.stripped(room.key, room.epoch, snapshot.seq)
        return board.picture.stale

    async def settled(self) -> None:
        """Waits for the pictures that are being stored."""
        while self._storing:
            await asyncio.wait(list(self._storing.values()))
            await asyncio.sleep(0)

    async def erase(self, key: str) -> None:
        """Removes what is stored of a room that is no more; raises Unavailable."""
        storing = self._storing.get(key)
        if storing is not None:
            await asyncio.wait([storing])
        board = self._boards.pop(key, None)
        if board is not None:
            self._drop(board)
        await self._store.erase(key)

    async def forget(self, record: RoomRecord, upto: int) -> None:
        """The entries of a room up to that number are no more; raises Unavailable. Its stored picture goes with them,
        also while it is asleep."""
        if self._registry.get(record.key) is not None and record.key in self._boards:
            return  # it has been told, and is stored anew
        stored = await self._store.load(record.key, record.epoch)
        if stored is None:
            return
        picture = await self._restore(record.key, stored)
        picture.forget(upto)
        if picture.stale:
            await self._store.save(record.key, record.epoch, secrets.token_hex(8), picture.snapshot())
