from __future__ import annotations

from unit.patternapp_operator.hand_clock import HandClock

from patternapp.cluster import resources
from patternapp_operator import breaker

ONE, OTHER = (resources.Ref("ns", "eventing.knative.dev", "Trigger", name) for name in ("one", "other"))


def test_a_fight_is_stopped_for_that_object_alone_and_taken_up_after_the_cooldown() -> None:
    clock = HandClock()
    fuse = breaker.Breaker(clock)

    allowed = [fuse.allow(ONE) for _ in range(breaker.CAPACITY + 1)]

    assert allowed == [True] * breaker.CAPACITY + [False]
    assert fuse.allow(OTHER)
    clock.seconds += breaker.COOLDOWN - 1
    assert not fuse.allow(ONE)
    clock.seconds += 1
    assert fuse.allow(ONE)


def test_corrections_that_are_rare_are_never_stopped() -> None:
    clock = HandClock()
    fuse = breaker.Breaker(clock)

    for _ in range(100):
        assert fuse.allow(ONE)
        clock.seconds += 1 / breaker.REFILL
