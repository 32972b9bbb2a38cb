from __future__ import annotations

import pytest
from unit.patternapp_operator.hand_clock import HandClock

from patternapp.cluster.resources import ApiKind
from patternapp_operator import hearing

TRIGGER, BROKER = ApiKind("eventing.knative.dev/v1", "Trigger"), ApiKind("eventing.knative.dev/v1", "Broker")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ears(clock: HandClock) -> hearing.Hearing:
    return hearing.Hearing(clock)


def test_a_watch_that_does_not_tell_what_a_list_found_is_dead(ears: hearing.Hearing, clock: HandClock) -> None:
    ears.told(TRIGGER, 7)
    ears.found(TRIGGER, 8)

    clock.seconds += hearing.LIMIT
    assert ears.deaf() == []
    clock.seconds += 1
    assert ears.deaf() == ["triggers.eventing.knative.dev"]


def test_a_watch_that_tells_late_is_alive(ears: hearing.Hearing, clock: HandClock) -> None:
    ears.found(TRIGGER, 8)
    clock.seconds += hearing.LIMIT - 1
    ears.told(TRIGGER, 9)

    clock.seconds += hearing.LIMIT

    assert ears.deaf() == []


def test_a_watch_of_a_kind_of_which_nothing_happens_is_alive(ears: hearing.Hearing, clock: HandClock) -> None:
    ears.told(TRIGGER, 8)
    for _ in range(5):
        ears.found(TRIGGER, 8)
        clock.seconds += hearing.LIMIT

    assert ears.deaf() == []


def test_news_of_another_kind_do_not_count(ears: hearing.Hearing, clock: HandClock) -> None:
    ears.found(TRIGGER, 8)
    ears.told(BROKER, 9)

    clock.seconds += hearing.LIMIT + 1

    assert ears.deaf() == ["triggers.eventing.knative.dev"]


def test_what_is_found_again_and_again_does_not_buy_a_dead_watch_time(ears: hearing.Hearing, clock: HandClock) -> None:
    for version in range(8, 15):
        ears.found(TRIGGER, version)
        clock.seconds += hearing.LIMIT / 5

    assert ears.deaf() == ["triggers.eventing.knative.dev"]


def test_a_kind_that_is_not_watched_any_more_is_not_dead(ears: hearing.Hearing, clock: HandClock) -> None:
    ears.found(TRIGGER, 8)

    ears.keep([BROKER])

    clock.seconds += hearing.LIMIT + 1
    assert ears.deaf() == []
