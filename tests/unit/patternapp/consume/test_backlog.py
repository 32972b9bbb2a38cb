"""What an attempt makes of an item, and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.consume import items, scaling

from .conftest import AWAY, BROKEN, OK, REFUSED

if TYPE_CHECKING:
    from .conftest import Held


def test_what_the_function_did_is_done(held: Held) -> None:
    arrived = held.add(3)

    done = held.settle(held.take(), OK)

    assert done == arrived
    assert (held.backlog.tally.delivered, held.backlog.tally.pending, held.backlog.size) == (3, 0, 0)


def test_what_failed_is_due_again_after_its_backoff(held: Held) -> None:
    held.add(1)
    held.settle(held.take(5.0), BROKEN, now=5.0)
    held.settle(held.take(15.0), BROKEN, now=16.0)

    assert held.backlog.next(16.0) == 36.0


def test_what_is_given_up_carries_why_to_the_dead_letter_sink(held: Held) -> None:
    held.add(1)

    assert held.settle(held.take(5.0), REFUSED, now=5.0) == []

    (letter,) = held.take(5.0)
    assert letter.last_words
    assert letter.event.attributes["knativeerrorcode"] == 422
    assert held.settle([letter], OK, now=5.0) == [letter]
    assert (held.backlog.tally.dead_lettered, held.backlog.tally.delivered) == (1, 0)


def test_a_dead_letter_sink_is_asked_until_it_takes_the_letter(held: Held) -> None:
    held.add(1)
    held.settle(held.take(5.0), REFUSED, now=5.0)
    now = 5.0

    for _ in range(20):
        held.settle(held.take(now), REFUSED, now=now)
        again = held.backlog.next(now)
        assert isinstance(again, float)
        assert 0.0 < again - now <= 60.0
        now = again

    assert held.backlog.tally.pending == 1


def test_a_function_that_nobody_reached_has_failed_no_attempt(held: Held) -> None:
    held.add(1)

    for number in range(10):
        held.settle(held.take(5.0 + number), AWAY, now=5.0 + number)

    (item,) = held.take(15.0)
    assert (item.attempts, item.last_words) == (0, False)


def test_nothing_goes_for_a_while_to_a_function_that_nobody_reached(held: Held) -> None:
    held.add(2)
    held.add(3, lane=items.Lane())
    held.settle(held.take(5.0), AWAY, now=5.0)

    assert held.backlog.next(5.0) == 5.5
    assert held.take(5.5)


def test_so_many_batches_are_out_as_the_backlog_is_worth(unordered: Held) -> None:
    unordered.backlog.scaling = scaling.Scaling(lag=4, most=2)
    unordered.add(7)
    first, _second = unordered.take(), unordered.take()

    assert unordered.backlog.next(9.0) is None
    unordered.settle(first, OK)
    assert unordered.backlog.next(9.0) is None
    unordered.add(1)
    assert len(unordered.take(9.0)) == 2


def test_what_waits_of_a_lane_that_is_given_up_is_returned(held: Held) -> None:
    held.add(5)
    batch = held.take()

    held.backlog.drop(held.lane)

    assert held.backlog.next(100.0) is None
    assert held.settle(batch, OK, BROKEN, REFUSED) == [batch[0]]
    tally = held.backlog.tally
    assert (tally.received, tally.delivered, tally.returned, tally.pending) == (5, 1, 4, 0)
    assert (held.lane.pending, held.lane.in_flight, held.backlog.size) == (0, 0, 0)


def test_items_of_a_lane_that_was_given_up_meanwhile_are_left_alone(held: Held) -> None:
    held.backlog.drop(held.lane)

    held.add(3)

    assert held.backlog.tally.received == 0
    assert held.backlog.next(100.0) is None
