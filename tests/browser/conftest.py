"""The browser, the server, and people who visit it."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from .person import Member, Person, Place, Visit
from .server_process import ServerProcess
from .windows import Windows

# Generous, as nothing waits longer than it must: two busy cores are enough for the suite.
PATIENCE = 15_000

# The first is Chromium without a window's parts, which take a quarter of its time.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_PATHS = (
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

_room_numbers = itertools.count(1)
_folder_numbers = itertools.count(1)
_account_numbers = itertools.count(1)


def chromium() -> str:
    """The browser to run. Without one the tests are skipped, but never where the whole check is run."""
    found = [path for name in CHROMIUM_NAMES if (path := shutil.which(name))]
    found += [path for path in CHROMIUM_PATHS if Path(path).exists()]
    if found:
        return found[0]
    missing = "there is no Chromium: install it (on Debian: apt install chromium-headless-shell) to test the pages"
    if os.environ.get("CI", "").lower() in ("", "0", "false"):
        pytest.skip(missing)
    pytest.fail(missing)


# While Playwright lives it runs an event loop in this thread, where tests of other packages want their own. So it
# ends with this package.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(session_folder: Path) -> Iterator[ServerProcess]:
    """The server that most tests share; each has a room of its own there."""
    yield from running(session_folder / "browser")


@pytest.fixture(scope="module")
def mortal_server(session_folder: Path) -> Iterator[ServerProcess]:
    """A server for tests that end it."""
    yield from running(session_folder / f"mortal-{next(_folder_numbers)}")


def running(folder: Path, *flags: str) -> Iterator[ServerProcess]:
    folder.mkdir()
    server = ServerProcess(folder, *flags)
    try:
        server.start()
        yield server
    finally:
        server.close()
    assert server.errors() == []
    shutil.rmtree(folder)


@pytest.fixture
def member(visit: Visit, server: ServerProcess) -> Member:
    """Brings people with an account, signed in."""

    def bring(name: str, *, admin: bool = False, **options: Any) -> Person:
        name = f"{name}-{next(_account_numbers)}"  # a name that guests of the tests do not take
        token = server.account(name, admin=admin)
        person = visit(**options)
        person.account, person.token = name, token
        person.context.add_cookies([{"name": "parley_session", "value": token, "url": person.origin}])
        return person

    return bring


@pytest.fixture
def room() -> str:
    """A name for a room that nobody has used yet."""
    return f"room-{next(_room_numbers)}"


@pytest.fixture(scope="package")
def windows(browser: Browser, server: ServerProcess) -> Windows:
    """Browsers that people have left and others may use."""
    return Windows(browser, server.address)


@pytest.fixture
def visit(windows: Windows, server: ServerProcess) -> Iterator[Visit]:
    """Brings people.

    A test fails on whatever their browsers complain about, and on whatever they load from elsewhere.
    """
    people: list[tuple[Person, bool]] = []

    def bring(
        name: str | None = None,
        *,
        place: Place | None = None,
        expects: tuple[str, ...] = (),
        fresh: bool = False,
        **options: Any,
    ) -> Person:
        is_fresh = fresh or bool(options) or place is not None
        page = windows.new(options) if is_fresh else windows.used()
        page.context.set_default_timeout(PATIENCE)
        person = Person(page, place or server, name, expects)
        people.append((person, is_fresh))
        return person

    yield bring
    for person, is_fresh in people:
        if is_fresh or person.page.is_closed():
            person.context.close()
            continue
        person.leave()
        windows.take_back(person.page)
    assert [complaint for person, _ in people for complaint in person.complaints] == []
