"""Turns: what concerns the same is done one after the other, and all else side by side."""

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A lock for each key, in the order in which it is asked for; there is none for what nobody is about."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._locks)

    def of(self, key: str) -> asyncio.Lock:
        """The lock of that key. It is the same for as long as somebody has it in hand."""
        return self._locks.setdefault(key, asyncio.Lock())
