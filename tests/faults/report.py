"""What a fault's run showed, and the table of all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.faults.bounds import percentile
from tests.faults.checker import Violation


@dataclass
class Outcome:
    """`checked` counts what was compared; `recoveries` are seconds. `skipped` is a reason, empty if it ran."""

    fault: str
    checked: int = 0
    violations: list[Violation] = field(default_factory=list)
    recoveries: Sequence[float] = ()
    remarks: list[str] = field(default_factory=list)
    skipped: str = ""
    took: float = 0

    @property
    def row(self) -> tuple[str, ...]:
        if self.skipped:
            return (self.fault, "skipped", "", "", f"{self.took:.0f}", self.skipped)
        recovery = ""
        if self.recoveries:
            recovery = f"{percentile(self.recoveries, 50):.2f} / {max(self.recoveries):.2f}"
        return (
            self.fault,
            f"{self.checked:,}",
            str(len(self.violations)),
            recovery,
            f"{self.took:.0f}",
            "; ".join(self.remarks),
        )


HEADINGS = ("fault", "checked", "violations", "back after, s (p50 / max)", "took, s", "remarks")


def table(outcomes: Iterable[Outcome]) -> str:
    """In Markdown."""
    rows = [HEADINGS, *(outcome.row for outcome in outcomes)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---|---:|---:|---:|---:|---|")
    return "\n".join(lines)
