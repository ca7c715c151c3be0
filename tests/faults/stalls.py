"""Faults that stop a process for a while: the server, or MongoDB under it."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from tests.faults.bounds import Drift, Window
from tests.faults.checker import Violation
from tests.faults.client import TROUBLE
from tests.faults.journal import answer_times
from tests.faults.plain_http import ask, sign_in
from tests.faults.report import Outcome
from tests.faults.stage import Options, Stage, staged

# A change must be answered within this time while MongoDB is away (the contract's promise, in seconds).
ANSWER_LIMIT = 3.0
# /healthz must say so by then.
HEALTH_LIMIT = 3.0


async def server_stop(options: Options) -> Outcome:
    """SIGSTOP of the server for 10 s: everything waits, nothing is lost."""
    async with staged("server-stop", options) as stage:
        began = time.monotonic()
        stage.server.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(3 if options.short else 10)
        finally:
            stage.server.signal(signal.SIGCONT)
        resumed = stage.blow()
        stage.down.append(Window(began, resumed))
        await stage.recovered(resumed)
        stage.returning.append(Window(resumed, time.monotonic()))
        await stage.pause(1, 2)
        return await stage.verdict()


def mongod_stop(seconds: float, *flags: str) -> Callable[[Options], Coroutine[Any, Any, Outcome]]:
    """The fault that stops the private MongoDB for that long, under a server with these flags."""

    async def fault(options: Options) -> Outcome:
        name = f"mongod-stop-{seconds:.0f}"
        async with staged(name, options, *flags) as stage:
            pid = stage.server.mongod_pid()
            assert pid is not None
            drift = Drift()
            watch = asyncio.create_task(drift.watch())
            begin = time.monotonic()
            os.kill(pid, signal.SIGSTOP)
            try:
                health = asyncio.create_task(_watch_health(stage, begin + seconds))
                served = asyncio.create_task(_read_from_memory(stage))
                await asyncio.sleep(seconds)
                await health
                await served
            finally:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            resumed = stage.blow()
            await stage.recovered(resumed)
            await stage.pause(1, 2)
            watch.cancel()
            outcome = await stage.verdict()
            _check_answers(stage, begin, resumed, drift.longest)
            _check_sessions(stage, begin, resumed)
            return outcome

    fault.__doc__ = f"SIGSTOP of the private MongoDB for {seconds:.0f} s: the server says so, and keeps its clients."
    return fault


async def _watch_health(stage: Stage, until: float) -> None:
    """/healthz says 503 while MongoDB is away. An answer that took from before to after says nothing."""
    begin = time.monotonic()
    refused = 0
    while time.monotonic() < until - HEALTH_LIMIT:
        asked = time.monotonic()
        status = await stage.server.health()
        refused += status == 503
        if status != 503 and asked > begin + 0.1:
            stage.found.append(Violation(0, f"/healthz answered {status} while MongoDB was away"))
        if time.monotonic() - asked > HEALTH_LIMIT:
            stage.found.append(Violation(0, f"/healthz took {time.monotonic() - asked:.1f} s"))
        await asyncio.sleep(0.25)
    if not refused:
        stage.found.append(Violation(0, "/healthz never said 503"))


async def _read_from_memory(stage: Stage) -> None:
    """What the server has in memory it serves without MongoDB: the entries after a recent cursor."""
    await asyncio.sleep(1)
    headers = await sign_in(stage.server.address, "reader from memory")
    for room in stage.load.rooms:
        cursor = max((client.cursor or 0 for client in stage.load.clients if client.room == room), default=0)
        after = max(0, cursor - 5)
        with suppress(*TROUBLE):
            async with asyncio.timeout(1):
                answer = await ask(
                    stage.server.address, "GET", f"/api/poll?room={room}&after={after}&wait=0", headers=headers
                )
            if answer.status == 200 and json.loads(answer.body)["rooms"][room]["seq"] >= cursor:
                continue
        stage.found.append(Violation(0, f"{room}: the recent entries were not to be had while MongoDB was away"))


def _check_answers(stage: Stage, begin: float, end: float, drift: float) -> None:
    """Every attempt while MongoDB was away had its answer in time, give or take the lag of this harness itself."""
    times = answer_times(stage.journal.events, begin, end)
    late = [took for took in times if took > ANSWER_LIMIT + drift]
    if late:
        stage.found.append(Violation(6, f"{len(late)} of {len(times)} answers took longer than {ANSWER_LIMIT:.0f} s"))
    stage.remarks.append(f"{len(times)} attempts answered within {max(times, default=0):.2f} s (own lag {drift:.2f} s)")


def _check_sessions(stage: Stage, begin: float, end: float) -> None:
    """No session ended but by its client's wish."""
    ended = [event for event in stage.journal.events if event.kind == "closed" and begin <= event.at <= end]
    lost = [event for event in ended if event.note != "moved on"]
    if lost:
        stage.found.append(Violation(0, f"{len(lost)} sessions were lost, as {lost[0].client}: {lost[0].note}"))
    stage.remarks.append(f"{len(ended) - len(lost)} transports switched meanwhile")
