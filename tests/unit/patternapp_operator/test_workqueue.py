from __future__ import annotations

import pytest
from unit.patternapp_operator.hand_clock import HandClock

from patternapp_operator import workqueue
from patternapp_operator.workqueue import Priority


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def queue(clock: HandClock) -> workqueue.WorkQueue[str]:
    return workqueue.WorkQueue(clock, chance=lambda: 1.0)


Queue = workqueue.WorkQueue[str]


def test_a_key_that_is_added_twice_is_handed_out_once(queue: Queue) -> None:
    queue.add("a", Priority.CHILD)
    queue.add("a", Priority.CHILD)

    assert [queue.take(), queue.take()] == ["a", None]


def test_the_more_urgent_come_first_and_of_equals_the_one_that_came_first(queue: Queue) -> None:
    for key, priority in (("resync", 2), ("child", 1), ("edit", 0), ("child-2", 1)):
        queue.add(key, Priority(priority))

    assert [queue.take() for _ in range(4)] == ["edit", "child", "child-2", "resync"]


def test_what_changes_without_end_does_not_keep_others_waiting_without_end(queue: Queue, clock: HandClock) -> None:
    queue.add("patient", Priority.RESYNC)

    taken = []
    for _ in range(20):
        queue.add("busy", Priority.EDIT)
        taken.append(queue.take())
        queue.done("busy")
        clock.seconds += 1

    assert taken.index("patient") == 2 * workqueue.HEAD_START


def by_first_letter(clock: HandClock) -> Queue:
    """A queue in which a key is of the tenant that it begins with."""
    return workqueue.WorkQueue(clock, tenant=lambda key: key[0])


def test_a_flood_of_one_tenant_is_passed_by_the_few_keys_of_others(clock: HandClock) -> None:
    queue = by_first_letter(clock)
    for number in range(500):
        queue.add(f"a{number}", Priority.EDIT)
    for key in ("b1", "c1", "b2"):
        queue.add(key, Priority.EDIT)

    taken = [queue.take() for _ in range(10)]

    assert taken[:5] == ["a0", "b1", "c1", "a1", "b2"]
    assert taken[5:] == [f"a{number}" for number in range(2, 7)]


def test_two_floods_take_turns(clock: HandClock) -> None:
    queue = by_first_letter(clock)
    for number in range(200):
        queue.add(f"a{number}", Priority.EDIT)
    for number in range(200):
        queue.add(f"b{number}", Priority.EDIT)

    taken = [str(queue.take())[0] for _ in range(200)]

    assert abs(taken.count("a") - taken.count("b")) <= 1


def test_a_flood_is_never_later_than_a_head_start(clock: HandClock) -> None:
    queue = by_first_letter(clock)
    for number in range(200):
        queue.add(f"a{number}", Priority.EDIT)
    for _ in range(100):
        queue.take()
    clock.seconds += workqueue.HEAD_START + 1
    queue.add("b", Priority.RESYNC)

    taken = [queue.take() for _ in range(101)]

    assert taken.index("b") == 100


def test_whoever_is_alone_has_all_turns(clock: HandClock) -> None:
    queue = by_first_letter(clock)
    queue.add("a-resync", Priority.RESYNC)
    for number in range(200):
        queue.add(f"a{number}", Priority.EDIT)

    taken = [queue.take() for _ in range(201)]

    assert taken == [*(f"a{number}" for number in range(200)), "a-resync"]


def test_nothing_waits_after_clearing_and_what_is_added_then_does(queue: Queue) -> None:
    queue.add("active", Priority.EDIT)
    queue.take()
    for key in ("active", "a", "b"):
        queue.add(key, Priority.EDIT)

    queue.clear()

    queue.done("active")
    assert (queue.take(), len(queue), queue.oldest(), queue.next_due()) == (None, 0, 0.0, None)
    queue.add("a", Priority.RESYNC)
    assert queue.take() == "a"


def test_a_key_is_not_handed_out_while_it_is_worked_on_and_not_lost_either(queue: Queue) -> None:
    queue.add("a", Priority.EDIT)
    queue.take()

    queue.add("a", Priority.EDIT)

    assert queue.take() is None
    queue.done("a")
    assert queue.take() == "a"


def test_a_key_with_a_delay_comes_when_it_is_due(queue: Queue, clock: HandClock) -> None:
    queue.add("a", Priority.CHILD, delay=5)

    assert (queue.take(), queue.next_due()) == (None, 5.0)
    clock.seconds += 5
    assert queue.take() == "a"


def test_an_edit_overtakes_the_wait_of_a_retry(queue: Queue) -> None:
    queue.add("a", Priority.EDIT)
    queue.take()
    queue.retry("a")
    queue.done("a")

    queue.add("a", Priority.EDIT)

    assert queue.take() == "a"
    queue.done("a")
    assert queue.next_due() is None


def test_each_failure_doubles_the_wait_up_to_a_limit_and_success_ends_that(queue: Queue, clock: HandClock) -> None:
    waits = []
    for _ in range(10):
        waits.append(queue.retry("a"))
        clock.seconds += waits[-1]
        assert queue.take() == "a"
        queue.done("a")
    queue.forget("a")

    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert queue.retry("a") == 0.5


def test_a_retry_waits_at_least_as_long_as_the_server_asks(queue: Queue) -> None:
    assert queue.retry("a", at_least=7) == 7


def test_retries_are_spread(clock: HandClock) -> None:
    early: Queue = workqueue.WorkQueue(clock, chance=lambda: 0.0)

    assert early.retry("a") == 0.375


def test_the_age_is_that_of_the_key_that_is_overdue_longest(queue: Queue, clock: HandClock) -> None:
    queue.add("late", Priority.CHILD)
    queue.add("later", Priority.CHILD, delay=60)

    clock.seconds += 10

    assert queue.oldest() == 10
    assert len(queue) == 2


def test_what_can_change_the_answer_wakes_whoever_waits(clock: HandClock) -> None:
    calls: list[str] = []
    queue: Queue = workqueue.WorkQueue(clock, wake=lambda: calls.append("woken"))

    queue.add("a", Priority.CHILD)
    queue.take()
    queue.done("a")

    assert len(calls) == 2
