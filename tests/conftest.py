"""Fixtures of all tests: one private mongod, a database for each test, and logs that must stay quiet."""

import asyncio
import inspect
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.clock import LeapingLoop
from tests.logs import UnexpectedRecords
from tests.mongo import SessionMongod
from tests.sweeping import sweeping

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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "leaping: runs in an event loop whose time leaps from timer to timer")


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
    folder = tmp_path_factory.mktemp("run")
    with sweeping(folder):
        yield folder


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
