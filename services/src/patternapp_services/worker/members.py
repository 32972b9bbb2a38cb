"""kafka-python's client as a member of a consumer group, and what it tells of the partitions that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import kafka
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from patternapp_services import connections

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patternapp_services.worker.limits import Limits
    from patternapp_services.worker.partitions import Place


def connect(log: connections.Kafka, secrets: connections.Secrets, limits: Limits) -> Any:
    """A consumer of the group, which has not joined it yet.

    Raises:
        EnvironmentProblem: The Secret is not there, or lacks a key.
        KafkaError: No broker answers, or it refuses.
    """
    session = int(limits.session * 1000)
    settings = {
        "group_id": log.consumer_group,
        "client_id": "patternapp-worker",
        "partition_assignment_strategy": (CooperativeStickyAssignor,),
        "auto_offset_reset": log.start_at,
        "enable_auto_commit": False,
        "allow_auto_create_topics": False,
        # A producer's aborted records never were; and marks of transactions must not look like lag.
        "isolation_level": "read_committed",
        "session_timeout_ms": session,
        "heartbeat_interval_ms": max(100, session // 10),
        "max_poll_records": limits.poll_records,
        "fetch_max_bytes": limits.fetch_bytes,
        # So long new partitions may go unseen.
        "metadata_max_age_ms": 10_000,
        "reconnect_backoff_max_ms": 1000,
        "bootstrap_timeout_ms": 10_000,
        "metrics_enabled": False,
    }
    return kafka.KafkaConsumer(**connections.kafka_options(log, secrets), **settings)


def keep_joining(consumer: Any) -> None:
    """To be called before each poll.

    A join that a change of partitions began, and that outlasts one poll, is forgotten by kafka-python 3.0.12:
    its `need_rejoin` compares partitions alone then, so the next poll does not wait for the answer, and the member has
    no partitions for ever. While a join is under way this tells it that there is one.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - there is no other way to it
    if coordinator.rejoining:
        coordinator.request_rejoin()


class Member(Protocol):
    """Whoever takes partitions up and lets them go."""

    def take_up(self, places: Sequence[Place]) -> None:
        """These are ours."""

    async def hand_over(self, consumer: Any, places: Sequence[Place]) -> None:
        """These are being taken from us; the group waits until this returns."""

    def give_up(self, places: Sequence[Place]) -> None:
        """These are gone."""


class Listener(kafka.AsyncConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """What the client calls, in its I/O thread, when partitions come and go."""

    def __init__(self, member: Member, consumer: Any) -> None:
        self._member = member
        self._consumer = consumer

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Part of kafka-python's interface, as the others are."""
        self._member.take_up(_places(assigned))

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        await self._member.hand_over(self._consumer, _places(revoked))

    async def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        self._member.give_up(_places(lost))


def _places(partitions: Iterable[Any]) -> list[Place]:
    return [(partition.topic, partition.partition) for partition in partitions]
