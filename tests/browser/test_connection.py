"""The connection: it comes back by itself, and gets through where a proxy blocks the better ways."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from .person import OUTAGE, Visit
from .proxy import Proxy
from .server_process import ServerProcess


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[Proxy]:
    """A proxy that lets everything through. Tests name it before `visit`, so that people have left when it ends."""
    proxy = Proxy(server.address)
    yield proxy
    proxy.close()


@pytest.mark.parametrize("transport", ["ws", "stream", "poll"])
def test_a_cut_line_mends_itself(proxy: Proxy, visit: Visit, server: ServerProcess, room: str, transport: str) -> None:
    """After a cut the page says so, comes back, and shows what was said meanwhile."""
    ann = visit("ann", place=proxy, expects=(OUTAGE,)).enter(room, transport=transport)
    ann.is_online(transport)
    proxy.is_down = True
    proxy.cut()
    ann.is_cut_off()
    expect(ann.page.locator("#connection-label")).to_have_text("Reconnecting")
    server.say(room, "said meanwhile", "bob")
    ann.say("said into the gap")
    proxy.is_down = False
    ann.is_online(transport)
    ann.sees("said meanwhile", "said into the gap")
    expect(ann.message("said into the gap")).to_have_attribute("data-state", "sent")


def test_try_now_does_not_wait(proxy: Proxy, visit: Visit, room: str) -> None:
    """While the page waits to try again, a button tries at once."""
    ann = visit("ann", place=proxy, expects=(OUTAGE,)).enter(room)
    ann.page.clock.install()
    ann.page.clock.pause_at(ann.page.evaluate("Date.now() + 1_000"))
    proxy.cut()
    expect(ann.connection).to_have_attribute("data-state", "reconnecting")
    ann.page.get_by_role("button", name="Try now").click()
    expect(ann.connection).to_have_attribute("data-state", "online")
    expect(ann.page.get_by_role("button", name="Try now")).to_be_hidden()


def test_a_proxy_without_websockets_is_got_past_by_the_event_stream(
    proxy: Proxy, visit: Visit, server: ServerProcess, room: str
) -> None:
    """Where upgrades are refused the page takes the event stream by itself."""
    proxy.refuses_sockets = True
    ann = visit("ann", place=proxy, expects=("WebSocket connection to",)).enter(room)
    ann.is_online("stream")
    ann.say("by post")
    expect(ann.message("by post")).to_have_attribute("data-state", "sent")
    server.say(room, "by the stream", "bob")
    ann.sees("by post", "by the stream")


def test_a_proxy_that_holds_streams_back_is_got_past_by_long_poll(
    proxy: Proxy, visit: Visit, server: ServerProcess, room: str
) -> None:
    """Where event streams are held back as well the page takes the long-poll by itself."""
    proxy.refuses_sockets = True
    proxy.holds_streams = True
    ann = visit("ann", place=proxy, expects=("WebSocket connection to", "ERR_"))
    ann.page.clock.install()
    ann.goto(f"/chat/{room}")
    expect(ann.connection).to_have_attribute("data-transport", "stream")
    # The patience with a silent stream, and the wait before the next one, pass faster than they would.
    for _ in range(60):
        if ann.connection.get_attribute("data-transport") == "poll":
            break
        ann.page.clock.run_for(1_000)
    ann.is_online("poll")
    ann.say("by post")
    expect(ann.message("by post")).to_have_attribute("data-state", "sent")
    server.say(room, "by poll", "bob")
    ann.sees("by post", "by poll")


@pytest.mark.parametrize("transport", ["ws", "stream", "poll"])
def test_the_address_can_name_the_transport(visit: Visit, room: str, transport: str) -> None:
    """`?transport=` takes that way and no other."""
    ann = visit("ann").enter(room, transport=transport)
    ann.is_online(transport)
    assert len(ann.sockets) == (1 if transport == "ws" else 0)
