"""The measured records, by series, server and number of receivers."""

import statistics
from dataclasses import dataclass, fields
from typing import Any

from measuring import Figures


@dataclass(frozen=True)
class Spread:
    """A figure over the rounds."""

    median: float
    least: float
    most: float


class Results:
    """What results.json holds, to be asked."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.machine: dict[str, Any] = content.get("machine", {})
        self.records: list[dict[str, Any]] = content["records"]

    def receivers(self, series: str) -> list[int]:
        return sorted({record["receivers"] for record in self.records if record["series"] == series})

    def spread(self, series: str, server: str, receivers: int, figure: str) -> Spread | None:
        """The median of a figure (an attribute of Figures) and its range, or None if it was not measured."""
        values = list(self._rounds(series, server, receivers, figure).values())
        return Spread(statistics.median(values), min(values), max(values)) if values else None

    def median(self, series: str, server: str, receivers: int, figure: str) -> float | None:
        spread = self.spread(series, server, receivers, figure)
        return spread.median if spread else None

    def ratio(self, series: str, server: str, to: str, receivers: int, figure: str) -> float | None:
        """How many times the figure of another server this one's is: the median of the ratios of each round."""
        ours, theirs = (self._rounds(series, name, receivers, figure) for name in (server, to))
        ratios = [ours[number] / theirs[number] for number in ours if theirs.get(number)]
        return statistics.median(ratios) if ratios else None

    def _rounds(self, series: str, server: str, receivers: int, figure: str) -> dict[int, float]:
        """The figure by the number of the round."""
        return {
            record["round"]: float(getattr(_figures(record), figure))
            for record in self.records
            if (record["series"], record["server"], record.get("receivers")) == (series, server, receivers)
        }

    def history(self, what: str) -> dict[int, list[float]]:
        """The times in milliseconds of all rounds, by the number of entries."""
        found: dict[int, list[float]] = {}
        for record in self.records:
            if record["series"] == "history" and record["what"] == what:
                found.setdefault(record["entries"], []).append(record["ms"])
        return dict(sorted(found.items()))


def _figures(record: dict[str, Any]) -> Figures:
    return Figures(**{field.name: record[field.name] for field in fields(Figures)})
