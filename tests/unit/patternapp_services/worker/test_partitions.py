"""How far a partition may be committed."""

from __future__ import annotations

from patternapp.cloudevents import Event
from patternapp.consume.items import Item
from patternapp_services.worker.partitions import Holdings, Partition


def partition() -> Partition:
    return Partition("t", 0, now=0.0)


def test_nothing_is_committed_past_what_is_not_done() -> None:
    ours = partition()
    ours.arrived([5, 6, 7, 8], now=0.0)

    ours.ended([6, 8])
    assert ours.low == 5
    ours.ended([5])
    assert ours.low == 7
    ours.ended([7])
    assert ours.low == 9


def test_offsets_that_are_no_records_are_no_gap() -> None:
    ours = partition()
    ours.arrived([5, 9], now=0.0)

    ours.ended([5])
    assert ours.low == 9
    ours.ended([9])
    ours.located(12, now=0.0)
    assert ours.low == 12


def test_a_partition_without_records_is_committed_where_it_stands() -> None:
    ours = partition()

    ours.located(40, now=0.0)

    assert ours.low == 40


def test_a_position_past_what_is_outstanding_is_not_committed() -> None:
    ours = partition()
    ours.arrived([5], now=0.0)

    ours.located(8, now=0.0)

    assert ours.low == 5


def test_the_lag_is_what_is_not_done() -> None:
    ours = partition()
    ours.arrived([5, 6], now=0.0)
    assert ours.lag is None

    ours.looked(20, now=0.0)

    assert ours.lag == 15


def test_a_partition_whose_log_goes_on_while_it_gives_nothing_has_not_moved() -> None:
    ours = partition()
    ours.located(5, now=1.0)

    ours.looked(5, now=10.0)
    assert ours.moved == 10.0
    ours.looked(6, now=20.0)
    assert ours.moved == 10.0
    ours.paused = True
    ours.looked(7, now=30.0)
    assert ours.moved == 30.0


def test_what_is_due_is_what_was_not_committed_yet() -> None:
    held = Holdings()
    held.take_up([("t", 0), ("t", 1)], now=0.0)
    held["t", 0].arrived([5, 6], now=0.0)
    event = Event({"specversion": "1.0", "id": "1", "source": "/t", "type": "t"}, None)

    held.note([Item(event, held["t", 0], 5, 10, 0.0)])
    assert held.due(held) == {("t", 0): 6}
    held.committed({("t", 0): 6, ("t", 7): 1})

    assert held.due(held) == {}


def test_what_is_done_after_a_partition_was_given_up_changes_nothing_of_its_successor() -> None:
    held = Holdings()
    held.take_up([("t", 0)], now=0.0)
    before = held["t", 0]
    before.arrived([5], now=0.0)
    held.give_up([("t", 0)])
    held.take_up([("t", 0)], now=1.0)
    held["t", 0].arrived([5], now=1.0)

    held.note([Item(Event({}, None), before, 5, 10, 0.0)])

    assert held["t", 0].low == 5
