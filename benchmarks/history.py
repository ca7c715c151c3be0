"""How Parley's history behaves as it grows: start-up, pages, catch-up."""

import http.client
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from running import BenchmarkError, Running, running
from servers import PARLEY

SMALL, LARGE, QUICK_LARGE = 1_000, 1_000_000, 100_000
BATCH = 10_000  # documents in one insert: a few MB
PAGES = 200  # pages read of each room, at random places
PAGE_SIZE = 50
CATCH_UPS = 20
CATCH_UP = 1_000  # entries missed
STARTS = 5
Record = dict[str, Any]


def measure_history(programs: Path, quick: bool) -> list[Record]:
    """Times in milliseconds of starting, of pages and of catching up, on a small and on a large history."""
    large = QUICK_LARGE if quick else LARGE
    with (
        tempfile.TemporaryDirectory(prefix="parley-benchmark-") as empty,
        tempfile.TemporaryDirectory() as full,
    ):
        for folder in (empty, full):  # the first start makes the database
            with running(PARLEY, programs, Path(folder)) as server:
                if folder == full:
                    _seed(server, "small", SMALL)
                    _seed(server, "large", large)
        records = _starts(programs, {0: Path(empty), large: Path(full)})
        with running(PARLEY, programs, Path(full)) as server:
            records += _pages(server, {"small": SMALL, "large": large})
            records += _catch_ups(server, "large", large)
    return records


def _seed(server: Running, room: str, count: int) -> None:
    """Fills a room up to `count` entries, straight in MongoDB, with copies of one that the server stored.

    So it works whatever the layout of an entry is, as long as `seq` numbers it and `key` is unique.
    """
    client = _Client(server)
    client.call("POST", f"/api/rooms/{room}/messages", {"text": _text(1), "key": _key(1)})
    entries = _database(server).entries
    model = entries.find_one({"room": room}, {"_id": 0})
    if model is None:
        raise BenchmarkError(f"No entry of the room {room} is in the collection `entries`.")
    for start in range(2, count + 1, BATCH):
        numbers = range(start, min(start + BATCH, count + 1))
        entries.insert_many([{**model, "seq": n, "key": _key(n), "text": _text(n)} for n in numbers], ordered=False)


def _database(server: Running) -> Any:
    """The database of the private MongoDB, on the Unix socket that its command line names."""
    for process in server.processes[1:]:
        about = Path(f"/proc/{process}")
        for part in (about / "cmdline").read_text().split("\0"):
            if part.endswith(".sock"):
                address = quote(str((about / "cwd").resolve() / part), safe="")
                return MongoClient(f"mongodb://{address}/?directConnection=true")["parley"]
    raise BenchmarkError("Parley runs without a private MongoDB on a Unix socket.")


def _key(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def _text(number: int) -> str:
    return f"Message {number}: the quick brown fox jumps over the lazy dog, and nobody has minded it so far"


def _starts(programs: Path, folders: dict[int, Path]) -> list[Record]:
    records = []
    for number in range(STARTS):
        for entries, folder in folders.items():
            with running(PARLEY, programs, folder) as server:
                records.append(_record("start", entries, number, [server.start_seconds * 1000]))
    return records


def _pages(server: Running, rooms: dict[str, int]) -> list[Record]:
    """Pages at random places, the rooms in turn."""
    client = _Client(server)
    chance = random.Random(1)
    times: dict[str, list[float]] = {room: [] for room in rooms}
    for _ in range(PAGES):
        for room, entries in rooms.items():
            before = chance.randrange(PAGE_SIZE + 1, entries)
            started = time.perf_counter()
            page = client.call("GET", f"/api/rooms/{room}/messages?before={before}&limit={PAGE_SIZE}")
            times[room].append((time.perf_counter() - started) * 1000)
            if [entry["seq"] for entry in page["entries"]] != list(range(before - PAGE_SIZE, before)):
                raise BenchmarkError(f"The page before {before} of the room {room} is not the one asked for.")
    return [_record("page", rooms[room], 0, taken) for room, taken in times.items()]


def _catch_ups(server: Running, room: str, entries: int) -> list[Record]:
    client = _Client(server)
    taken = []
    for _ in range(CATCH_UPS):
        started = time.perf_counter()
        answer = client.call("GET", f"/api/poll?room={room}&after={entries - CATCH_UP}&wait=0")
        taken.append((time.perf_counter() - started) * 1000)
        found = answer["rooms"][room]
        if len(found["entries"]) != CATCH_UP or found["gap"]:
            raise BenchmarkError(f"Catching up on {CATCH_UP} entries gave {len(found['entries'])}, gap {found['gap']}.")
    return [_record("catch_up", entries, 0, taken)]


def _record(what: str, entries: int, number: int, times: list[float]) -> Record:
    return {
        "series": "history",
        "server": PARLEY.name,
        "what": what,
        "entries": entries,
        "round": number,
        "ms": statistics.median(times),
        "ms_p99": sorted(times)[int(len(times) * 0.99)],
    }


class _Client:
    """A guest who keeps one connection."""

    def __init__(self, server: Running) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._headers = {"Content-Type": "application/json"}
        name = f"reader{random.randrange(1_000_000)}"
        self._headers["Authorization"] = f"Bearer {self.call('POST', '/api/session', {'name': name})['token']}"

    def call(self, method: str, path: str, body: Record | None = None) -> Any:
        self._connection.request(method, path, json.dumps(body) if body else None, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise BenchmarkError(f"{method} {path}: {answer.status} {content.decode()}")
        return json.loads(content)
