"""The control run: without the journal a killed MongoDB loses acknowledged messages, and the checker must see it."""

from tests.faults.checker import check, count_checked
from tests.faults.report import Outcome
from tests.faults.stage import Options, Stage, staged

# mongod then keeps what is not awaited in its own memory for as long as it may: killed in that time, it is lost.
LAZY = ("--journalCommitInterval", "500")
TRIES = 5


async def control(options: Options) -> Outcome:
    """kill -9 of MongoDB under a server that acknowledges without the journal: expected to lose."""
    for attempt in range(1, TRIES + 1):
        async with staged(
            "control-no-journal", options, own_mongod=LAZY, entry=("-m", "tests.faults.without_journal")
        ) as stage:
            lost, others = await _lose(stage)
            checked = count_checked(stage.journal.events)
        if lost:
            return Outcome(
                "control-no-journal",
                checked=checked,
                remarks=[f"as expected: {lost} acknowledged messages lost, {others} other violations, try {attempt}"],
            )
    return Outcome("control-no-journal", remarks=[f"no loss in {TRIES} tries: this disk cannot show one"])


async def _lose(stage: Stage) -> tuple[int, int]:
    """Lost acknowledged messages and other violations."""
    assert stage.mongod is not None
    await stage.pause(0.5, 1.5)
    await stage.mongod.kill()
    for client in stage.load.clients:
        client.writing = False
    await stage.mongod.start()
    await stage.load.settle(5)
    found = check(stage.journal.events, await stage.stored())
    lost = [violation for violation in found if violation.rule == 1]
    return len(lost), len(found) - len(lost)
