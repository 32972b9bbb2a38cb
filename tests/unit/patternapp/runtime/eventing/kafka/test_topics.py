"""Which topics an app's queues and streams are, and with which login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import runtime_parts

from patternapp.plan import model
from patternapp.runtime.eventing.kafka import topics
from patternapp.spec.logs import QueueKafka

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "127.0.0.1:9092"


def queue(**more: Any) -> model.Queue:
    kafka = {"bootstrapServers": ("kafka.prod:9092",), "topic": "jobs", **more}
    return model.Queue(name="work", kafka=QueueKafka.model_validate(kafka), rabbitmq=None)


def test_a_queue_is_its_topic_here_read_by_the_group_that_it_has_on_a_cluster(tmp_path: Path) -> None:
    known = topics.logs(runtime_parts.plan_of(queue()), address=ADDRESS, secrets=tmp_path)

    log = known["queue/work"]
    assert (log.bootstrap_servers, log.names, log.start_at) == ((ADDRESS,), ("jobs",), "earliest")
    assert log.consumer_group == "patternapp.shop.work"


def test_a_stream_is_all_its_topics_read_by_its_own_group(tmp_path: Path) -> None:
    plan = runtime_parts.plan_of(runtime_parts.stream("clicks", "a", "b"))

    log = topics.logs(plan, address=ADDRESS, secrets=tmp_path)["stream/clicks"]

    assert (log.bootstrap_servers, log.names, log.consumer_group) == ((ADDRESS,), ("a", "b"), "clicks")


def test_a_queue_that_names_no_kafka_is_left_where_it_is(tmp_path: Path) -> None:
    plan = runtime_parts.plan_of(runtime_parts.queue("work"))

    assert topics.logs(plan, address=ADDRESS, secrets=tmp_path) == {}


def test_a_login_counts_where_its_secret_is_here(tmp_path: Path) -> None:
    plan = runtime_parts.plan_of(queue(secretName="login", protocol="SASL_SSL"))

    without = topics.logs(plan, address=ADDRESS, secrets=tmp_path)["queue/work"]
    (tmp_path / "login").mkdir()
    with_it = topics.logs(plan, address=ADDRESS, secrets=tmp_path)["queue/work"]

    assert (without.secret_name, without.protocol) == (None, None)
    assert (with_it.secret_name, with_it.protocol) == ("login", "SASL_SSL")
