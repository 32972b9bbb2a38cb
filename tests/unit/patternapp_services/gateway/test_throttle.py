from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patternapp_services.gateway import throttle

LIMITS = st.builds(
    throttle.Limit,
    requests=st.integers(1, 1000),
    period=st.floats(0.01, 3600.0),
    burst=st.integers(1, 1000),
)


@given(limit=LIMITS, now=st.floats(0, 2e9))
def test_exactly_a_burst_goes_through_at_once(limit: throttle.Limit, now: float) -> None:
    counted = throttle.Throttle(limit)

    waits = [counted.wait("somebody", now=now) for _ in range(limit.burst + 1)]

    assert waits[:-1] == [0.0] * limit.burst
    assert waits[-1] > 0


@given(limit=LIMITS, gaps=st.lists(st.floats(0, 10.0), max_size=60))
def test_no_more_than_the_limit_and_a_burst_go_through_in_any_time(limit: throttle.Limit, gaps: list[float]) -> None:
    counted, now, admitted = throttle.Throttle(limit), 0.0, 0

    for gap in gaps:
        now += gap
        admitted += counted.wait("somebody", now=now) == 0.0

    assert admitted <= limit.burst + now * limit.requests / limit.period + 1


@given(limit=LIMITS)
def test_whoever_waits_as_long_as_told_goes_through(limit: throttle.Limit) -> None:
    counted, now = throttle.Throttle(limit), 1000.0
    while not (wait := counted.wait("somebody", now=now)):
        pass

    assert counted.wait("somebody", now=now + wait * (1 + 1e-9) + 1e-6) == 0.0


def test_callers_count_apart() -> None:
    counted = throttle.Throttle(throttle.Limit(requests=1, period=60.0, burst=1))

    assert counted.wait("one", now=0.0) == 0.0
    assert counted.wait("two", now=0.0) == 0.0
    assert counted.wait("one", now=0.0) == pytest.approx(60.0, rel=1e-3)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST", 10)
    counted = throttle.Throttle(throttle.Limit(requests=1, period=60.0, burst=1))

    for number in range(100):
        counted.wait(str(number), now=0.0)

    assert len(counted._buckets) == 10
