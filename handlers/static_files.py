"""/static/: the files of static/, below the version of them all.

Scripts import each other by relative paths, so a version in the path goes over to all that they import: a browser that
has a version asks for none of its files again, and never mixes the files of two.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from tornado.web import StaticFileHandler

from handlers.base import Guarded

VERSION = re.compile(r"v-[0-9a-f]{16}/")
# Of a version nothing ever changes.
FOR_GOOD = "public, max-age=31536000, immutable"
# Browsers are to ask whether it has changed.
EACH_TIME = "no-cache"


def version_of(folder: Path) -> str:
    """What names the present state of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return f"v-{digest.hexdigest()[:16]}"


class StaticFiles(Guarded, StaticFileHandler):
    """The files, by the path of the present version, of any other, or of none."""

    @classmethod
    def make_static_url(cls, settings: dict[str, Any], path: str, include_version: bool = True) -> str:
        prefix = settings["static_url_prefix"]
        return f"{prefix}{settings['static_version']}/{path}" if include_version else prefix + path

    def parse_url_path(self, url_path: str) -> str:
        found = VERSION.match(url_path)
        self.is_present = found is not None and found[0][:-1] == self.settings["static_version"]
        return super().parse_url_path(url_path[found.end() :] if found else url_path)

    def get_cache_time(self, *_: object) -> int:
        return 0  # set_extra_headers says it

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", FOR_GOOD if self.is_present else EACH_TIME)
