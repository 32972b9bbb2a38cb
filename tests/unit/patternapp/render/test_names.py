from __future__ import annotations

import pytest

from patternapp.render import names


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("event-driven/paid", "shop-event-driven-paid"),
        ("fan-out/order-placed/email", "shop-fan-out-order-placed--email"),
        ("queue/invoices", "shop-queue-invoices"),
    ],
)
def test_a_name_reads_like_the_entry_it_stands_for(key: str, name: str) -> None:
    assert names.entry("shop", key) == name


def test_hyphens_in_two_entries_do_not_make_them_one() -> None:
    assert names.entry("shop", "fan-out/a/b-c") != names.entry("shop", "fan-out/a-b/c")


def test_the_joint_itself_in_an_entry_makes_the_name_end_in_a_hash() -> None:
    first, second = names.entry("shop", "fan-out/a--b/c"), names.entry("shop", "fan-out/a/b--c")

    assert first != second
    assert first.startswith("shop-fan-out-a--b--c-")


def test_two_names_that_are_cut_at_the_same_place_stay_two() -> None:
    first, second = (names.worker("shop", f"queue/{'x' * 62}{end}") for end in "ab")

    assert first != second
    assert {len(first), len(second)} == {names.SCALED_OBJECT_LIMIT}


def test_a_function_named_as_one_of_our_own_services_gets_another_name() -> None:
    assert names.function("shop", "orders") == "shop-orders"
    assert names.function("shop", "gateway") != names.own("shop", "gateway") == "shop-gateway"


def test_a_cut_never_ends_in_a_hyphen_before_the_hash() -> None:
    app = "a" * (names.SERVICE_LIMIT - names.HASH_LENGTH - 2)

    name = names.function(app, "x" * 20)

    assert "--" not in name
    assert len(name) <= names.SERVICE_LIMIT
