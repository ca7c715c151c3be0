"""Who is here: counted by connections, with a time to linger after the last one."""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, Protocol, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Cancellable(Protocol):
    """A timer that has been set."""

    def cancel(self) -> None: ...


class CallLater(Protocol):
    """`Alarms.call_later`, that of an event loop, or a test's own clock."""

    def __call__(self, delay: float, callback: Callable[..., object], *args: object) -> Cancellable: ...


class _Stay:
    __slots__ = ("count", "leaving")

    def __init__(self) -> None:
        self.count = 0
        self.leaving: Cancellable | None = None


class Presence(Generic[Key]):
    """Tells `arrived` when somebody comes who was not here, and `gone` when they have left for good.

    Somebody who leaves with a time to linger (seconds) and comes back within it was never gone.
    """

    def __init__(self, call_later: CallLater, arrived: Callable[[Key], object], gone: Callable[[Key], object]) -> None:
        self._call_later = call_later
        self._arrived = arrived
        self._gone = gone
        self._stays: dict[Key, _Stay] = {}

    def __len__(self) -> int:
        return len(self._stays)

    def __contains__(self, who: Key) -> bool:
        return who in self._stays

    def __iter__(self) -> Iterator[Key]:
        return iter(self._stays)

    def enter(self, who: Key) -> None:
        """One more connection of theirs."""
        stay = self._stays.get(who)
        if stay is None:
            stay = self._stays[who] = _Stay()
            self._arrived(who)
        elif stay.leaving is not None:
            stay.leaving.cancel()
            stay.leaving = None
        stay.count += 1

    def leave(self, who: Key, linger: float = 0) -> None:
        """One connection less; without an `enter` before it, nothing."""
        stay = self._stays.get(who)
        if stay is None or stay.count == 0:
            return
        stay.count -= 1
        if stay.count > 0:
            return
        if linger > 0:
            stay.leaving = self._call_later(linger, self._end, who)
        else:
            self._end(who)

    def forget(self, who: Key) -> None:
        """They linger no longer; one who still has a connection stays."""
        stay = self._stays.get(who)
        if stay is not None and stay.leaving is not None:
            stay.leaving.cancel()
            self._end(who)

    def _end(self, who: Key) -> None:
        del self._stays[who]
        self._gone(who)

    def close(self) -> None:
        """Cancels the timers; nobody is told."""
        for stay in self._stays.values():
            if stay.leaving is not None:
                stay.leaving.cancel()
        self._stays.clear()
