"""Which items make the next batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.consume import items

from .conftest import BROKEN, OK, REFUSED, SHARED

if TYPE_CHECKING:
    from .conftest import Held


def positions(batch: tuple[items.Item, ...]) -> list[int]:
    return [item.position for item in batch]


def test_a_batch_goes_with_as_many_as_fit(held: Held) -> None:
    held.add(7)

    assert positions(held.take()) == [0, 1, 2]


def test_a_batch_goes_with_as_many_bytes_as_fit(held: Held) -> None:
    held.add(3, size=600)

    assert positions(held.take()) == [0]


def test_an_item_that_is_larger_than_a_batch_goes_nevertheless(held: Held) -> None:
    held.add(1, size=5000)

    assert positions(held.take()) == [0]


def test_few_items_wait_for_more_from_the_first_one_s_arrival_on(held: Held) -> None:
    held.add(1, now=1.0)
    held.add(1, now=3.0)

    assert held.backlog.next(4.0) == 6.0
    assert positions(held.take(6.0)) == [0, 1]


def test_where_nothing_waits_there_is_nothing_to_look_at_again(held: Held) -> None:
    assert held.backlog.next(0.0) is None


def test_without_order_a_retry_holds_up_nobody(unordered: Held) -> None:
    unordered.add(6)
    unordered.settle(unordered.take(), BROKEN, OK, OK, now=1.0)

    assert positions(unordered.take(1.0)) == [3, 4, 5]
    assert unordered.backlog.next(1.0) == 11.0


def test_in_order_a_retry_holds_up_its_lane_and_no_other(ordered: Held) -> None:
    other = items.Lane()
    ordered.add(6)
    ordered.add(3, lane=other)
    first = ordered.take()
    second = ordered.take()

    ordered.settle(first, OK, BROKEN, OK, now=1.0)

    assert positions(second) == [6, 7, 8]
    assert ordered.backlog.next(1.0) == 11.0
    ordered.settle(second, OK, now=1.0)
    assert positions(ordered.take(11.0)) == [1, 3, 4]


def test_in_order_a_lane_has_one_batch_under_way(ordered: Held) -> None:
    ordered.add(6)

    batch = ordered.take()

    assert ordered.backlog.next(100.0) is None
    ordered.settle(batch, OK)
    assert positions(ordered.take()) == [3, 4, 5]


def test_in_order_lanes_take_turns(ordered: Held) -> None:
    other = items.Lane()
    ordered.add(6)
    ordered.add(6, lane=other)

    first = ordered.take()
    ordered.settle(first, OK)

    assert positions(ordered.take()) == [6, 7, 8]


def test_what_was_refused_in_company_goes_alone(held: Held) -> None:
    held.add(3)

    held.settle(held.take(), SHARED)

    alone = held.take()
    assert len(alone) == 1
    assert alone[0].alone


def test_what_is_at_its_last_words_goes_alone(held: Held) -> None:
    held.add(3)
    held.settle(held.take(), REFUSED, REFUSED, OK)

    batch = held.take()

    assert len(batch) == 1
    assert batch[0].last_words
