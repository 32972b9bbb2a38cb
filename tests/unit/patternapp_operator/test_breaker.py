from __future__ import annotations

from unit.patternapp_operator.hand_clock import HandClock

from patternapp_operator import breaker, resources

SHOP, OTHER = resources.AppKey("ns", "shop"), resources.AppKey("ns", "other")


def test_a_fight_is_stopped_for_that_app_alone_and_taken_up_after_the_cooldown() -> None:
    clock = HandClock()
    fuse = breaker.Breaker(clock)

    allowed = [fuse.allow(SHOP) for _ in range(breaker.CAPACITY + 1)]

    assert allowed == [True] * breaker.CAPACITY + [False]
    assert fuse.allow(OTHER)
    clock.seconds += breaker.COOLDOWN - 1
    assert not fuse.allow(SHOP)
    clock.seconds += 1
    assert fuse.allow(SHOP)


def test_corrections_that_are_rare_are_never_stopped() -> None:
    clock = HandClock()
    fuse = breaker.Breaker(clock)

    for _ in range(100):
        assert fuse.allow(SHOP)
        clock.seconds += 1 / breaker.REFILL
