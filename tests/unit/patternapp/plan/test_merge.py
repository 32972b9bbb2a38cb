from __future__ import annotations

from typing import Any

import pytest

from patternapp.delivery import DeliverySpec
from patternapp.plan import merge
from patternapp.spec import filters, v1alpha1


def delivery(**fields: Any) -> v1alpha1.Delivery:
    return v1alpha1.Delivery.model_validate(fields)


def test_nothing_said_gives_the_defaults_and_the_app_store() -> None:
    resolved = merge.delivery(None, delivery())

    assert resolved == merge.Resolved(DeliverySpec(), None)


def test_an_entry_without_a_delivery_takes_the_whole_of_the_app() -> None:
    app = delivery(
        retry=7, backoffPolicy="linear", backoffDelay="2s", timeout="5s", deadLetter={"function": "failures"}
    )

    resolved = merge.delivery(None, app)

    assert resolved.delivery == DeliverySpec(retry=7, backoff_policy="linear", backoff_delay=2.0, timeout=5.0)
    assert resolved.dead_letter == "function/failures"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"retry": 0}, DeliverySpec(retry=0, backoff_policy="linear", backoff_delay=2.0, timeout=5.0)),
        ({"backoffDelay": "1ms"}, DeliverySpec(retry=7, backoff_policy="linear", backoff_delay=0.001, timeout=5.0)),
        ({"timeout": "1m"}, DeliverySpec(retry=7, backoff_policy="linear", backoff_delay=2.0, timeout=60.0)),
        (
            {"backoffPolicy": "exponential"},
            DeliverySpec(retry=7, backoff_policy="exponential", backoff_delay=2.0, timeout=5.0),
        ),
    ],
)
def test_one_field_of_an_entry_replaces_only_that_field_and_keeps_the_dead_letter(
    own: dict[str, Any], expected: DeliverySpec
) -> None:
    app = delivery(
        retry=7, backoffPolicy="linear", backoffDelay="2s", timeout="5s", deadLetter={"function": "failures"}
    )

    resolved = merge.delivery(delivery(**own), app)

    assert resolved == merge.Resolved(expected, "function/failures")


def test_an_entry_can_send_its_dead_letters_elsewhere() -> None:
    app = delivery(deadLetter={"function": "failures"})

    resolved = merge.delivery(delivery(deadLetter={"uri": "https://audit.example.com"}), app)

    assert resolved.dead_letter == "https://audit.example.com"


def test_filters_are_written_as_knative_reads_them_in_order() -> None:
    first = filters.Filter.model_validate({"not": {"exact": {"type": "a"}}})
    second = filters.Filter.model_validate_json('{"any": [{"prefix": {"type": "b"}}, {"cesql": "TRUE"}]}')

    assert merge.filters((first,), (second,)) == (
        {"not": {"exact": {"type": "a"}}},
        {"any": [{"prefix": {"type": "b"}}, {"cesql": "TRUE"}]},
    )
