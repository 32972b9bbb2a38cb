from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.patternapp_operator.hand_clock import HandClock

from patternapp_operator import health, metrics

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def made(clock: HandClock) -> Callable[..., health.Health]:
    def make(*, oldest: float = 0.0, deaf: tuple[str, ...] = (), synced: bool = True) -> health.Health:
        return health.Health(
            clock=clock,
            metrics=metrics.Metrics(),
            oldest=lambda: oldest,
            deaf=lambda: list(deaf),
            synced=lambda: synced,
        )

    return make


def test_a_process_in_which_nothing_is_wrong_lives(made: Callable[..., health.Health]) -> None:
    assert made(oldest=health.AGE_LIMIT).failures() == []


def test_a_process_whose_event_loop_hangs_is_to_be_replaced(
    made: Callable[..., health.Health], clock: HandClock
) -> None:
    one = made()
    one.beaten()

    clock.seconds += health.LAG_LIMIT + 2

    assert one.failures() == ["the event loop is 6.0 s late"]


def test_a_process_whose_event_loop_beats_lives(made: Callable[..., health.Health], clock: HandClock) -> None:
    one = made()

    for _ in range(10):
        one.beaten()
        clock.seconds += 1

    assert one.failures() == []


def test_a_process_whose_workers_hang_is_to_be_replaced(made: Callable[..., health.Health]) -> None:
    assert made(oldest=health.AGE_LIMIT + 1).failures() == ["an app has waited for 301 s"]


def test_a_process_with_a_dead_watch_is_to_be_replaced(made: Callable[..., health.Health]) -> None:
    found = made(deaf=("triggers.eventing.knative.dev",)).failures()

    assert found == ["the watch of triggers.eventing.knative.dev is dead: it does not tell what a list found"]
