"""Fixtures of all tests: one private mongod, a database for each test, and logs that must stay quiet."""

import asyncio
import inspect
import logging
import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.clock import LeapingLoop
from tests.logs import UnexpectedRecords
from tests.mongo import SessionMongod
from tests.places import place_in_memory
from tests.sweeping import sweeping
from tests.turns import Turns

# tornado.testing reads it: two busy cores are slower than its 5 seconds allow for.
os.environ.setdefault("ASYNC_TEST_TIMEOUT", "30")
ASYNC_TIMEOUT = 30.0

# A run shows the same whatever was found before it, and on whatever machine.
hypothesis.settings.register_profile(
    "parley",
    deadline=None,
    database=None,
    derandomize=True,
    print_blob=False,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("parley")


# Each process of a run has a MongoDB, a browser and a server for it; beyond so many the longest file takes longest.
PROCESSES = 4
USUAL = 1
"""Seconds of a test, against which the long ones have a timeout of their own."""
TURNS = pytest.StashKey[Turns]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "leaping: runs in an event loop whose time leaps from timer to timer")
    config.addinivalue_line("markers", "alone: measures times, and so has the machine for itself")
    if hasattr(config, "workerinput"):
        config.stash[TURNS] = Turns(Path(config.option.basetemp).parent)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, as tests wait for half of their time, where a folder is to be tested; single files
    are begun sooner in one."""
    places = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    return min((os.cpu_count() or 1) + 1, PROCESSES) if any(place.is_dir() for place in places) else 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The files in the order in which processes take them: all that need a browser, so that each process starts one
    once, then the long ones, and those that want the machine alone when there is nothing else to be done."""
    if not hasattr(config, "workerinput"):
        return
    length: Counter[Path] = Counter()
    for item in items:
        own_timeout = item.get_closest_marker("timeout")
        length[item.path] += own_timeout.args[0] if own_timeout else USUAL
    alone = {item.path for item in items if item.get_closest_marker("alone")}
    items.sort(key=lambda item: ("browser" not in item.path.parts, item.path in alone, -length[item.path], item.path))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Beside other processes each test waits for its turn, before its time begins to count."""
    turns = item.config.stash.get(TURNS, None)
    if turns is None:
        return (yield)
    with turns.turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs tests that are coroutines, each in its own event loop, whose time leaps if they are marked `leaping`."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names}

    leaps = pyfuncitem.get_closest_marker("leaping") is not None

    async def run() -> None:
        async with asyncio.timeout(None if leaps else ASYNC_TIMEOUT):
            await pyfuncitem.obj(**arguments)

    with asyncio.Runner(loop_factory=LeapingLoop if leaps else None) as runner:
        runner.run(run())
    return True


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of this run; whatever process still works below it when the run ends, however it ends, is killed."""
    with place_in_memory() as place:
        folder = place or tmp_path_factory.mktemp("run")
        with sweeping(folder):
            yield folder


@pytest.fixture
def folder(session_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty folder for a test and the servers that it starts."""
    made = session_folder / f"{re.sub(r'[^a-z0-9]', '_', request.node.name)[:40]}-{uuid.uuid4().hex[:6]}"
    made.mkdir()
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def mongod(session_folder: Path) -> Iterator[SessionMongod]:
    """The MongoDB of this run."""
    with SessionMongod(session_folder / "mongod") as running:
        yield running


@pytest.fixture
def database(mongod: SessionMongod) -> Iterator[str]:
    """The name of an empty database."""
    name = mongod.empty_name()
    yield name
    mongod.give_back(name)


@pytest.fixture
def new_database(mongod: SessionMongod) -> Iterator[str]:
    """The name of a database that nobody has used, for tests of what is made in one."""
    name = mongod.new_name()
    yield name
    mongod.client.drop_database(name)


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[UnexpectedRecords]:
    """Fails a test in which something is logged as a warning or worse that no `ExpectLog` has taken."""
    # As logs.py has it: what clients do wrong is their affair.
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
    records = UnexpectedRecords()
    logging.getLogger().addHandler(records)
    yield records
    logging.getLogger().removeHandler(records)
    if records.lines:
        pytest.fail("unexpected log records:\n" + "\n".join(records.lines), pytrace=False)
