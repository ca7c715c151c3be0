"""Fails when Parley's fan-out has become half as fast as it was, beside two peers; takes about 15 seconds.

Needs the project's own environment and a C compiler. The expected ratios stand in expected.json; they hold on
any machine, as both sides run on it in turn.
"""

import contextlib
import json
import statistics
import sys
from pathlib import Path

from measuring import Load, measure
from running import BenchmarkError, built, raise_file_limit, running
from servers import C_JOIN, HERE, PARLEY, TORNADO_LOOP, on_project

EXPECTED = HERE / "expected.json"
LOAD = Load("burst", receivers=200, warmup=0.3, seconds=0.7)
ROUNDS = 3
LEAST_SHARE = 0.5  # of the expected ratio; a shared machine alone moves it by a third


def main() -> int:
    raise_file_limit()
    expected: dict[str, float] = json.loads(EXPECTED.read_text())
    with built() as programs:
        speeds = _speeds(programs)
    failed = 0
    for peer, ratio in expected.items():
        found = speeds[PARLEY.name] / speeds[peer]
        fine = found >= LEAST_SHARE * ratio
        failed += not fine
        print(
            f"Parley makes {found:.2f} times the deliveries of {peer} for each second of CPU "
            f"({ratio:g} expected, {LEAST_SHARE * ratio:.2g} needed): {'fine' if fine else 'too slow'}."
        )
    return 1 if failed else 0


def _speeds(programs: Path) -> dict[str, float]:
    """The median deliveries for each second of CPU of each server, measured in turn."""
    servers = [PARLEY, on_project(TORNADO_LOOP), C_JOIN]
    with contextlib.ExitStack() as stack:
        all_running = [stack.enter_context(running(server, programs)) for server in servers]
        rounds = [
            {server.server.name: measure(server, LOAD, programs).per_cpu_second for server in all_running}
            for _ in range(ROUNDS)
        ]
    return {server.name: statistics.median(speeds[server.name] for speeds in rounds) for server in servers}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        sys.exit(str(problem))
