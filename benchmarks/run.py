"""Measures Parley beside its peers and writes what came of it.

`python benchmarks/run.py` takes about 40 minutes and leaves benchmarks/results.json; `--write` also makes the
tables and plots of docs/benchmarks.md. It needs a C compiler, Node.js with the modules of package.json, and
the environment of requirements.txt in benchmarks/.venv.
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import history
import plots
import report
from measuring import measure
from plan import RECEIVERS, SERIES, Choice, Step, steps
from running import BenchmarkError, built, raise_file_limit, running
from servers import HERE, PROJECT

RESULTS = HERE / "results.json"
ROUNDS = 3  # a median needs three; each lasts a quarter of an hour
ALL_SERIES = (*SERIES, "history")


def main() -> int:
    options = _options()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"records": []}
    failed = 0
    if not options.report:
        raise_file_limit()
        results["machine"] = _machine()
        records, failed = _measure_all(options)
        # A series is compared within one run only, so what was measured anew replaces all there was of it.
        anew = {record["series"] for record in records}
        results["records"] = [old for old in results["records"] if old["series"] not in anew] + records
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    tables = report.tables(results)
    if options.write:
        report.fill(PROJECT / "docs" / "benchmarks.md", tables)
        plots.draw(results, PROJECT / "docs" / "benchmarks")
    else:
        print("\n\n".join(f"{name}\n\n{table}" for name, table in tables.items() if table))
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures Parley beside its peers.")
    parser.add_argument("--modes", type=_names, default=list(ALL_SERIES), help="of " + ",".join(ALL_SERIES))
    parser.add_argument("--peers", type=_names, default=[], help="names of servers, Parley's too; default: all")
    parser.add_argument("--receivers", type=_numbers, default=list(RECEIVERS))
    parser.add_argument("--seconds", type=float, default=3, help="measured time of each measurement")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="one round of one second at 1,000 receivers")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and its plots")
    parser.add_argument("--report", action="store_true", help="measure nothing; report what results.json holds")
    options = parser.parse_args()
    if unknown := set(options.modes) - set(ALL_SERIES):
        parser.error(f"no such mode: {', '.join(sorted(unknown))}")
    if options.quick:
        options.seconds, options.rounds, options.receivers = 1, 1, [1_000]
    return options


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _names(text)]


def _machine() -> dict[str, Any]:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "day": time.strftime("%Y-%m-%d"),
    }


def _measure_all(options: argparse.Namespace) -> tuple[list[dict[str, Any]], int]:
    """The records of all rounds, and how many measurements failed."""
    warmup = min(1.0, options.seconds / 2)
    choice = Choice(options.receivers, options.peers, options.seconds, warmup)
    records: list[dict[str, Any]] = []
    failed = 0
    with built() as programs:
        for number in range(options.rounds):
            for step in [step for name in options.modes if name in SERIES for step in steps(name, choice)]:
                try:
                    records.append(_measure_one(step, number, programs))
                except BenchmarkError as error:
                    failed += 1
                    print(f"{step.series}, {step.load.receivers} receivers: {error}", file=sys.stderr)
        if "history" in options.modes:
            records += history.measure_history(programs, quick=options.quick)
    return records, failed


def _measure_one(step: Step, number: int, programs: Path) -> dict[str, Any]:
    with running(step.server, programs) as server:
        figures = measure(server, step.load, programs)
    print(
        f"round {number + 1}  {step.series:7} {step.load.receivers:6} {step.server.name:22}"
        f"{figures.per_cpu_second:12,.0f} /CPU-s  p50 {figures.p50:.2f}  p99 {figures.p99:.2f} ms"
        f"  {figures.kb_per_client:.1f} KB" + (f"  {figures.missing} missing" if figures.missing else ""),
        file=sys.stderr,
    )
    return {
        "series": step.series,
        "server": step.server.name,
        "round": number,
        "receivers": step.load.receivers,
        "rooms": step.load.rooms,
        "rate": step.load.rate if step.load.mode == "paced" else None,
        **figures.record(),
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        sys.exit(str(problem))
