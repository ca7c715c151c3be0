"""A room's drawing board as plain data: the picture that the entries of its log make.

A stroke comes in parts, as it is drawn. What is to be seen is all parts in the order of the log, the later over the
earlier ones: so who has watched from the beginning and who comes late see the same.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from chat.entries import Entry
from chat.kinds import Kind, kind, kinds_in

# Lengths on a board are whole numbers of tenths of a CSS pixel at 100 %, so that they are short and yet finer than a
# screen. A board reaches 100,000 pixels to each side, which nobody draws full.
REACH = 1_000_000
# Points of one part at most: of a pen that reports 1,000 a second those of a twentieth of one, ten times over.
POINTS_LIMIT = 500
# Parts of one stroke at most: an hour without lifting the pen.
PARTS_LIMIT = 72_000
# A part takes about so many bytes besides its points.
PART_SIZE = 200

Coordinate = Annotated[int, Meta(ge=-REACH, le=REACH)]
StrokeId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,36}$")]
Colour = Annotated[str, Meta(pattern=r"^#[0-9a-f]{6}$")]
Width = Annotated[int, Meta(ge=1, le=2_000)]
Tool = Literal["pen", "eraser"]


@kind("board.stroke", paced=False)
class StrokePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of a stroke, the parts numbered from 0. `points` are x, y and pressure (0–100) in turn."""

    stroke: StrokeId
    part: Annotated[int, Meta(ge=0, le=PARTS_LIMIT)]
    tool: Tool
    colour: Colour
    width: Width
    points: Annotated[list[Coordinate], Meta(max_length=3 * POINTS_LIMIT)]
    done: bool = False

    def __post_init__(self) -> None:
        if len(self.points) % 3:
            raise ValueError("points are x, y and pressure in turn, so three numbers each")
        if any(not 0 <= pressure <= 100 for pressure in self.points[2::3]):
            raise ValueError("pressure is a number from 0 to 100")


@kind("board.undo", paced=False)
class Undo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Takes back a stroke of one's own, for good: to have it again one draws it again."""

    stroke: StrokeId


@kind("board.clear", for_moderators=True, paced=False)
class Clear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Takes away all that has been drawn."""


@kind("board.cursor")
class BoardCursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where somebody points: a signal, never an entry."""

    x: Coordinate
    y: Coordinate


KINDS: list[Kind] = kinds_in(globals())
# All entries of a board have kinds from the first to before the second.
FIRST_KIND, END_OF_KINDS = "board.", "board/"
# Those whose entries are nothing but drawn.
BOARD_KINDS = frozenset({"board.stroke", "board.undo", "board.clear"})
# What takes away cannot be taken back, as what it took away is no more.
FINAL = frozenset({"board.undo", "board.clear"})


class Drawn(msgspec.Struct, omit_defaults=True):
    """A stroke without its points. `parts` counts those that there are, and so is the number of the next one."""

    stroke: str
    user: str
    tool: Tool
    colour: str
    width: int
    parts: int
    done: bool = False


class Snapshot(msgspec.Struct):
    """A picture as it goes over the wire and into the store.

    Each part is its entry's `seq`, the place of its stroke among `strokes`, and its points; in the order of the log.
    """

    seq: int
    strokes: list[Drawn]
    parts: list[tuple[int, int, Raw]]


class _Stroke:
    __slots__ = ("fields", "seqs")

    def __init__(self, fields: Drawn, seqs: list[int]) -> None:
        self.fields = fields
        self.seqs = seqs


class Picture:
    """What is on a board after the entry `seq`. What would make it larger than `limit` bytes is not drawn.

    `strokes` and `entries` count what was drawn since it was made; `stale` says that something of what it was made
    from is no more.
    """

    def __init__(self, limit: int, snapshot: Snapshot | None = None) -> None:
        self.limit = limit
        self.seq = 0
        self.size = 0
        self.strokes = 0
        self.entries = 0
        self.stale = False
        self._base = 0
        self._strokes: dict[tuple[str, str], _Stroke] = {}
        self._parts: dict[int, tuple[_Stroke, bytes]] = {}
        if snapshot is not None:
            self._restore(snapshot)

    def _restore(self, snapshot: Snapshot) -> None:
        strokes = [_Stroke(fields, []) for fields in snapshot.strokes]
        for stroke in strokes:
            self._strokes[stroke.fields.user, stroke.fields.stroke] = stroke
        for seq, place, points in snapshot.parts:
            self._put(seq, strokes[place], bytes(points))
        self.seq = self._base = snapshot.seq

    def fits(self, parts: Iterable[Sequence[int]]) -> bool:
        """Whether there is room for parts with these points."""
        return self._fits(*map(msgspec.json.encode, parts))

    def _fits(self, *parts: bytes) -> bool:
        return self.size + sum(len(points) + PART_SIZE for points in parts) <= self.limit

    def parts(self) -> list[int]:
        """The entries of which there is something to be seen."""
        return list(self._parts)

    def snapshot(self) -> Snapshot:
        """The picture as it is now."""
        strokes = list(self._strokes.values())
        places = {id(stroke): place for place, stroke in enumerate(strokes)}
        parts = [(seq, places[id(stroke)], Raw(points)) for seq, (stroke, points) in self._parts.items()]
        return Snapshot(self.seq, [msgspec.structs.replace(stroke.fields) for stroke in strokes], parts)

    def stored(self, snapshot: Snapshot) -> None:
        """A snapshot of it is stored: what was drawn before counts no more. Something of it may be gone by now."""
        self.strokes = sum(1 for stroke in self._strokes.values() if stroke.seqs[0] > snapshot.seq)
        self.entries = self.seq - snapshot.seq
        self._base = snapshot.seq
        self.stale = any(seq not in self._parts for seq, *_ in snapshot.parts)

    def take(self, entries: Iterable[Entry]) -> None:
        """Takes the next entries of the log, in order; those that are not of the board may be left out."""
        for entry in entries:
            self.seq = entry.seq
            if entry.type == "delete":
                self.cut(entry.target)
            elif entry.type == "message" and FIRST_KIND <= entry.kind < END_OF_KINDS:
                self.entries += 1
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        if entry.kind == "board.clear":
            self._strokes.clear()
            self._parts.clear()
            self.size = 0
            return
        with suppress(msgspec.ValidationError):  # deleted, compacted, or older than the board
            if entry.kind == "board.stroke":
                self._draw(entry.seq, entry.user.id, msgspec.convert(entry.data, StrokePart))
            elif entry.kind == "board.undo":
                stroke = self._strokes.get((entry.user.id, msgspec.convert(entry.data, Undo).stroke))
                if stroke is not None:
                    self._remove(stroke, 0)

    def _draw(self, seq: int, user: str, part: StrokePart) -> None:
        stroke = self._strokes.get((user, part.stroke))
        if part.part != (0 if stroke is None else stroke.fields.parts):
            return  # another of that number is there, or one before it is not, or no more
        points = msgspec.json.encode(part.points)
        if not self._fits(points):
            return
        if stroke is None:
            self.strokes += 1
            fields = Drawn(part.stroke, user, part.tool, part.colour, part.width, 0)
            stroke = self._strokes[user, part.stroke] = _Stroke(fields, [])
        stroke.fields.parts += 1
        stroke.fields.done = part.done
        self._put(seq, stroke, points)

    def _put(self, seq: int, stroke: _Stroke, points: bytes) -> None:
        stroke.seqs.append(seq)
        self._parts[seq] = stroke, points
        self.size += len(points) + PART_SIZE

    def cut(self, seq: int) -> None:
        """An entry has been deleted: its stroke ends before that part. Harmless when repeated."""
        part = self._parts.get(seq)
        if part is not None:
            self._remove(part[0], part[0].seqs.index(seq))
            self.stale |= seq <= self._base

    def _remove(self, stroke: _Stroke, part: int) -> None:
        """Takes the parts from that one on out of the picture."""
        for seq in stroke.seqs[part:]:
            self.size -= len(self._parts.pop(seq)[1]) + PART_SIZE
        del stroke.seqs[part:]
        stroke.fields.parts = part
        if not part:
            del self._strokes[stroke.fields.user, stroke.fields.stroke]

    def forget(self, upto: int) -> None:
        """The entries up to that number are no more, and with them the strokes that began there."""
        for stroke in [stroke for stroke in self._strokes.values() if stroke.seqs[0] <= upto]:
            self.stale |= stroke.seqs[0] <= self._base
            self._remove(stroke, 0)
