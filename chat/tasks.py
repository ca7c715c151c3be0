"""Tasks that somebody waits for, or several do, and all of them may leave."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def begin(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Goes on whoever waits for it. What goes wrong when nobody does any more is nobody's fault, and not logged."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(_read_error)
    return task


def _read_error(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()
