"""Plug-ins: modules whose marked functions are found by the module's name."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.plugins import PluginError, load, load_kinds

MARKED = """
from chat.events import on_connect, on_message

@on_connect
def first(client, context): ...

@on_message(room="^a")
@on_message(room="^b")
async def second(client, context, message): ...

def unmarked(client, context): ...
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for modules, in which the server is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_finds_what_is_marked(folder: Path) -> None:
    """Each mark of a function is a binding of its own; what is not marked is none."""
    (folder / "plain_plugin.py").write_text(MARKED)
    bindings = load(["plain_plugin"])
    assert [(each.kind, each.handler.__name__) for each in bindings] == [
        ("connect", "first"),
        ("message", "second"),
        ("message", "second"),
    ]
    assert [each.fits(["b1"]) for each in bindings] == [True, True, False]
    assert [each.fits([]) for each in bindings] == [True, False, False]


def test_finds_events_of_a_package(folder: Path) -> None:
    """Of a package its module `events` is loaded as well; one that has none is no error."""
    (folder / "shop_plugin").mkdir()
    (folder / "shop_plugin" / "__init__.py").write_text("")
    assert load(["shop_plugin"]) == []
    (folder / "shop_plugin" / "events.py").write_text(MARKED)
    importlib.invalidate_caches()
    assert len(load(["shop_plugin"])) == 3


KINDS = """
import msgspec
from chat.kinds import kind

@kind("{name}", for_moderators=True)
class Vote(msgspec.Struct):
    option: int
"""


def test_finds_kinds(folder: Path) -> None:
    """The types that are marked, wherever they stand; a kind that is there already ends the start."""
    (folder / "voting_plugin.py").write_text(KINDS.format(name="poll.vote"))
    (folder / "importing_plugin.py").write_text("from voting_plugin import Vote")
    assert load(["voting_plugin", "importing_plugin"]) == []
    found = load_kinds(["voting_plugin", "importing_plugin"])
    assert [(each.name, each.schema.__name__, each.for_moderators) for each in found] == [("poll.vote", "Vote", True)]
    (folder / "drawing_plugin.py").write_text(KINDS.format(name="board.stroke"))
    importlib.invalidate_caches()
    with pytest.raises(PluginError, match=r"--plugins: the kind 'board\.stroke' is declared twice"):
        load_kinds(["drawing_plugin"])


@pytest.mark.parametrize(("code", "reason"), [(None, "No module named"), ("1 / 0", "ZeroDivisionError")])
def test_what_cannot_be_imported(folder: Path, code: str | None, reason: str) -> None:
    """A module that is not there, or fails, is an error that names it."""
    if code is not None:
        (folder / "broken_plugin.py").write_text(code)
    with pytest.raises(PluginError, match=rf"--plugins: broken_plugin cannot be imported: .*{reason}"):
        load(["broken_plugin"])
