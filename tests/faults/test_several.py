"""Three processes share the rooms, and one of them is killed in the middle."""

import asyncio

import pytest

from tests.faults.several import MESSAGES, process_kill
from tests.faults.stage import Options


@pytest.mark.timeout(240)
def test_one_order_for_three_processes_and_nothing_is_lost_when_one_is_killed() -> None:
    """Clients of all transports at each, 5,000 messages, each sent until it is acknowledged."""
    outcome = asyncio.run(process_kill(Options(7, short=True)))
    assert outcome.violations == []
    assert outcome.checked > MESSAGES * 2
