"""A short version of the fault runs: a smaller load, fewer blows, the same checker."""

import asyncio

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.stage import Options

SEED = 7


@pytest.mark.alone
@pytest.mark.parametrize("name", ["server-kill", "mongod-kill", "mongod-stop-5", "lost-ack", "slow-readers"])
def test_nothing_is_lost_under(name: str) -> None:
    """No violation, and something was checked."""
    outcome = asyncio.run(FAULTS[name](Options(SEED, short=True)))
    assert outcome.violations == []
    assert outcome.checked > 0
