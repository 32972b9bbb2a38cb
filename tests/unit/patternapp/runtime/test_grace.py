"""The grace: one deadline, whoever asks and however often."""

from __future__ import annotations

from runtime_parts import HandClock

from patternapp.runtime.grace import Grace


def test_the_grace_begins_when_somebody_asks_for_it() -> None:
    clock = HandClock()
    grace = Grace(10, now=clock.now)

    clock.at += 3_600

    assert grace.left("functions") == 10


def test_what_one_part_used_the_next_does_not_get_again() -> None:
    clock = HandClock()
    grace = Grace(10, now=clock.now)
    grace.left("deliveries")

    clock.at += 8

    assert grace.left("deliveries") == 0
    assert (grace.left("requests"), grace.left("functions")) == (1, 2)


def test_after_the_grace_nobody_has_anything_left() -> None:
    clock = HandClock()
    grace = Grace(10, now=clock.now)
    grace.left("deliveries")

    clock.at += 11

    assert grace.left("functions") == 0
