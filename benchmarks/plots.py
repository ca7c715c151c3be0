"""Draws the plots of docs/benchmarks.md."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from results import Results, Spread
from servers import BROADCASTING, C_JOIN, C_SEND, NODE_WS, PARLEY, TORNADO_LOOP, Server

# On a transparent ground these keep a contrast of 3:1 and more to white and to near-black alike.
INK, QUIET, ACCENT = "#7b8390", "#9aa1ab", "#2f7fe0"
LINES = {
    PARLEY.name: (ACCENT, "-"),
    C_JOIN.name: (INK, "-"),
    C_SEND.name: (INK, "--"),
    NODE_WS.name: ("#3f9a5b", "-"),
    TORNADO_LOOP.name: ("#b8792f", "-"),
}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text, in the reader's font
    "svg.hashsalt": "parley",  # the same results give the same file
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "savefig.transparent": True,
}
BESIDE = 1_000  # receivers of the bar plots
DELIVERIES, MEMORY = "deliveries for each second of CPU", "KB of memory for each idle client"


def draw(content: dict[str, Any], folder: Path) -> None:
    """Writes one SVG file for each plot that there are results for."""
    results = Results(content)
    folder.mkdir(parents=True, exist_ok=True)
    clients = max(results.receivers("idle"), default=0)
    with mpl.rc_context(STYLE):
        for series in ("burst", "paced"):
            _bars(folder / f"{series}.svg", DELIVERIES, _rows(results, series, BESIDE, "per_cpu_second"))
            _lines(folder / f"{series}-receivers.svg", results, series)
        _bars(folder / "memory.svg", MEMORY, _rows(results, "idle", clients, "kb_per_client"))


Rows = list[tuple[Server, Spread]]


def _rows(results: Results, series: str, receivers: int, figure: str) -> Rows:
    """What one bar plot shows, from the bottom up."""
    found = ((server, results.spread(series, server.name, receivers, figure)) for server in BROADCASTING)
    return [(server, spread) for server, spread in found if spread][::-1]


def _bars(file: Path, label: str, rows: Rows) -> None:
    if not rows:
        return
    picture = Figure(figsize=(7.2, 0.36 * len(rows) + 0.8), layout="constrained")
    axes: Axes = picture.subplots()
    axes.barh(
        [_plain(server.label) for server, _ in rows],
        [spread.median for _, spread in rows],
        color=[ACCENT if server is PARLEY else QUIET for server, _ in rows],
        height=0.62,
        xerr=(
            [spread.median - spread.least for _, spread in rows],
            [spread.most - spread.median for _, spread in rows],
        ),
        error_kw={"ecolor": INK, "elinewidth": 1},
    )
    for place, (_, spread) in enumerate(rows):
        axes.annotate(
            _short(spread.median),
            (spread.most, place),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.margins(x=0.12)
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.tick_params(axis="y", length=0)
    _save(picture, file)


def _lines(file: Path, results: Results, series: str) -> None:
    """Deliveries for each second of CPU over the number of receivers, both in steps of ten."""
    counts = results.receivers(series)
    if len(counts) < 2:
        return
    picture = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes: Axes = picture.subplots()
    for server in BROADCASTING:
        if server.name not in LINES:
            continue
        points = [(count, results.median(series, server.name, count, "per_cpu_second")) for count in counts]
        known = [(count, value) for count, value in points if value]
        colour, style = LINES[server.name]
        axes.plot(
            *zip(*known, strict=True),
            style,
            color=colour,
            marker="o",
            markersize=4,
            label=_plain(server.label),
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.set_xlabel("receivers")
    axes.set_ylabel(DELIVERIES)
    axes.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    _save(picture, file)


def _save(picture: Figure, file: Path) -> None:
    picture.savefig(file, metadata={"Date": None, "Creator": None})


def _plain(label: str) -> str:
    return label.replace("`", "")


def _short(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g} M"
    return f"{value / 1_000:.3g} k" if value >= 1_000 else f"{value:.3g}"
