from __future__ import annotations

from patternapp.runtime.functions.backoff import MOST, Backoff


def test_waits_double_up_to_the_most() -> None:
    backoff = Backoff()

    waits = []
    for _ in range(7):
        backoff.fail(100.0)
        waits.append(backoff.until - 100.0)

    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, MOST, MOST]


def test_a_reset_forgets_what_failed() -> None:
    backoff = Backoff()
    backoff.fail(100.0)
    backoff.fail(100.0)

    backoff.reset()

    assert backoff.until == 0.0
    backoff.fail(100.0)
    assert backoff.until == 100.25
