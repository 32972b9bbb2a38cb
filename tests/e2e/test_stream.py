"""Streams on the real cluster: micro-batches by workers that KEDA starts, and single events by a KafkaSource.

The KafkaSource of this cluster speaks the protocol of Kafka 1.0, in which Kafka 4 takes no commits. So what it commits
is not looked at; nor is its function killed, as it tries an event for three seconds only.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import harness
import pytest
from e2e import books, ends, kube, topics

from patternapp.render import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.books import Book
    from e2e.topics import Topic

PARTITIONS = 3
WITHIN = 300.0
"""Seconds in which what is in a topic is worked off, with a Pod killed in the middle."""
_BATCHES = """
functions:
  - {{name: pages, handler: "tally:batches", env: {env}}}
streams:
  - name: clicks
    kafka: {{bootstrapServers: ["{kafka}"], topics: [{topic}], consumerGroup: {group}, startAt: earliest}}
    function: pages
    batch: {{max: 50, wait: 500ms}}
    scale: {{max: 2, lag: 500, idle: 10s}}
"""
_SINGLES = """
functions:
  - {{name: taps, handler: "tally:singles", env: {env}, scale: {{max: 2, idle: 10s}}}}
streams:
  - name: taps
    kafka: {{bootstrapServers: ["{kafka}"], topics: [{topic}], consumerGroup: {group}, startAt: earliest}}
    function: taps
    scale: {{max: 2}}
"""


class Reading:
    """An app that reads a topic, and what its function wrote down."""

    def __init__(self, app: kube.App, book: Book, topic: Topic) -> None:
        self.app, self.book, self.topic = app, book, topic
        self.written = 0

    def write(self, count: int) -> None:
        """Append the next events."""
        self.topic.write(range(self.written, self.written + count))
        self.written += count

    def handled(self, count: int) -> bool:
        """Whether so many events were."""
        return len(set(self.book.names())) >= count

    def complete(self) -> bool:
        """Whether all events were handled, and their offsets committed."""
        return self.handled(self.written) and self.topic.committed() == self.topic.ends(self.written)

    def disordered(self) -> list[int]:
        """The partitions in which an event was handled for the first time after a later one."""
        first = [int(name) for name in dict.fromkeys(self.book.names())]
        lines = [[number for number in first if number % PARTITIONS == place] for place in range(PARTITIONS)]
        return [place for place, line in enumerate(lines) if line != sorted(line)]

    def workers(self) -> list[kube.Object]:
        """The Pods that run."""
        found = self.app.namespace.pods(f"app.kubernetes.io/instance={names.worker(self.app.name, 'stream/clicks')}")
        return [pod for pod in found if pod["status"].get("phase") == "Running"]


@contextlib.contextmanager
def reading(namespace: kube.Namespace, name: str, spec: str, *, pause: str) -> Iterator[Reading]:
    """An app with a topic and a book of its own."""
    with books.opened(namespace.stack) as book, topics.made(namespace.stack, partitions=PARTITIONS) as topic:
        told = {"env": book.env(PAUSE=pause), "kafka": namespace.stack.kafka, "topic": topic.name, "group": topic.group}
        item = kube.manifest(name, spec.format(**told), image="e2e")
        try:
            yield Reading(namespace.app(item), book, topic)
        finally:
            namespace.delete(item)


@pytest.fixture(scope="module")
def batches(namespace: kube.Namespace) -> Iterator[Reading]:
    with reading(namespace, "clicks", _BATCHES, pause="0.5") as found:
        yield found


@pytest.fixture(scope="module")
def singles(namespace: kube.Namespace) -> Iterator[Reading]:
    with reading(namespace, "taps", _SINGLES, pause="0.05") as found:
        yield found


def test_a_stream_at_rest_has_no_worker_and_its_first_record_wakes_one(batches: Reading) -> None:
    harness.eventually(lambda: batches.app.replicas("stream/clicks") == 0, within=kube.WITHIN)

    batches.write(PARTITIONS)

    harness.eventually(batches.complete, within=kube.WITHIN)


def test_no_record_is_lost_and_none_overtakes_another_when_a_worker_is_killed(batches: Reading) -> None:
    before = batches.written
    batches.write(3000)
    harness.eventually(lambda: batches.handled(before + 300) and batches.workers(), within=kube.WITHIN)

    ends.kill(batches.app.namespace, batches.workers()[0])

    harness.eventually(batches.complete, within=WITHIN)
    assert batches.disordered() == []


def test_workers_of_a_stream_end_when_it_is_read(batches: Reading) -> None:
    harness.eventually(batches.complete, within=WITHIN)

    harness.eventually(lambda: batches.app.replicas("stream/clicks") == 0, within=kube.WITHIN)


def test_a_kafka_source_wakes_its_function(singles: Reading) -> None:
    harness.eventually(lambda: not singles.app.running("taps"), within=kube.WITHIN)

    singles.write(PARTITIONS)

    harness.eventually(lambda: singles.handled(singles.written), within=kube.WITHIN)


def test_a_kafka_source_hands_over_all_that_is_in_its_topic(singles: Reading) -> None:
    singles.write(300)

    harness.eventually(lambda: singles.handled(singles.written), within=WITHIN)
    assert singles.disordered() == []


def test_a_function_behind_a_kafka_source_ends_when_nothing_comes(singles: Reading) -> None:
    harness.eventually(lambda: singles.handled(singles.written), within=WITHIN)

    harness.eventually(lambda: not singles.app.running("taps"), within=kube.WITHIN)
