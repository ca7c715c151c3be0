"""A full disk under MongoDB: nothing is acknowledged that was not stored, and it heals once there is room again."""

import asyncio
import time
from contextlib import suppress

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
    async with folder("full-disk") as base:
        try:
            with small_disk(base, SIZE) as disk:
                return await _fill_and_empty(options, disk)
        except NoDisk as error:
            return Outcome("full-disk", skipped=f"no small filesystem here: {error}")


async def _fill_and_empty(options: Options, disk: SmallDisk) -> Outcome:
    crowd = options.crowd._replace(padding=PADDING)
    place = disk.path / "mongod"
    # A checkpoint each second, so that the disk is needed soon.
    async with staged("full-disk", options, own_mongod=("--syncdelay", "1"), crowd=crowd, place=place) as stage:
        assert stage.mongod is not None
        await asyncio.to_thread(disk.fill)
        begin = time.monotonic()
        noticed = await _first_refusal(stage, begin)
        await asyncio.sleep(FULL_FOR if noticed else 0)
        assert stage.mongod.process is not None
        status = stage.mongod.process.status
        stage.remarks.append(
            f"{disk.kind} full: noticed after {noticed - begin:.1f} s, mongod "
            + ("stayed" if status is None else f"ended with status {status}")
            if noticed
            else f"{disk.kind} full for {NOTICED_WITHIN:.0f} s, and MongoDB never noticed"
        )
        if not noticed:
            stage.found.append(Violation(0, "the full disk had no effect: the run shows nothing"))
        disk.empty()
        emptied = stage.blow()
        if status is not None:
            with suppress(RuntimeError):
                await stage.mongod.start()
        await stage.recovered(emptied)
        await stage.pause(1, 2)
        outcome = await stage.verdict()
        late = [took for took in answer_times(stage.journal.events, begin, emptied) if took > ANSWER_LIMIT]
        if late:
            stage.found.append(Violation(6, f"{len(late)} answers took longer than {ANSWER_LIMIT:.0f} s, {late[:3]}"))
        return outcome


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
