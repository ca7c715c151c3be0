"""A full disk under MongoDB: nothing is acknowledged that was not stored, and it heals once there is room again."""

import asyncio
import time

from tests.faults.bounds import Drift
from tests.faults.checker import Violation
from tests.faults.journal import answer_times
from tests.faults.report import Outcome
from tests.faults.small_disk import MIB, NoDisk, SmallDisk, small_disk
from tests.faults.stage import Options, Stage, folder, staged

SIZE = 700 * MIB
FULL_FOR = 8.0
ANSWER_LIMIT = 3.0
# mongod has some room in files that it made in advance; texts of this length use it up in seconds.
PADDING = 3000
NOTICED_WITHIN = 90.0


async def full_disk(options: Options) -> Outcome:
    """The filesystem under mongod fills up under load, stays full for a while, and is emptied."""
    return await _on_small_disk("full-disk", options, own=True)


async def private_full_disk(options: Options) -> Outcome:
    """The same under the private MongoDB, which the server itself is to start again once there is room."""
    return await _on_small_disk("private-full-disk", options, own=False)


async def _on_small_disk(name: str, options: Options, *, own: bool) -> Outcome:
    async with folder(name) as base:
        try:
            with small_disk(base, SIZE) as disk:
                crowd = options.crowd._replace(padding=PADDING)
                # A checkpoint each second, so that the disk is needed soon.
                mongod = ("--syncdelay", "1") if own else None
                place = disk.path / "mongod"
                async with staged(name, options, own_mongod=mongod, crowd=crowd, place=place) as stage:
                    return await _fill_and_empty(stage, disk)
        except NoDisk as error:
            return Outcome(name, skipped=f"no small filesystem here: {error}")


async def _fill_and_empty(stage: Stage, disk: SmallDisk) -> Outcome:
    before = _mongod_pid(stage)
    drift = Drift()
    watch = asyncio.create_task(drift.watch())
    await asyncio.to_thread(disk.fill)
    begin = time.monotonic()
    noticed = await _first_refusal(stage, begin)
    if not noticed:
        stage.found.append(Violation(0, f"{disk.kind} full for {NOTICED_WITHIN:.0f} s, and MongoDB never noticed"))
    else:
        await asyncio.sleep(FULL_FOR)
        survived = _mongod_pid(stage) == before
        stage.remarks.append(
            f"{disk.kind} full: noticed after {noticed - begin:.1f} s, mongod {'stayed' if survived else 'ended'}"
        )
    disk.empty()
    emptied = stage.blow()
    if stage.mongod is not None and _mongod_pid(stage) is None:
        await stage.mongod.start()
    await stage.recovered(emptied)
    await stage.pause(1, 2)
    watch.cancel()
    outcome = await stage.verdict()
    times = answer_times(stage.journal.events, begin, emptied)
    late = [took for took in times if took > ANSWER_LIMIT + drift.longest]
    if late:
        stage.found.append(Violation(6, f"{len(late)} answers took longer than {ANSWER_LIMIT:.0f} s, {late[:3]}"))
    return outcome


def _mongod_pid(stage: Stage) -> int | None:
    """The mongod that runs now."""
    if stage.mongod is None:
        return stage.server.mongod_pid()
    assert stage.mongod.process is not None
    return stage.mongod.pid if stage.mongod.process.status is None else None


async def _first_refusal(stage: Stage, begin: float) -> float:
    """When the first message was refused; 0 if none was within NOTICED_WITHIN seconds."""
    seen = len(stage.journal.events)
    while time.monotonic() < begin + NOTICED_WITHIN:
        for event in stage.journal.events[seen:]:
            if event.kind == "refusal" and event.text:
                return event.at
        seen = len(stage.journal.events)
        await asyncio.sleep(0.1)
    return 0.0
