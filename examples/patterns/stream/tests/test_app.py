from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from patternapp.testing.kit import Broker, SampleEvents


def test_clicks_of_a_topic_are_counted_in_batches(
    broker: Broker, sample_event: SampleEvents, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = ("/mugs", "/tea", "/mugs")
    broker.append("clicks", *(sample_event("shop.click", {"page": page}, partitionkey="ada") for page in pages))

    broker.settle()

    assert capsys.readouterr().out == "3 clicks, most on /mugs\n"
