"""Faults of many connections: gone without a word, or all at once."""

import asyncio
import json
import time

from websockets.asyncio.client import connect

from tests.faults.bounds import Window, cpu_seconds, process_size
from tests.faults.checker import Violation
from tests.faults.load import FULL, STEADY, Crowd, Load
from tests.faults.plain_http import sign_in
from tests.faults.proxy import Proxy
from tests.faults.report import Outcome
from tests.faults.stage import Options, Stage, staged

INTERVAL = 2.0
TIMEOUT = 2.0
# One turn of the server's wheel of pings, and the noise of a busy machine.
SLACK = INTERVAL / 25 + 0.5


async def half_open(options: Options) -> Outcome:
    """A proxy swallows everything, silently: the clients behind it are found within interval and timeout."""
    silent = 10 if options.short else 40
    flags = (f"--ping-interval={INTERVAL}", f"--ping-timeout={TIMEOUT}")
    crowd = STEADY._replace(socket=silent, poll=0, stream=0, rooms=1, pace=1e6)
    others = Crowd(socket=10, poll=4, stream=2, rooms=1)
    async with staged("half-open", options, *flags, crowd=others) as stage, Proxy(stage.server.address) as proxy:
        behind = Load(crowd, proxy.address, stage.journal, options.seed)
        for client in behind.clients:
            client.name = f"behind-{client.name}"
        try:
            await behind.start()
            departures = await _silence(stage, proxy, behind)
            proxy.silent = False
            proxy.cut()
            back = stage.blow()
            await behind.recovered(back)
            await behind.settle(1)
            stage.load.clients += behind.clients
            outcome = await stage.verdict()
        finally:
            await behind.stop()
    late = [took for took in departures.values() if took > INTERVAL + TIMEOUT + SLACK]
    missing = silent - len(departures)
    if missing or late:
        stage.found.append(Violation(0, f"of {silent} half-open clients {missing} not found, {len(late)} late"))
    stage.remarks.append(f"{len(departures)} found within {max(departures.values(), default=0):.2f} s")
    outcome.checked += silent
    return outcome


async def _silence(stage: Stage, proxy: Proxy, behind: Load) -> dict[str, float]:
    """Seconds until the others were told that each of the silent ones has left."""
    headers = await sign_in(stage.server.address, "observer")
    gone: dict[str, float] = {}
    uri = f"ws://{stage.server.address.host}:{stage.server.address.port}/ws/{stage.load.rooms[0]}"
    async with connect(uri, additional_headers=headers, compression=None, proxy=None) as socket:
        while json.loads(await socket.recv())["type"] != "subscribed":
            pass
        began = time.monotonic()
        proxy.silent = True
        names = {client.name for client in behind.clients}
        try:
            async with asyncio.timeout(INTERVAL + TIMEOUT + 3):
                async for frame in socket:
                    said = json.loads(frame)
                    if said["type"] == "left" and said["user"]["name"] in names:
                        gone[said["user"]["name"]] = time.monotonic() - began
                    if len(gone) == len(names):
                        break
        except TimeoutError:
            pass
    return gone


async def herd(options: Options) -> Outcome:
    """2,000 clients are cut at once and resume at once; their rooms went on without them."""
    count = 200 if options.short else 2000
    crowd = STEADY._replace(socket=count, poll=0, stream=0, rooms=4, pace=0.5, writers=8, changes=FULL.changes)
    flags = ("--name-hold=300",)
    async with staged("herd", options, *flags, crowd=crowd) as stage:
        _, files = process_size(stage.server.pid)
        writers = await _others(stage)
        worked: list[float] = []
        for _ in range(1 if options.short else 3):
            await stage.pause(1, 2)
            used = cpu_seconds(stage.server.pid)
            began = stage.blow()
            for client in stage.load.clients:
                client.cut()
            await stage.recovered(began)
            stage.returning.append(Window(began, time.monotonic()))
            worked.append(cpu_seconds(stage.server.pid) - used)
        stage.remarks.append(f"{files} files open at the server, {max(worked):.1f} s of its processor for a return")
        stage.load.clients += writers.clients
        try:
            return await stage.verdict()
        finally:
            await writers.stop()


async def _others(stage: Stage) -> Load:
    """A few who stay and write on while the herd is away."""
    crowd = STEADY._replace(socket=0, poll=4, stream=4, rooms=4, pace=0.3, changes=FULL.changes)
    others = Load(crowd, stage.server.address, stage.journal, stage.options.seed + 1)
    await others.start()
    return others
