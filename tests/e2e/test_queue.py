"""A queue on the real cluster: the Broker, `enqueue`, Kafka, workers that KEDA starts and ends, and dead letters."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
from typing import TYPE_CHECKING

import harness
import pytest
from e2e import books, ends, floods, kube, topics

from patternapp.render import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.stack import state
    from e2e.books import Book
    from e2e.floods import Answers
    from e2e.topics import Topic

SIZE = 10_000
WRONG = {f"{number}" for number in range(0, SIZE, 1000)}
"""The events that the function refuses."""
QUEUE = "queue/counted"
WORKERS = 4
PATIENCE = 30.0
"""Seconds after which an ordinary producer gives up."""
WITHIN = 420.0
"""Seconds in which a flood is worked off, on a machine that has more to do."""
_APP = """
functions:
  - {{name: slow, handler: "tally:batches", env: {env}}}
queues:
  - name: counted
    filters: [{{exact: {{type: e2e.counted}}}}]
    kafka: {{bootstrapServers: ["{kafka}"], topic: {topic}}}
    function: slow
    batch: {{max: 10, wait: 200ms}}
    scale: {{max: {workers}, lag: 200, idle: 10s}}
    delivery: {{retry: 3, backoffDelay: 500ms}}
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Flood:
    """What was seen while a flood came and was worked off.

    Attributes:
        answers: What its producers heard.
        waiting: Events that nobody had handled when the last was answered.
        most: Workers at one time, at most.
    """

    answers: Answers
    waiting: int
    most: int


@pytest.fixture(scope="module")
def book(stack: state.Stack) -> Iterator[Book]:
    with books.opened(stack) as opened:
        yield opened


@pytest.fixture(scope="module")
def topic(stack: state.Stack) -> Iterator[Topic]:
    with topics.made(stack, partitions=WORKERS) as made:
        yield made


@pytest.fixture(scope="module")
def app(stack: state.Stack, namespace: kube.Namespace, book: Book, topic: Topic) -> Iterator[kube.App]:
    spec = _APP.format(env=book.env(PAUSE="2"), kafka=stack.kafka, topic=topic.name, workers=WORKERS)
    item = kube.manifest("load", spec, image="e2e")
    with contextlib.ExitStack() as ending:
        ending.callback(namespace.delete, item)
        yield namespace.app(item)


@pytest.fixture(scope="module")
def flood(app: kube.App, book: Book) -> Flood:
    harness.eventually(lambda: app.replicas(QUEUE) == 0, within=kube.WITHIN)
    events = [(f"{number}", {"wrong": f"{number}" in WRONG}) for number in range(SIZE)]
    answers = floods.flood(app.broker, topics.COUNTED, events)
    waiting, most = SIZE - len(book), 0

    def done() -> bool:
        nonlocal most
        most = max(most, app.replicas(QUEUE))
        return len(set(book.names())) == SIZE - len(WRONG)

    with contextlib.suppress(AssertionError):  # what is missing then is for a test to say
        harness.eventually(done, within=WITHIN)
    return Flood(answers, waiting, most)


def test_producers_of_a_flood_are_answered_while_it_waits(flood: Flood) -> None:
    assert flood.answers.codes == {202: SIZE}
    assert flood.answers.slowest < PATIENCE
    assert flood.waiting > SIZE / 4


def test_of_a_flood_no_event_is_lost(flood: Flood, book: Book) -> None:  # noqa: ARG001 - it has come
    expected = {f"{number}" for number in range(SIZE)} - WRONG

    assert set(book.names()) == expected


def test_what_the_function_refused_is_a_dead_letter_and_nothing_else_is(flood: Flood, app: kube.App) -> None:  # noqa: ARG001 - it has come
    def dead() -> list[str]:
        return sorted(letter["id"] for letter in app.dead())

    assert harness.eventually(lambda: len(found := dead()) >= len(WRONG) and found, within=kube.WITHIN) == sorted(WRONG)


def test_all_of_a_flood_is_committed(flood: Flood, app: kube.App, topic: Topic) -> None:  # noqa: ARG001 - it has come
    group = names.consumer_group(app.name, "counted")

    harness.eventually(lambda: sum(topic.committed(group).values()) >= SIZE, within=kube.WITHIN)


def test_workers_come_from_zero_as_many_as_the_flood_is_worth_and_all_go_again(flood: Flood, app: kube.App) -> None:
    assert flood.most == WORKERS
    harness.eventually(lambda: app.replicas(QUEUE) == 0, within=kube.WITHIN)
    harness.eventually(lambda: not _workers(app), within=kube.WITHIN)


def test_a_single_event_wakes_a_worker(flood: Flood, app: kube.App, book: Book) -> None:  # noqa: ARG001 - it has gone
    harness.eventually(lambda: app.replicas(QUEUE) == 0, within=kube.WITHIN)

    answer = app.broker.send(topics.COUNTED, {}, id_="alone")

    assert answer.status == 202
    harness.eventually(lambda: "alone" in book.names(), within=kube.WITHIN)


def test_a_worker_that_is_told_to_stop_leaves_nothing_undone_and_nothing_to_be_done_twice(
    app: kube.App, book: Book, topic: Topic
) -> None:
    later = range(SIZE, SIZE + 1000)
    topic.write(later)
    harness.eventually(lambda: any(int(name) in later for name in _numbers(book)), within=kube.WITHIN)

    ends.stop(app.namespace, _workers(app)[0])

    harness.eventually(lambda: {int(name) for name in _numbers(book)} >= set(later), within=WITHIN)
    again = [name for name, times in collections.Counter(_numbers(book)).items() if int(name) in later and times > 1]
    assert again == []


def _workers(app: kube.App) -> list[kube.Object]:
    return app.namespace.pods(f"app.kubernetes.io/instance={names.worker(app.name, QUEUE)}")


def _numbers(book: Book) -> list[str]:
    return [name for name in book.names() if name.isdigit()]
