"""Figures of the last minutes."""

from chat.clients import Clients
from chat.figures import KEPT, Figures
from chat.metrics import Metrics
from chat.people import People
from tests.clock import FakeClock
from tests.rooms import BOB, FakeWaiter


def figures(clock: FakeClock) -> tuple[Figures, Clients, Metrics]:
    clients = Clients(limit=9, address_limit=9, backlog_limit=9)
    people = People(clock.call_later, hold=0)
    metrics = Metrics()
    return (
        Figures(clients=clients, people=people, metrics=metrics, rooms=lambda: 7, clock=lambda: clock.now),
        clients,
        metrics,
    )


def test_counts_a_second_and_means() -> None:
    """What happened since the last look, by its time; and how long it took on average."""
    clock = FakeClock()
    looking, _, metrics = figures(clock)
    clock.advance(5)
    for entries, seconds in ((9, 0.002), (1, 0.004)):
        metrics.observe_commit(entries, seconds)
    metrics.count_refusal("person")
    looking.look()
    clock.advance(5)
    looking.look()
    series = looking.series()
    assert (series["entries"], series["refused"]) == ([2.0, 0.0], [0.2, 0.0])
    assert series["commit_ms"] == [3.0, 0.0]
    assert series["rooms"] == [7, 7]


def test_now_is_now() -> None:
    """Clients are those of this moment; what is counted a second is that of the last look if that was just now."""
    clock = FakeClock()
    looking, clients, metrics = figures(clock)
    FakeWaiter.transport = "poll"
    clients.add(FakeWaiter(BOB))
    assert looking.now().clients.poll == 1
    clock.advance(5)
    metrics.observe_commit(10, 0.01)
    looking.look()
    assert (looking.now().entries, looking.now().commit_ms) == (2.0, 10.0)
    clock.advance(2)
    assert (looking.now().entries, looking.now().commit_ms) == (0.0, 0.0)


def test_keeps_five_minutes() -> None:
    """The oldest looks are forgotten."""
    clock = FakeClock()
    looking, clients, _ = figures(clock)
    for number in range(KEPT + 5):
        if number == KEPT:
            clients.add(FakeWaiter(BOB))
        looking.look()
    assert {len(values) for values in looking.series().values()} == {KEPT}
