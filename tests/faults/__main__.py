"""python -m tests.faults [--faults=NAME,…] [--seed=N] [--short]"""

import argparse
import asyncio
import gc
import random
import resource
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from tests.faults.catalogue import FAULTS, Fault
from tests.faults.checker import Violation
from tests.faults.report import Outcome, table
from tests.faults.stage import Options

# For all of them together, in seconds. What has not begun by then is a violation, not a silence.
TIME_LIMIT = 1150.0
FAULT_LIMIT = 300.0
SHOWN = 8


async def run(names: list[str], options: Options) -> list[Outcome]:
    """Runs the faults one after another, and says what each showed."""
    end = time.monotonic() + TIME_LIMIT
    outcomes = []
    for name in names:
        began = time.monotonic()
        print(f"{name} …", flush=True)
        outcome = await _one(name, FAULTS[name], options, min(FAULT_LIMIT, end - began))
        outcome.took = time.monotonic() - began
        outcomes.append(outcome)
        print("  " + "  ".join(outcome.row[1:]), flush=True)
        for violation in outcome.violations[:SHOWN]:
            print(f"  violation of rule {violation.rule}: {violation.what}", flush=True)
    return outcomes


async def _one(name: str, fault: Fault, options: Options, limit: float) -> Outcome:
    try:
        async with asyncio.timeout(limit):
            return await fault(options)
    except Exception as error:
        traceback.print_exc()
        return Outcome(name, violations=[Violation(0, f"the fault did not run to its end: {error!r}")])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", default="", help=f"some of: {', '.join(FAULTS)}")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--short", action="store_true", help="a smaller load and fewer blows")
    parser.add_argument("--keep", type=Path, help="a folder for the journals of runs with violations")
    given = parser.parse_args()
    names = given.faults.split(",") if given.faults else list(FAULTS)
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    _allow_many_files()
    gc.set_threshold(100_000, 20, 100)  # a journal of 300,000 events makes each full collection a pause
    print(f"seed {given.seed}", flush=True)
    began = time.monotonic()
    outcomes = asyncio.run(_cancellable(names, Options(given.seed, given.short, given.keep)))
    violations = sum(len(outcome.violations) for outcome in outcomes)
    checked = sum(outcome.checked for outcome in outcomes)
    print(f"\nseed {given.seed}, {time.monotonic() - began:.0f} s: {violations} violations of {checked:,} checked\n")
    print(table(outcomes))
    return 1 if violations else 0


async def _cancellable(names: list[str], options: Options) -> list[Outcome]:
    """SIGTERM ends the run as Ctrl-C does: everything that was started is ended first."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(names, options)


def _allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(main())
    sys.exit("interrupted; what was started has been ended")
