"""Plug-ins: Python modules with functions that are marked for events (chat/events.py), and types that are marked for
kinds of messages (chat/kinds.py)."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from chat import board
from chat.events import Binding, bindings_in
from chat.kinds import Kind, Kinds, kinds_in


class PluginError(Exception):
    """A plug-in cannot be loaded; the message is one line for whoever starts the server."""


def load(names: Sequence[str]) -> list[Binding]:
    """The marked functions of the named modules, in their order; of a package those of its `events` module as well.

    A module is looked for beside where the server is started, too. Raises PluginError.
    """
    here = str(Path.cwd())
    if names and here not in sys.path:
        sys.path.append(here)
    return [binding for name in names for module in _modules(name) for binding in bindings_in(vars(module))]


def load_kinds(names: Sequence[str]) -> list[Kind]:
    """The kinds that the modules declare which `load` has loaded. Raises PluginError for one that is there already."""
    found = {id(each): each for name in names for module in _modules(name) for each in kinds_in(vars(module))}
    try:
        Kinds([*board.KINDS, *found.values()])
    except ValueError as error:
        raise PluginError(f"--plugins: {error}") from None
    return list(found.values())


def _modules(name: str) -> list[ModuleType]:
    module = _imported(name)
    if not hasattr(module, "__path__") or importlib.util.find_spec(f"{name}.events") is None:
        return [module]
    return [module, _imported(f"{name}.events")]


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise PluginError(f"--plugins: {name} cannot be imported: {type(error).__name__}: {error}") from error
