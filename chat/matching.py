"""Matching: who waits for a partner, and who is paired with whom, as plain data.

Nobody is paired with themselves, with the partner they had last, or with somebody whom one of the two has blocked.
Two who share a tag are paired at once; two who share none when both are open to anybody: who named no tags is so at
once, who named some when they have waited for `patience` seconds. Of all who fit, the one who has waited longest is
taken.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Seeker:
    """One who waits since a time (seconds of the clock)."""

    who: str
    tags: frozenset[str]
    since: float


@dataclass(slots=True)
class Past:
    """What is remembered of one who has been paired: their last partner, and whom they never want to meet again."""

    last: str = ""
    blocked: set[str] = field(default_factory=set)


class Matching:
    """The queue and the pairs. Whatever is asked of it, everybody is in at most one of them."""

    def __init__(self, clock: Callable[[], float], *, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._queue: dict[str, Seeker] = {}
        self._partners: dict[str, str] = {}
        self._past: dict[str, Past] = {}

    # What is so

    def partner_of(self, who: str) -> str | None:
        return self._partners.get(who)

    def position_of(self, who: str) -> int | None:
        """Their number in the queue, from 1; None for one who does not wait."""
        return next((number for number, other in enumerate(self._queue, 1) if other == who), None)

    def waiting(self) -> Iterator[str]:
        """Who waits, the longest first."""
        return iter(self._queue)

    @property
    def pairs(self) -> int:
        return len(self._partners) // 2

    # What people do

    def seek(self, who: str, tags: Collection[str] = ()) -> str | None:
        """They want a partner, who is given if there is one; else they wait, in their old place if they did already.

        One who has a partner keeps them.
        """
        if who in self._partners:
            return self._partners[who]
        waited = self._queue.pop(who, None)
        seeker = Seeker(who, frozenset(tags), waited.since if waited else self._clock())
        partner = self._find(seeker)
        if partner is not None:
            self._join(who, partner.who)
            return partner.who
        self._queue[who] = seeker
        if waited is not None:
            self._queue = dict(sorted(self._queue.items(), key=lambda item: item[1].since))
        return None

    def leave(self, who: str) -> str | None:
        """They wait no longer and have no partner any more; returns the one they had, who has none now either."""
        self._queue.pop(who, None)
        partner = self._partners.pop(who, None)
        if partner is not None:
            del self._partners[partner]
        return partner

    def block(self, who: str, other: str) -> None:
        """The two are not paired again; if they are now, they stay so until one leaves."""
        self._past.setdefault(who, Past()).blocked.add(other)

    def forget(self, who: str) -> None:
        """They are gone for good: nothing is remembered of them."""
        self.leave(who)
        self._past.pop(who, None)

    # As time goes by

    def match_patient(self) -> list[tuple[str, str]]:
        """Pairs those whose patience is over by now; the new pairs."""
        made = []
        for seeker in list(self._queue.values()):
            if self._queue.get(seeker.who) is seeker:
                del self._queue[seeker.who]
                partner = self._find(seeker)
                if partner is None:
                    self._queue[seeker.who] = seeker
                else:
                    self._join(seeker.who, partner.who)
                    made.append((seeker.who, partner.who))
        self._queue = dict(sorted(self._queue.items(), key=lambda item: item[1].since))
        return made

    def next_patience(self) -> float | None:
        """Seconds until the next one who named tags becomes open to anybody; None if nobody does."""
        now = self._clock()
        left = [seeker.since + self._patience - now for seeker in self._queue.values() if not self._open(seeker)]
        return max(0.0, min(left)) if left else None

    # Finding

    def _find(self, seeker: Seeker) -> Seeker | None:
        fitting = [other for other in self._queue.values() if self._may_meet(seeker.who, other.who)]
        sharing = next((other for other in fitting if other.tags & seeker.tags), None)
        if sharing is not None or not self._open(seeker):
            return sharing
        return next((other for other in fitting if self._open(other)), None)

    def _open(self, seeker: Seeker) -> bool:
        return not seeker.tags or self._clock() - seeker.since >= self._patience

    def _may_meet(self, one: str, other: str) -> bool:
        return one != other and not self._avoids(one, other) and not self._avoids(other, one)

    def _avoids(self, one: str, other: str) -> bool:
        past = self._past.get(one)
        return past is not None and (past.last == other or other in past.blocked)

    def _join(self, one: str, other: str) -> None:
        for who, partner in ((one, other), (other, one)):
            self._queue.pop(who, None)
            self._partners[who] = partner
            self._past.setdefault(who, Past()).last = partner
