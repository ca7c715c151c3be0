"""What docs/clients.md shows: the examples are the files that run here, and the names are those that there are."""

import asyncio
import re
import sys
from pathlib import Path

import parley_client
import pytest

from tests.browser.server_process import ROOT, ServerProcess
from tests.conformance.conftest import Bob, Elsewhere, new_name
from tests.conformance.in_page import ClientPage
from tests.waiting import until

EXAMPLES = ROOT / "examples" / "clients"
DOCUMENT = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
PLACE = "https://chat.example.org"
SHARED = {"backoff.js", "emitter.js", "keys.js", "room-name.js", "site.js"}
"""What is small enough for everybody: names, addresses, listeners."""


@pytest.mark.parametrize("name", ["greeter.py", "index.html", "talk.js"])
def test_the_document_shows_the_files(name: str) -> None:
    """Word for word."""
    shown = re.findall(r"^```(?:\w+)\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert (EXAMPLES / name).read_text(encoding="utf-8") in shown


def test_the_document_names_everything() -> None:
    """All that the Python package offers, and all that parley.js does."""
    module = (ROOT / "static" / "js" / "parley.js").read_text(encoding="utf-8")
    exported = [name.strip() for names in re.findall(r"export \{(.*?)\}", module) for name in names.split(",")]
    typing_aids = {"Ack", "Cursor", "Entry", "Event", "HistoryPage", "Person", "RoomLine", "TransportName", "User"}
    for name in {*exported, *parley_client.__all__} - typing_aids:
        assert re.search(rf"\b{name}\b", DOCUMENT), name


async def test_the_greeter(server: ServerProcess, bob: Bob, room: str, tmp_path: Path) -> None:
    """The example in Python greets whoever calls it, as a program of its own."""
    bob.says("Nobody here yet?")
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / "greeter.py"),
        server.address,
        room,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "clients" / "python")},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await until(lambda: any("Call me" in entry["text"] for entry in bob.stored()))
        seq = bob.says("Hello greeter")
        await until(lambda: bob.stored()[-1]["text"] == f"Hello, {bob.name}!")
        await until(lambda: "👋" in next(entry for entry in bob.stored() if entry["seq"] == seq).get("reactions", {}))
    finally:
        if program.returncode is None:
            program.terminate()
        _, errors = await program.communicate()
    assert b"Error" not in errors


async def test_the_page(page: ClientPage, server: ServerProcess, elsewhere: Elsewhere) -> None:
    """The example in JavaScript, on a page of another site that the server allows."""
    bob = Bob(server, "lobby", new_name())
    bob.says("said before")
    for name in ("index.html", "talk.js"):
        content = (EXAMPLES / name).read_text(encoding="utf-8")
        elsewhere.files[f"/{name}"] = content.replace(PLACE, server.address)
    window = await page.other()
    try:
        await window.goto(f"{elsewhere.address}/index.html")
        await window.get_by_text(f"{bob.name}: said before").wait_for()
        await window.get_by_label("Message").fill("from elsewhere <b>")
        await window.get_by_role("button").click()
        await window.get_by_text("from elsewhere <b>").wait_for()
        await window.get_by_label("Message").fill("x" * 4_001)
        await window.get_by_role("button").click()
        await window.get_by_text("A text has at most 4000 characters").wait_for()
        bob.says("good evening")
        await window.get_by_text(f"{bob.name}: good evening").wait_for()
        assert bob.stored()[-2]["text"] == "from elsewhere <b>"
    finally:
        await window.close()


async def test_a_page_of_the_server_needs_no_name(page: ClientPage, server: ServerProcess, bob: Bob) -> None:
    """There the browser's cookie says who one is, and opens the WebSocket."""
    token = server.token(new_name())
    window = await page.other()
    try:
        await window.context.add_cookies([{"name": "parley_session", "value": token, "url": server.address}])
        await window.goto(f"{server.address}/nothing")
        said = await window.evaluate(
            """async (name) => {
                const { Client } = await import('/static/js/parley.js');
                const client = await Client.open();
                const room = await client.join(name);
                await room.send('by the cookie');
                const { user, transport, token } = client;
                await client.close();
                return { user, transport, token };
            }""",
            bob.room,
        )
    finally:
        await window.close()
    assert (said["transport"], said["token"]) == ("ws", None)
    assert [(entry["text"], entry["user"]["id"]) for entry in bob.stored()] == [("by the cookie", said["user"]["id"])]
    assert server.call("GET", "/api/session", token=token)["user"] == said["user"]


def test_the_pages_use_the_same_module() -> None:
    """Whatever of our own pages speaks to the server does so through parley.js, and what is behind it is not theirs."""
    folder = ROOT / "static" / "js"
    imports = {
        path.name: set(re.findall(r"""from '\./([\w-]+\.js)'""", path.read_text(encoding="utf-8")))
        for path in folder.glob("*.js")
    }
    behind: set[str] = set()
    found = imports["parley.js"]
    while found:
        behind |= found
        found = {name for each in found for name in imports[each]} - behind
    pages = set(imports) - behind - {"parley.js"}
    used = {(page, name) for page in pages for name in imports[page] & behind - SHARED}
    assert used == set()
    assert "parley.js" in imports["visitor.js"] and "client.js" in behind and "api.js" not in behind
