"""One measurement: the load generator against one running server."""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from running import LOAD_CORES, BenchmarkError, Running, on

Mode = Literal["burst", "paced", "idle"]
# The generator connects for up to 60 seconds and drains for 5; a busy machine is slower.
SPARE_SECONDS = 120


@dataclass(frozen=True)
class Load:
    """What the clients do. `rate` is messages a second by all senders together; times are seconds."""

    mode: Mode
    receivers: int
    rooms: int = 1
    rate: float = 20
    in_flight: int = 8
    warmup: float = 1
    seconds: float = 3

    def flags(self) -> list[str]:
        return [
            f"--mode={self.mode}",
            f"--clients={self.receivers}",
            f"--rooms={self.rooms}",
            f"--rate={self.rate}",
            f"--in-flight={self.in_flight}",
            f"--warmup={self.warmup}",
            f"--seconds={self.seconds}",
        ]


@dataclass(frozen=True)
class Figures:
    """What came of it. CPU in seconds, latency in milliseconds, memory in KB.

    `cpu` is the server's process alone, `cpu_database` what it has beside it. `missing` counts deliveries
    that had not come 5 seconds after the end.
    """

    messages: int
    deliveries: int
    seconds: float
    cpu: float
    cpu_database: float
    cpu_connecting: float
    seconds_connecting: float
    cpu_generator: float
    p50: float
    p99: float
    worst: float
    kb_per_client: float
    missing: int

    @property
    def per_cpu_second(self) -> float:
        """Deliveries for each second of the server's CPU."""
        return self.deliveries / self.cpu if self.cpu else 0

    @property
    def per_cpu_second_with_database(self) -> float:
        return self.deliveries / (self.cpu + self.cpu_database) if self.cpu else 0

    @property
    def cpu_per_message(self) -> float:
        """Microseconds of the server's CPU."""
        return self.cpu / self.messages * 1e6 if self.messages else 0

    @property
    def cpu_per_message_with_database(self) -> float:
        return (self.cpu + self.cpu_database) / self.messages * 1e6 if self.messages else 0

    @property
    def rate(self) -> float:
        """Deliveries a second; of a paced load this shows whether the server kept up."""
        return self.deliveries / self.seconds

    def record(self) -> dict[str, Any]:
        return asdict(self)


def measure(running: Running, load: Load, programs: Path) -> Figures:
    """Runs the load generator against a server; raises BenchmarkError if a client was refused or cut off."""
    command = [
        str(programs / "load"),
        f"--port={running.port}",
        *running.server.client_flags(),
        *load.flags(),
        *(f"--pid={process}" for process in running.processes),
    ]
    patience = load.warmup + load.seconds + SPARE_SECONDS
    with on(LOAD_CORES):
        outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)
    if outcome.returncode != 0:
        raise BenchmarkError(f"The load generator failed: {outcome.stderr.strip()}")
    raw = json.loads(outcome.stdout)
    wrong = {name: raw[name] for name in ("closed", "errors") if raw[name]}
    if wrong or raw["connected"] < load.receivers:
        raise BenchmarkError(f"{running.server.label}: of {load.receivers} clients {raw['connected']} joined; {wrong}")
    return _figures(raw, load)


def _figures(raw: dict[str, Any], load: Load) -> Figures:
    server, *database = raw["processes"]
    return Figures(
        messages=raw["messages"],
        deliveries=raw["deliveries"],
        seconds=raw["seconds"],
        cpu=server["cpu"],
        cpu_database=sum(process["cpu"] for process in database),
        cpu_connecting=server["connect_cpu"],
        seconds_connecting=raw["connect_seconds"],
        cpu_generator=raw["generator_cpu"],
        p50=raw["p50_us"] / 1000,
        p99=raw["p99_us"] / 1000,
        worst=raw["max_us"] / 1000,
        kb_per_client=(server["kb_joined"] - server["kb_alone"]) / load.receivers,
        missing=raw["missing"],
    )
