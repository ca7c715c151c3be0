"""Metrics: what is counted, in Prometheus's form."""

import asyncio
import contextlib
import re
from unittest import mock

from chat import metrics as metrics_module
from chat.clients import Clients
from chat.metrics import Metrics
from tests.waiting import until


def value(metrics: Metrics, name: str) -> float:
    """A figure by its full name, labels included."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics.text().decode(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def test_counts_commits() -> None:
    """An insert counts its entries and its time."""
    metrics = Metrics()
    metrics.observe_commit(7, 0.004)
    metrics.observe_commit(1, 0.002)
    assert value(metrics, "parley_entries_stored_total") == 8
    assert value(metrics, "parley_commit_entries_count") == 2
    assert value(metrics, 'parley_commit_seconds_bucket{le="0.005"}') == 2


def test_shows_what_is_looked_up() -> None:
    """Clients, rooms and the queue are those of the moment one asks."""
    metrics, clients, rooms = Metrics(), Clients(limit=9, address_limit=9, backlog_limit=9), [1, 2, 3]
    metrics.watch(clients, rooms.__len__, lambda: 5)
    assert value(metrics, "parley_rooms_awake") == 3
    rooms.pop()
    assert value(metrics, "parley_rooms_awake") == 2
    assert value(metrics, "parley_commit_queue") == 5
    assert value(metrics, 'parley_clients{transport="websocket"}') == 0
    assert value(metrics, "parley_backlog_bytes") == 0


async def test_measures_the_loops_lag() -> None:
    """How late the loop comes is observed again and again."""
    metrics = Metrics()
    with mock.patch.object(metrics_module, "LAG_INTERVAL", 0.01):
        task = asyncio.create_task(metrics.measure_lag())
        await until(lambda: value(metrics, "parley_loop_lag_seconds_count") >= 3)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_two_servers_in_one_process_count_for_themselves() -> None:
    """No figure is kept in the module."""
    one, two = Metrics(), Metrics()
    one.slow_closes.inc()
    assert (value(one, "parley_slow_closes_total"), value(two, "parley_slow_closes_total")) == (1, 0)
