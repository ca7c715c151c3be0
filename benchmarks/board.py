"""How long it takes from a pen to the others' screens, with many people drawing at once on one board.

Each of them is a WebSocket client that draws as the page does: a pen of 60 points a second, sent 20 times a second. A
Chromium looks on, and notes for each point when the frame that shows it was drawn. Needs the project's own environment
and a Chromium; prints the figures, and fails where the 95th of 100 points took longer than --most.
"""

import argparse
import asyncio
import base64
import json
import math
import os
import random
import socket
import statistics
import struct
import sys
import tempfile
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.async_api import Page, async_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browser.conftest import chromium
from tests.browser.server_process import ServerProcess

ROOM = "drawn"
PEN = 60  # points a second
PACE = 0.05  # seconds between two messages of one hand
STROKE = 40  # messages of one stroke: two seconds
COLOURS = ("#1b2523", "#d0342c", "#ee8a1d", "#2f9e44", "#1c64d1", "#7c3fc4")

# Notes when each part arrived and when the frame was drawn that shows it: what the page asks to be drawn at the arrival
# of a message comes before what is asked for here.
LOOK_ON = """
window.looked = { parts: [], frames: [] };
window.WebSocket = class extends WebSocket {
    set onmessage(listen) {
        super.onmessage = listen && ((event) => {
            const arrived = performance.timeOrigin + performance.now();
            listen(event);
            const { kind, data } = JSON.parse(event.data);
            if (kind !== 'board.stroke') return;
            requestAnimationFrame(() => {
                const drawn = performance.timeOrigin + performance.now();
                window.looked.parts.push([data.stroke, data.part, arrived, drawn]);
            });
        });
    }
};
const note = (at) => { window.looked.frames.push(at); requestAnimationFrame(note); };
requestAnimationFrame(note);
"""


class Hand:
    """One who draws over a WebSocket of their own, and throws away what the others draw."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._number = number
        self.received = 0
        self.points: dict[tuple[str, int], list[float]] = {}

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET /ws/{ROOM}?username=hand{self._number} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n"
        )
        await loop.sock_sendall(self._socket, request.encode())
        head = await loop.sock_recv(self._socket, 4096)
        assert b" 101 " in head, head

    def _read(self) -> None:
        """All that has come: once for each message that is sent, as a hand that read each by itself would take the time
        of those that are measured."""
        with suppress(BlockingIOError):
            while data := self._socket.recv(1 << 20):
                self.received += len(data)

    async def draw(self, until: float) -> None:
        """Until a time of the monotonic clock. Hands begin at different moments, as people do."""
        await asyncio.sleep(random.random() * PACE)
        at = time.monotonic()
        while at < until:
            await self._draw_stroke(at)
            at += STROKE * PACE

    async def _draw_stroke(self, begun: float) -> None:
        stroke = str(uuid4())
        place = (random.uniform(-3_000, 3_000), random.uniform(-2_000, 2_000), random.uniform(0, 6))
        colour = random.choice(COLOURS)
        for part in range(STROKE):
            send_at = begun + (part + 1) * PACE
            await asyncio.sleep(send_at - time.monotonic())
            self._read()
            moments = [send_at - PACE + number / PEN for number in range(1, int(PEN * PACE) + 1)]
            points = [coordinate for moment in moments for coordinate in _point(place, moment - begun)]
            wall = time.time() - time.monotonic()
            self.points[stroke, part] = [(wall + moment) * 1_000 for moment in moments]
            data = {"stroke": stroke, "part": part, "tool": "pen", "colour": colour, "width": 40, "points": points}
            await self._send({"type": "send", "room": ROOM, "key": str(uuid4()), "kind": "board.stroke", "data": data})

    async def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message, separators=(",", ":")).encode()
        mask = os.urandom(4)
        masked = int.from_bytes(text, "big") ^ int.from_bytes((mask * (len(text) // 4 + 1))[: len(text)], "big")
        head = struct.pack(">BBH", 0x81, 0x80 | 126, len(text)) + mask
        await asyncio.get_running_loop().sock_sendall(self._socket, head + masked.to_bytes(len(text), "big"))

    def close(self) -> None:
        self._socket.close()


def _point(place: tuple[float, float, float], moment: float) -> tuple[int, int, int]:
    x, y, turn = place
    reach = 300 + 400 * moment
    return round(x + reach * math.cos(turn + 5 * moment)), round(y + reach * math.sin(turn + 5 * moment)), 50


async def look(address: str, hands: list[Hand], seconds: float, warmup: float) -> tuple[list[Any], list[float]]:
    """The parts that were seen, `[stroke, part, arrived, drawn]`, and the times of all frames (milliseconds)."""
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=chromium(), args=arguments)
        page: Page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.add_init_script(LOOK_ON)
        await page.goto(f"{address}/board/{ROOM}?username=watcher")
        await page.wait_for_selector("#board[data-state=loaded]")
        for hand in hands:
            await hand.open()
        end = time.monotonic() + warmup + seconds
        drawing = [asyncio.create_task(hand.draw(end)) for hand in hands]
        await asyncio.sleep(warmup)
        await page.evaluate("() => { looked.parts.length = 0; looked.frames.length = 0; }")
        await asyncio.sleep(seconds)
        parts, frames = await page.evaluate("() => [looked.parts, looked.frames]")
        await asyncio.gather(*drawing)
        for hand in hands:
            hand.close()
        await browser.close()
    return parts, frames


def share(values: list[float], percent: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def report(hands: list[Hand], parts: list[Any], frames: list[float], most: float) -> bool:
    """Prints the figures; whether they are good enough."""
    pens = {name: moments for hand in hands for name, moments in hand.points.items()}
    seen = [(pens[stroke, part], arrived, drawn) for stroke, part, arrived, drawn in parts if (stroke, part) in pens]
    to_screen = [drawn - pen for moments, _, drawn in seen for pen in moments]
    from_sending = [arrived - moments[-1] for moments, arrived, _ in seen]
    gaps = [after - before for before, after in pairwise(frames)]
    seconds = (frames[-1] - frames[0]) / 1_000
    print(f"{len(hands)} people drawing for {seconds:.0f} s; {len(seen)} parts with {len(to_screen)} points were seen")
    for label, values in (("pen to screen", to_screen), ("sent to arrived", from_sending)):
        row = " ".join(
            f"{name} {share(values, percent):.1f}" for name, percent in (("p50", 50), ("p95", 95), ("p99", 99))
        )
        print(f"{label}: {row} ms, at most {max(values):.1f} ms")
    late = sum(gap > 1.5 * statistics.median(gaps) for gap in gaps)
    print(f"{len(gaps) / seconds:.1f} frames a second; {late} of {len(gaps)} late, the latest by {max(gaps):.0f} ms")
    return share(to_screen, 95) <= most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hands", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--warmup", type=float, default=5)
    parser.add_argument("--most", type=float, default=100, help="milliseconds from pen to screen for 95 of 100 points")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parley-board-") as folder:
        server = ServerProcess(Path(folder))
        try:
            server.start()
            hands = [Hand(int(server.address.rsplit(":", 1)[1]), number) for number in range(given.hands)]
            parts, frames = asyncio.run(look(server.address, hands, given.seconds, given.warmup))
        finally:
            server.close()
    return 0 if report(hands, parts, frames, given.most) else 1


if __name__ == "__main__":
    sys.exit(main())
