"""All faults by name, in the order in which they are run."""

from collections.abc import Callable, Coroutine
from typing import Any

from tests.faults import clock, control, crowds, full_disk, kills, lost_acks, seam, several, slow_readers, stalls
from tests.faults.report import Outcome
from tests.faults.stage import Options

Fault = Callable[[Options], Coroutine[Any, Any, Outcome]]

FAULTS: dict[str, Fault] = {
    "server-kill": kills.server_kill,
    "server-term": kills.server_term,
    "mongod-kill": kills.mongod_kill,
    "private-mongod-kill": kills.private_mongod_kill,
    "process-kill": several.process_kill,
    "control-no-journal": control.control,
    "server-stop": stalls.server_stop,
    "mongod-stop-5": stalls.mongod_stop(5),
    "mongod-stop-30": stalls.mongod_stop(30, "--queue-limit=100"),
    "mongod-stop-60": stalls.mongod_stop(60),
    "full-disk": full_disk.full_disk,
    "private-full-disk": full_disk.private_full_disk,
    "clock": clock.clock,
    "lost-ack": lost_acks.lost_ack,
    "slow-readers": slow_readers.slow_readers,
    "half-open": crowds.half_open,
    "herd": crowds.herd,
    "seam": seam.seam,
}
