from __future__ import annotations

import pytest

from patternapp import durations


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("500ms", 500),
        ("30s", 30_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("0.5s", 500),
        ("0s", 0),
        ("1m500ms", 60_500),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, want: int) -> None:
    assert durations.milliseconds(text) == want


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 s", "1d", "5s\n", "1h-5m", ".5s", "\u0665s"])
def test_anything_else_is_refused_with_a_mend(text: str) -> None:
    with pytest.raises(ValueError, match="write one like 500ms"):
        durations.milliseconds(text)


def test_seconds_are_a_thousandth() -> None:
    assert durations.seconds("1m500ms") == 60.5
