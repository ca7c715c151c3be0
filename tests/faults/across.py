"""python -m tests.faults.across [--seconds=20] [--rate=200]: how long a message takes from one process to the others.

Three processes share one room; each has a client that writes its part of the rate, and one that reads. Each message
is timed from its sending to its arrival at the readers of the two other processes, all on this machine's clock.
"""

import argparse
import asyncio
import gc
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from websockets.asyncio.client import ClientConnection, connect

from tests.faults.bounds import percentile
from tests.faults.plain_http import Address
from tests.faults.processes import Mongod, Server
from tests.rooms import new_key

PROCESSES = 3
WARM_UP = 2.0


class Times:
    """When each message was sent, by its text, and how long it took to each reader elsewhere (seconds)."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.took: list[float] = []


async def _writer(socket: ClientConnection, number: int, rate: float, times: Times, end: float) -> None:
    count, due = 0, time.monotonic()
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        text = f"{number}-{count}"
        times.sent[text] = time.monotonic()
        await socket.send(json.dumps({"type": "send", "room": "lobby", "key": new_key(), "text": text}))
        count, due = count + 1, due + 1 / rate


async def _reader(socket: ClientConnection, number: int, times: Times, begin: float) -> None:
    async for frame in socket:
        now = time.monotonic()
        said = json.loads(frame)
        if said["type"] == "message" and not said["text"].startswith(f"{number}-"):
            sent = times.sent[said["text"]]
            if sent >= begin:
                times.took.append(now - sent)


async def _drain(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


def _socket(address: Address, name: str) -> connect:
    uri = f"ws://{address.host}:{address.port}/ws/lobby?username={name}"
    return connect(uri, compression=None, proxy=None, ping_interval=None)


async def measure(seconds: float, rate: float) -> list[float]:
    async with AsyncExitStack() as closing:
        base = Path(closing.enter_context(TemporaryDirectory(prefix="parley-across-", ignore_cleanup_errors=True)))
        mongod = await closing.enter_async_context(Mongod(base / "mongod"))
        servers = []
        for number in range(PROCESSES):
            place = base / f"process-{number}"
            place.mkdir()
            servers.append(await closing.enter_async_context(Server(place, mongo=mongod.uri)))
        times = Times()
        writers = [await closing.enter_async_context(_socket(each.address, f"w{n}")) for n, each in enumerate(servers)]
        readers = [await closing.enter_async_context(_socket(each.address, f"r{n}")) for n, each in enumerate(servers)]
        begin = time.monotonic() + WARM_UP
        reading = [asyncio.create_task(_reader(each, n, times, begin)) for n, each in enumerate(readers)]
        reading += [asyncio.create_task(_drain(each)) for each in writers]
        end = begin + seconds
        await asyncio.gather(*(_writer(each, n, rate / PROCESSES, times, end) for n, each in enumerate(writers)))
        await asyncio.sleep(1)
        for task in reading:
            task.cancel()
        return times.took


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.across", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=200)
    given = parser.parse_args()
    gc.disable()
    took = asyncio.run(measure(given.seconds, given.rate))
    figures = ", ".join(f"p{percent} {percentile(took, percent) * 1000:.1f} ms" for percent in (50, 90, 99))
    print(f"{len(took)} arrivals across {PROCESSES} processes at {given.rate:.0f} messages a second: {figures}")


if __name__ == "__main__":
    main()
