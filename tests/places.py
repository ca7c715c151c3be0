"""Where the tests' servers and databases have their files."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")
# The databases of a run take some 2 GiB for each of its processes; a container's /dev/shm may have 64 MiB.
ROOM = 8 * 1024**3


@contextmanager
def place_in_memory() -> Iterator[Path | None]:
    """A folder that is kept in memory, where there is plenty of it (Linux).

    What MongoDB waits for is the disk, most of all where two of them share one. What a killed process has written is
    there all the same; the faults (tests/faults) are run on the disk.
    """
    if not os.access(MEMORY, os.W_OK) or min(shutil.disk_usage(MEMORY).free, _free_memory()) < ROOM:
        yield None
        return
    with TemporaryDirectory(prefix="parley-tests-", dir=MEMORY, ignore_cleanup_errors=True) as name:
        yield Path(name)


def _free_memory() -> int:
    """What programs could take, by the kernel's estimate, in bytes."""
    figures = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(figures["MemAvailable"].removesuffix("kB")) * 1024
