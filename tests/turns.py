"""How the processes of a parallel run share the machine: together for most tests, alone for one that measures it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """Two locked files in a folder that all processes of the run know.

    Who wants the machine alone holds the door while it waits, so that nobody else goes in before.
    """

    def __init__(self, folder: Path) -> None:
        self._door = folder / "door.lock"
        self._machine = folder / "machine.lock"

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        """Waits until nobody has the machine alone, and if it is wanted alone until nobody else has it at all."""
        with self._machine.open("w") as machine:
            with self._door.open("w") as door:
                fcntl.flock(door, fcntl.LOCK_EX)
                fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield
