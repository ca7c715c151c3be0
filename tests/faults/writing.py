"""What a client writes: messages of its own, and now and then a change of one that is there already."""

import random
from collections import deque

from tests.faults.changes import DELETED, EDITED, Change
from tests.faults.outgoing import Outgoing

# Of a client's messages one in so many is deleted some day. It is neither edited nor reacted to: that would be refused.
DOOMED = 5
REMEMBERED = 20
EMOJI = ("👍", "❤️", "😀")


class Writing:
    """Makes up what to send. `part` of it are changes, as far as there is something to change."""

    def __init__(self, name: str, chance: random.Random, *, part: float, glyph: str, padding: int) -> None:
        self.glyph = glyph
        self._name = name
        self._random = chance
        self._part = part
        self._padding = padding
        self._count = 0
        self._edits = 0
        self._doomed: list[int] = []
        self._own: list[tuple[int, str]] = []
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._reacted: dict[int, str] = {}
        """Emoji that one has left and may take back, by the message. Neither is done twice."""
        self._touched: set[int] = set()

    def next(self) -> Outgoing:
        """Something that nobody has sent yet."""
        if self._random.random() < self._part:
            ways = [self._edit, self._delete, self._react]
            self._random.shuffle(ways)
            for way in ways:
                if (change := way()) is not None:
                    return change
        return self._message()

    def saw(self, seq: int, line: str) -> None:
        """Notes a message that has come."""
        if line != DELETED and Change.of(line) is None and int(line.split(" ", 2)[1]) % DOOMED:
            self._seen.append(seq)

    def stored(self, sent: Outgoing, seq: int) -> None:
        """Notes what is acknowledged: only that is changed later."""
        if sent.act == "send":
            if int(sent.line.split(" ", 2)[1]) % DOOMED:
                self._own.append((seq, sent.line))
            else:
                self._doomed.append(seq)
        elif sent.act == "react" and sent.fields["on"]:
            self._reacted[sent.fields["target"]] = sent.fields["emoji"]

    def _message(self) -> Outgoing:
        self._count += 1
        text = f"{self._name} {self._count} {self._random.getrandbits(64):016x}"
        text += " " * bool(self._padding) + self.glyph * self._padding
        return Outgoing(text, text=text)

    def _edit(self) -> Outgoing | None:
        if not self._own:
            return None
        seq, first = self._own.pop(self._random.randrange(len(self._own)))
        self._edits += 1
        text = f"{first}{EDITED}{self._edits}"
        return Outgoing(Change("edit", seq, self._name, text).line, "edit", target=seq, text=text)

    def _delete(self) -> Outgoing | None:
        if not self._doomed:
            return None
        seq = self._doomed.pop()
        return Outgoing(Change("delete", seq, self._name).line, "delete", target=seq)

    def _react(self) -> Outgoing | None:
        if self._reacted and self._random.random() < 0.5:
            seq, emoji = self._reacted.popitem()
            return self._reaction(seq, emoji, on=False)
        fresh = [seq for seq in self._seen if seq not in self._touched]
        if not fresh:
            return None
        seq = self._random.choice(fresh)
        self._touched.add(seq)
        return self._reaction(seq, self._random.choice(EMOJI), on=True)

    def _reaction(self, seq: int, emoji: str, *, on: bool) -> Outgoing:
        line = Change("reaction", seq, self._name, emoji + ("+" if on else "-")).line
        return Outgoing(line, "react", target=seq, emoji=emoji, on=on)
