"""Makes the tables of docs/benchmarks.md from the results."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from plan import PACE
from results import Results, Spread
from servers import BROADCASTING, C_JOIN, C_SEND, PARLEY, PARLEY_POLL, TORNADO_POLL, Server
from targets import check

BESIDE = 1_000  # receivers of the table that shows all figures


def tables(content: dict[str, Any]) -> dict[str, str]:
    """The tables by name, in Markdown; those without results are empty."""
    results = Results(content)
    return {
        "machine": _machine(results),
        "targets": _targets(results),
        "burst": _beside(results, "burst"),
        "burst by receivers": _by_receivers(results, "burst"),
        "paced": _beside(results, "paced"),
        "paced by receivers": _by_receivers(results, "paced"),
        "idle": _idle(results),
        "poll": _poll(results),
        "steady": _steady(results),
        "cost": _cost(results),
        "rooms": _rooms(results),
        "history": _history(results),
    }


def fill(page: Path, made: dict[str, str]) -> None:
    """Puts each table between `<!-- name -->` and `<!-- end -->`; what stands around is written by hand."""
    text = page.read_text(encoding="utf-8")
    for name, table in made.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if end:
            text = before + begin + (table + "\n" if table else "") + end + after
    page.write_text(text, encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """All columns but the first hold figures. Empty without rows."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return ""
    rule = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join(["| " + " | ".join(head) + " |", rule, *lines])


def _rounded(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100:
        digits = 10 ** max(0, len(str(int(value))) - 3)
        return f"{round(value / digits) * digits:,.0f}"
    return f"{value:.3g}"


def _with_range(spread: Spread) -> str:
    return f"{_rounded(spread.median)} ({_rounded(spread.least)}–{_rounded(spread.most)})"


def _machine(results: Results) -> str:
    machine = results.machine
    if not machine:
        return ""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; "
        f"measured on {machine['day']}. A median of several rounds has its range (least–most) beside it."
    )


def _targets(results: Results) -> str:
    rows = [
        [
            target.what,
            target.asked,
            "not measured" if target.reached is None else target.found,
            _verdict(target.reached),
        ]
        for target in check(results)
    ]
    return _table(["", "at least", "measured", "reached"], rows)


def _verdict(reached: bool | None) -> str:
    return "" if reached is None else "yes" if reached else "**no**"


def _beside(results: Results, series: str) -> str:
    """All servers at 1,000 receivers."""
    rows = []
    for server in BROADCASTING:
        spread = results.spread(series, server.name, BESIDE, "per_cpu_second")
        if spread is None:
            continue
        times = [results.median(series, server.name, BESIDE, figure) or 0 for figure in ("p50", "p99")]
        ratio = results.ratio(series, PARLEY.name, server.name, BESIDE, "per_cpu_second")
        rows.append([server.label, _with_range(spread), f"{ratio:.2f} ×" if ratio else "", *map(_rounded, times)])
    both = results.spread(series, PARLEY.name, BESIDE, "per_cpu_second_with_database")
    if both:
        rows.insert(1, ["Parley, the CPU of MongoDB counted too", _with_range(both), "", "", ""])
    return _table(["", "deliveries for each second of CPU", "Parley's to this", "p50 ms", "p99 ms"], rows)


def _by_receivers(results: Results, series: str) -> str:
    """Deliveries for each second of CPU. A star: the server did not keep up with what was sent."""
    counts = results.receivers(series)
    rows = []
    for server in BROADCASTING:
        cells = [_cell(results, series, server, count) for count in counts]
        if any(cells):
            rows.append([server.label, *cells])
    return _table(["receivers", *(f"{count:,}" for count in counts)], rows)


def _cell(results: Results, series: str, server: Server, receivers: int) -> str:
    value = results.median(series, server.name, receivers, "per_cpu_second")
    if value is None:
        return ""
    rate = results.median(series, server.name, receivers, "rate") or 0
    kept_up = series == "burst" or rate > 0.9 * PACE * receivers
    return _rounded(value) + ("" if kept_up else " *")


def _idle(results: Results) -> str:
    rows = []
    for server in (*BROADCASTING, PARLEY_POLL, TORNADO_POLL):
        for count in results.receivers("idle"):
            spread = results.spread("idle", server.name, count, "kb_per_client")
            if spread:
                connecting = results.median("idle", server.name, count, "cpu_connecting")
                rows.append(
                    [
                        server.label,
                        f"{count:,}",
                        _with_range(spread),
                        _rounded((connecting or 0) / count * 1e6),
                    ]
                )
    return _table(["", "clients", "KB for each", "µs of CPU to connect"], rows)


def _poll(results: Results) -> str:
    rows = []
    for count in results.receivers("poll"):
        for server in (PARLEY_POLL, TORNADO_POLL):
            spread = results.spread("poll", server.name, count, "per_cpu_second")
            if spread:
                times = [results.median("poll", server.name, count, figure) or 0 for figure in ("p50", "p99")]
                rows.append([server.label, f"{count:,}", _with_range(spread), *map(_rounded, times)])
    return _table(["", "waiting polls", "deliveries for each second of CPU", "p50 ms", "p99 ms"], rows)


def _steady(results: Results) -> str:
    rows = []
    for count in results.receivers("steady"):
        for server in (PARLEY, C_SEND, C_JOIN):
            spread = results.spread("steady", server.name, count, "p99")
            if spread:
                middle = results.median("steady", server.name, count, "p50")
                rows.append([server.label, f"{count:,}", _rounded(middle or 0), _with_range(spread)])
    return _table(["100 messages a second", "receivers", "p50 ms", "p99 ms"], rows)


def _cost(results: Results) -> str:
    """Microseconds of CPU for a message, and for each receiver more than in the line before."""
    rows = []
    for server in (PARLEY, C_SEND):
        before: tuple[int, float] | None = None
        for count in results.receivers("cost"):
            cost = results.median("cost", server.name, count, "cpu_per_message")
            if cost is None:
                continue
            more = _rounded((cost - before[1]) / (count - before[0])) if before else ""
            rows.append([server.label, f"{count:,}", _rounded(cost), more])
            before = (count, cost)
    return _table(["", "receivers", "µs of CPU for a message", "µs for one more receiver"], rows)


def _rooms(results: Results) -> str:
    rows = []
    for count in results.receivers("rooms"):
        spread = results.spread("rooms", PARLEY.name, count, "cpu_per_message")
        both = results.median("rooms", PARLEY.name, count, "cpu_per_message_with_database")
        if spread:
            rows.append([f"{count:,}", _with_range(spread), _rounded(both or 0)])
    return _table(["rooms of one person", "µs of CPU for a message", "with MongoDB's"], rows)


def _history(results: Results) -> str:
    names = {"start": "starting", "page": "a page of 50", "catch_up": "catching up on 1,000 entries"}
    rows = [
        [name, f"{entries:,}", _rounded(statistics.median(times))]
        for what, name in names.items()
        for entries, times in results.history(what).items()
    ]
    return _table(["", "entries there are", "ms"], rows)
