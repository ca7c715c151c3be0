"""The picture of a drawing board as plain data: who watches and who comes late see the same."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.board import KINDS, PART_SIZE, Picture, Snapshot
from chat.entries import Entry
from chat.errors import BadRequest
from chat.kinds import Kinds
from chat.people import User
from tests.rooms import ANN, BOB, CID, delete, message

ROOMY = 1_000_000


def part(seq: int, stroke: str = "s", number: int = 0, user: User = ANN, done: bool = False) -> Entry:
    data = {
        "stroke": stroke,
        "part": number,
        "tool": "pen",
        "colour": "#d0342c",
        "width": 40,
        "points": [seq, -seq, 50] * 2,
        "done": done,
    }
    return message(seq, user, text="", kind="board.stroke", data=data)


def undo(seq: int, stroke: str = "s", user: User = ANN) -> Entry:
    return message(seq, user, text="", kind="board.undo", data={"stroke": stroke})


def clear(seq: int, user: User = ANN) -> Entry:
    return message(seq, user, text="", kind="board.clear", data={})


def picture(*entries: Entry, limit: int = ROOMY) -> Picture:
    made = Picture(limit)
    made.take(entries)
    return made


def seen(made: Picture) -> tuple[object, ...]:
    """What somebody who looks at it sees."""
    snapshot = made.snapshot()
    strokes = [(each.user, each.stroke, each.parts, each.done) for each in snapshot.strokes]
    return made.seq, strokes, [(seq, place, bytes(points)) for seq, place, points in snapshot.parts]


def again(made: Picture) -> Picture:
    """The same, as it comes back from the wire or the store."""
    return Picture(made.limit, msgspec.json.decode(msgspec.json.encode(made.snapshot()), type=Snapshot))


def test_draws_in_the_order_of_the_log() -> None:
    """The parts of all strokes one after the other, whoever draws them."""
    made = picture(part(1, "a"), part(2, "b", user=BOB), message(3), part(4, "a", 1, done=True))
    seq, strokes, parts = seen(made)
    assert seq == 4
    assert strokes == [("g-ann", "a", 2, True), ("g-bob", "b", 1, False)]
    assert parts == [(1, 0, b"[1,-1,50,1,-1,50]"), (2, 1, b"[2,-2,50,2,-2,50]"), (4, 0, b"[4,-4,50,4,-4,50]")]


def test_a_part_that_is_not_the_next_one_is_not_drawn() -> None:
    """One that came before, one too far ahead, and one of a stroke that was taken back."""
    made = picture(part(1), part(2), part(3, number=2), undo(4), part(5, number=1))
    assert seen(made) == (5, [], [])


def test_one_takes_back_ones_own_alone() -> None:
    """A stroke of the same name by somebody else stays."""
    made = picture(part(1, user=ANN), part(2, user=BOB), undo(3, user=BOB), undo(4, "other", user=ANN))
    assert seen(made)[1:] == ([("g-ann", "s", 1, False)], [(1, 0, b"[1,-1,50,1,-1,50]")])
    assert made.size == len(b"[1,-1,50,1,-1,50]") + PART_SIZE


def test_clears_all() -> None:
    """What was under way goes on no more; what begins afterwards is drawn."""
    made = picture(part(1), part(2, "b", user=BOB), clear(3), part(4, number=1), part(5, "c"))
    assert [stroke[:2] for stroke in seen(made)[1]] == [("g-ann", "c")]  # type: ignore[attr-defined]


def test_what_is_deleted_ends_its_stroke() -> None:
    """A stroke ends before a part that was deleted; without its first part nothing is left of it."""
    parts = [part(1), part(2, number=1), part(3, number=2)]
    assert seen(picture(*parts, delete(4, target=2)))[1] == [("g-ann", "s", 1, False)]
    assert seen(picture(*parts, delete(4, target=1)))[1] == []
    gone = message(2, kind="board.stroke", text=None, deleted=5)
    assert seen(picture(parts[0], gone, parts[2]))[1] == [("g-ann", "s", 1, False)]


def test_a_full_board_takes_nothing_more_until_something_goes() -> None:
    """A stroke that does not fit is not drawn, nor is what comes after it of the same stroke."""
    made = picture(part(1, "a"), part(2, "b"), part(3, "b", 1), limit=2 * PART_SIZE)
    assert not made.fits([1, 2, 50])
    assert [each[1] for each in seen(made)[1]] == ["a"]  # type: ignore[attr-defined]
    made.take([undo(4, "a"), part(5, "c")])
    assert [each[1] for each in seen(made)[1]] == ["c"]  # type: ignore[attr-defined]


def test_forgets_what_began_before() -> None:
    """Strokes whose first entry is no more; those stored already make the store's picture stale."""
    made = picture(part(1, "a"), part(2, "b"), part(3, "a", 1))
    made.forget(1)
    assert [each[1] for each in seen(made)[1]] == ["b"]  # type: ignore[attr-defined]
    assert not made.stale
    made.stored(made.snapshot())
    made.forget(2)
    assert made.stale


def test_counts_what_was_drawn_since_it_was_stored() -> None:
    """Strokes and entries; what is deleted of the stored ones makes the store's picture stale."""
    made = picture(part(1, "a"), part(2, "a", 1), part(3, "b"))
    assert (made.strokes, made.entries) == (2, 3)
    stored = made.snapshot()
    made.take([part(4, "c")])
    made.stored(stored)
    assert (made.strokes, made.entries, made.stale) == (1, 1, False)
    made.take([delete(5, target=4)])
    assert not made.stale
    made.take([delete(6, target=1)])
    assert made.stale


def test_what_goes_while_it_is_being_stored_makes_it_stale() -> None:
    """The picture that the store has then is not the present one."""
    made = picture(part(1, "a"), part(2, "b"))
    stored = made.snapshot()
    made.take([delete(3, target=2)])
    made.stored(stored)
    assert made.stale
    made.stored(made.snapshot())
    assert not made.stale


PEOPLE = [ANN, BOB, CID]
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("part"), st.sampled_from(PEOPLE), st.sampled_from("abc"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("undo"), st.sampled_from(PEOPLE), st.sampled_from("abc")),
        st.tuples(st.just("delete"), st.integers(1, 40)),
        st.tuples(st.just("clear")),
        st.tuples(st.just("text")),
    ),
    max_size=40,
)


def log_of(acts: list[tuple[object, ...]]) -> list[Entry]:
    entries = []
    for seq, (what, *rest) in enumerate(acts, 1):
        match what:
            case "part":
                user, stroke, number, done = rest
                entries.append(part(seq, stroke, number, user, done))  # type: ignore[arg-type]
            case "undo":
                entries.append(undo(seq, rest[1], rest[0]))  # type: ignore[arg-type]
            case "delete":
                entries.append(delete(seq, target=rest[0]))  # type: ignore[arg-type]
            case "clear":
                entries.append(clear(seq))
            case _:
                entries.append(message(seq))
    return entries


@settings(max_examples=300)
@given(ACTS, st.lists(st.integers(0, 40), max_size=3))
def test_late_comers_see_the_same(acts: list[tuple[object, ...]], stops: list[int]) -> None:
    """Whoever has watched all the while, whoever was given the picture in between and the log since, and whoever was
    given it again and again."""
    log = log_of(acts)
    watched = picture(*log, limit=10 * PART_SIZE)
    late = Picture(10 * PART_SIZE)
    for stop in [*sorted(stops), len(log)]:
        late.take([entry for entry in log if late.seq < entry.seq <= stop])
        late = again(late)
    late.seq = watched.seq
    assert seen(late) == seen(watched)
    assert late.size == watched.size == sum(len(bytes(p[2])) + PART_SIZE for p in watched.snapshot().parts)


@settings(max_examples=200)
@given(ACTS)
def test_the_log_says_the_same_without_what_was_deleted(acts: list[tuple[object, ...]]) -> None:
    """Who reads the log later finds deleted entries empty, and sees what those see who were there."""
    log = log_of(acts)
    watched = picture(*log)
    gone = {entry.target: entry.seq for entry in log if entry.type == "delete" and entry.target < entry.seq}
    erased = [
        msgspec.structs.replace(entry, data=None, deleted=1)
        if gone.get(entry.seq) and entry.kind == "board.stroke"
        else entry
        for entry in log
    ]
    later = picture(*[entry for entry in erased if entry.type != "delete"])
    later.seq = watched.seq
    if not _revived(log, gone):
        assert seen(later) == seen(watched)


def _revived(log: list[Entry], gone: dict[int, int]) -> bool:
    """Whether a stroke went on in a log between one of its parts and that part's deletion: later that is not known."""
    for seq, at in gone.items():
        deleted = log[seq - 1]
        if deleted.kind != "board.stroke":
            continue
        name = (deleted.user.id, deleted.data["stroke"])  # type: ignore[index]
        for entry in log[seq:at]:
            if entry.kind == "board.stroke" and (entry.user.id, entry.data["stroke"]) == name:  # type: ignore[index]
                return True
            if entry.kind == "board.clear" or (entry.kind == "board.undo" and entry.user.id == name[0]):
                return True
    return False


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"points": [1, 2]}, "three numbers"),
        ({"points": [1, 2, 101]}, "pressure"),
        ({"points": [1, 2, 50] * 501}, "points"),
        ({"points": [1_000_001, 2, 50]}, "points"),
        ({"points": [1.5, 2, 50]}, "points"),
        ({"colour": "red"}, "colour"),
        ({"tool": "spray"}, "tool"),
        ({"width": 0}, "width"),
        ({"stroke": "a b"}, "stroke"),
        ({"part": -1}, "part"),
        ({"extra": 1}, "extra"),
    ],
)
def test_refuses_what_is_no_stroke(change: dict[str, object], what: str) -> None:
    """With a sentence that says what does not fit."""
    data = part(1).data
    assert data is not None
    kinds = Kinds(KINDS)
    kinds.check("board.stroke", data)
    with pytest.raises(BadRequest, match=f"That is no board.stroke: .*{what}"):
        kinds.check("board.stroke", data | change)
