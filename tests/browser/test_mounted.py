"""Parley below a path of another site, in a browser."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect
from tornado.testing import bind_unused_port

from .person import Visit
from .server_process import ROOT, START_TIMEOUT


class Talk(NamedTuple):
    """Where people come in."""

    address: str


@pytest.fixture(scope="module")
def talk(session_folder: Path) -> Iterator[Talk]:
    """The example of a site, as it stands; its rooms lie below /talk."""
    listening, port = bind_unused_port()
    listening.close()
    folder = session_folder / "mounted"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    site = subprocess.Popen(
        [sys.executable, "-m", "examples.mounted", str(port)], cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)}
    )
    try:
        end = time.monotonic() + START_TIMEOUT
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/talk/healthz", timeout=5).close()
                break
            except OSError:
                assert site.poll() is None and time.monotonic() < end, "the site did not start"
                time.sleep(0.05)
        yield Talk(f"http://127.0.0.1:{port}/talk")
    finally:
        site.terminate()
        site.wait(10)


def test_people_talk_below_the_path(visit: Visit, talk: Talk, room: str) -> None:
    """One whom the site knows and a guest: lobby, room, both transports, settings, and out again."""
    site = talk.address.removesuffix("/talk")
    ann = visit(place=Talk(site), expects=("status of 404 .*/favicon.ico",))
    ann.page.goto(f"{site}/")
    ann.page.get_by_label("Name").fill("ann")
    ann.page.get_by_role("button", name="Hello").click()
    ann.page.get_by_role("link", name="Talk to us").click()
    ann.is_online("ws")
    expect(ann.page.locator("#account-name")).to_have_text("ann")
    bob = visit("bob", place=talk).enter("shop", transport="poll")
    ann.say("what do you want?")
    bob.sees("what do you want?")
    bob.say("a hat")
    ann.sees("what do you want?", "a hat")
    ann.page.get_by_role("link", name="Parley").click()
    expect(ann.page).to_have_url(f"{talk.address}/")
    ann.page.locator("#rooms").get_by_role("link", name="shop").click()
    expect(ann.page).to_have_url(f"{talk.address}/chat/shop")
    ann.sees("what do you want?", "a hat")
    ann.page.goto(f"{site}/")
    ann.page.get_by_role("button", name="Bye").click()
    ann.page.goto(f"{talk.address}/")
    expect(ann.page.locator("#account-name")).not_to_have_text("ann")
