"""Faults that end a process: the server or MongoDB, by force or in order."""

import os
import signal
import time

from tests.faults.checker import Violation
from tests.faults.report import Outcome
from tests.faults.stage import Options, Stage, staged

# The promise of --stop-timeout and of the last answers, with mongod's own stop.
TERMINATION = 10.0


async def server_kill(options: Options) -> Outcome:
    """kill -9 of the server; its private MongoDB lives on and is taken over."""
    async with staged("server-kill", options) as stage:
        for _ in range(2 if options.short else 20):
            began = stage.blow()
            await stage.server.kill()
            await stage.server.start()
            await stage.back(began)
            await stage.pause(0.1, 1.0)
        return await stage.verdict()


async def server_term(options: Options) -> Outcome:
    """SIGTERM: it answers what it took, lets its clients go, stops its MongoDB, and is started again."""
    async with staged("server-term", options) as stage:
        stops = []
        for _ in range(1 if options.short else 6):
            began = stage.blow()
            status = await stage.server.terminate()
            stops.append(time.monotonic() - began)
            if status != 0:
                stage.found.append(Violation(0, f"the server ended with status {status}"))
            if stops[-1] > TERMINATION:
                stage.found.append(Violation(0, f"the server took {stops[-1]:.1f} s to stop"))
            await stage.server.start()
            await stage.back(began)
            await stage.pause(0.1, 1.0)
        stage.remarks.append(f"stopped within {max(stops):.2f} s")
        return await stage.verdict()


async def mongod_kill(options: Options) -> Outcome:
    """kill -9 of a MongoDB that somebody else starts again, here the harness."""
    async with staged("mongod-kill", options, own_mongod=()) as stage:
        assert stage.mongod is not None
        for _ in range(2 if options.short else 20):
            began = stage.blow()
            await stage.mongod.kill()
            await stage.mongod.start()
            await stage.recovered(began)
            await stage.pause(0.1, 1.0)
        _same_process(stage)
        return await stage.verdict()


async def private_mongod_kill(options: Options) -> Outcome:
    """kill -9 of the private MongoDB, which the server itself is to start again."""
    async with staged("private-mongod-kill", options) as stage:
        for _ in range(2 if options.short else 20):
            pid = stage.server.mongod_pid()
            if pid is None:
                stage.found.append(Violation(0, "the private MongoDB is gone"))
                break
            began = stage.blow()
            os.kill(pid, signal.SIGKILL)
            await stage.recovered(began)
            if stage.found:
                break
            await stage.pause(0.1, 1.0)
        _same_process(stage)
        return await stage.verdict()


def _same_process(stage: Stage) -> None:
    """The server outlives its database."""
    assert stage.server.process is not None
    if stage.server.process.status is not None:
        stage.found.append(Violation(0, f"the server ended with status {stage.server.process.status}"))
