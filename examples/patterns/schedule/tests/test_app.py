from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from patternapp.testing.kit import Clock


def test_a_backup_is_made_every_night_at_two_in_berlin(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    clock.advance("48h")

    times = [line.split()[2] for line in capsys.readouterr().out.splitlines()]
    assert times == ["2026-01-01T01:00:00Z,", "2026-01-02T01:00:00Z,"]
