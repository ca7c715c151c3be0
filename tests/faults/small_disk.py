"""A small filesystem that can be filled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MIB = 1024 * 1024


class NoDisk(Exception):
    """No filesystem can be mounted here; the message says why."""


class SmallDisk:
    """A mounted filesystem."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.kind = kind
        self._ballast = path / "ballast"

    def fill(self) -> int:
        """Leaves no byte free; how many bytes it took."""
        written = 0
        with self._ballast.open("wb", buffering=0) as file:
            for size in (MIB, 4096, 1):
                with suppress(OSError):
                    while True:
                        written += file.write(b"\0" * size)
            with suppress(OSError):
                os.fsync(file.fileno())
        return written

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """ext4 on a loop device, else a tmpfs; raises NoDisk."""
    place = folder / "disk"
    place.mkdir()
    kind = _mount(folder / "disk.img", place, size)
    try:
        yield SmallDisk(place, kind)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False, capture_output=True)


def _mount(image: Path, place: Path, size: int) -> str:
    reasons = []
    with image.open("wb") as file:
        file.truncate(size)
    ways = [
        ("ext4", [["mkfs.ext4", "-q", "-m", "0", "-F", str(image)], ["mount", "-o", "loop", str(image), str(place)]]),
        ("tmpfs", [["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]]),
    ]
    for kind, commands in ways:
        missing = [command[0] for command in commands if shutil.which(command[0]) is None]
        if missing:
            reasons.append(f"{missing[0]} is missing")
            continue
        for command in commands:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                reasons.append(f"{kind}: {done.stderr.strip().splitlines()[0] if done.stderr else 'it failed'}")
                break
        else:
            return kind
    raise NoDisk("; ".join(reasons))
