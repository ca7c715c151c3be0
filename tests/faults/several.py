"""Faults of several processes that share the rooms: clients come back to any of them."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.faults.checker import Violation, check, count_checked
from tests.faults.journal import Journal, recoveries
from tests.faults.load import FULL, Crowd, Load
from tests.faults.processes import Mongod, Server
from tests.faults.report import Outcome
from tests.faults.stage import Options, folder

PROCESSES = 3
MESSAGES = 5_000
# Some 300 messages a second into two rooms, from every transport and every process.
CLOSE = Crowd(socket=6, poll=3, stream=3, rooms=2, pace=0.04, stay=2.0)


async def process_kill(options: Options) -> Outcome:
    """kill -9 of one of three processes that share the rooms; the short run begins it again only when all is said."""
    async with AsyncExitStack() as closing:
        base = await closing.enter_async_context(folder("process-kill"))
        mongod = await closing.enter_async_context(Mongod(base / "mongod"))
        servers = [_server(base, mongod, number) for number in range(PROCESSES)]
        await closing.enter_async_context(servers[0])  # it makes the indexes
        await asyncio.gather(*(closing.enter_async_context(server) for server in servers[1:]))
        addresses = [server.address for server in servers]
        crowd = CLOSE if options.short else FULL._replace(pace=0.6)
        load = Load(crowd, addresses[0], Journal(), options.seed, addresses[1:])
        closing.push_async_callback(load.stop)
        await load.start()
        return await _go(load, servers, options)


def _server(base: Path, mongod: Mongod, number: int) -> Server:
    place = base / f"process-{number}"
    place.mkdir()
    return Server(place, mongo=mongod.uri)


async def _go(load: Load, servers: list[Server], options: Options) -> Outcome:
    random, blows, found = options.random("process-kill"), list[float](), list[Violation]()
    for blow in range(1 if options.short else 10):
        await load.written(MESSAGES // 2 if options.short else 450 * (blow + 1))
        victim = servers[1] if options.short else random.choice(servers)
        blows.append(load.journal.clock())
        await victim.kill()
        try:
            await load.recovered(blows[-1])
        except TimeoutError as error:
            found.append(Violation(3, str(error)))
        if not options.short:
            await victim.start()
    await load.written(MESSAGES)
    left = await load.settle(60)
    survivor = next(server for server in servers if server.process is not None and server.process.status is None)
    load.address = survivor.address
    histories = await load.histories()
    await load.stop()
    events = load.journal.events
    found += [Violation(3, f"not healed: {what}") for what in left]
    found += check(events, histories)
    for server in servers:
        found += [Violation(0, f"a server's log: {line}") for line in server.errors()[:5]]
    remarks = [f"{sum(map(len, histories.values())):,} messages", f"{_used(load)} transports at {len(servers)} servers"]
    return Outcome(
        "process-kill",
        checked=count_checked(events),
        violations=found,
        recoveries=recoveries(events, blows),
        remarks=remarks,
    )


def _used(load: Load) -> int:
    return len({event.note for event in load.journal.events if event.kind == "opened"})
