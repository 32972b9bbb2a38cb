from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from patternapp.testing.kit import Broker, DeadLetters, SampleEvents


def test_a_flood_is_worked_off_in_batches_and_only_the_wrong_one_is_a_dead_letter(
    broker: Broker, sample_event: SampleEvents, dead_letters: DeadLetters, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(40):
        total = 0 if number == 7 else 2900
        broker.publish(sample_event("shop.invoice.requested", {"number": f"o-{number}", "total": total}))

    ledger = broker.settle()

    assert (ledger.delivered, ledger.dead_lettered, ledger.pending) == (39, 1, 0)
    assert [dead.reason for dead in dead_letters] == ["answered 422: o-7: nothing is owed"]
    assert len(capsys.readouterr().out.splitlines()) < 40  # calls, of up to 20 events each
