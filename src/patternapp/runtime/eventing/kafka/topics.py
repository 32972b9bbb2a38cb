"""Which topics an app's queues and streams are, and seeing to it that they are there before anything moves."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import kafka
from kafka import errors as kafka_errors

from patternapp import errors
from patternapp.plan import model
from patternapp.render import names
from patternapp.runtime.eventing.broker import PARTITIONS
from patternapp_services import connections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from patternapp.spec.logs import QueueKafka, StreamKafka

CONNECT_TIMEOUT = 5_000
"""Milliseconds in which Kafka must be found."""
ANSWER_TIMEOUT = 15_000
"""Milliseconds in which it must answer."""


def logs(plan: model.Plan, *, address: str, secrets: Path) -> dict[str, connections.Kafka]:
    """The queues and streams of a plan that name Kafka, by their keys, as they are at this address.

    A Secret counts where it is below `secrets`. Where it is not, Kafka is one without a login, as on a laptop.
    """

    def at_address(named: QueueKafka | StreamKafka, **more: str) -> connections.Kafka:
        known = named.model_dump(by_alias=True) | {"bootstrapServers": (address,)} | more
        if named.secret_name is not None and not (secrets / named.secret_name).is_dir():
            known |= {"secretName": None, "protocol": None, "saslMechanism": None}
        return connections.Kafka.model_validate(known)

    queues = {
        queue.key: at_address(queue.kafka, consumerGroup=names.consumer_group(plan.app, queue.name))
        for queue in plan.nodes_of(model.Queue)
        if queue.kafka is not None
    }
    return queues | {stream.key: at_address(stream.kafka) for stream in plan.nodes_of(model.Stream)}


async def make_missing(known: Mapping[str, connections.Kafka], secrets: connections.Secrets) -> list[str]:
    """Make the topics that are not there; their names are returned.

    Raises:
        EnvironmentProblem: Kafka is not there, does not let us in, or refuses.
    """
    made = []
    for login in {log.secret_name: log for log in known.values()}.values():
        wanted = {name for log in known.values() if log.secret_name == login.secret_name for name in log.names}
        made += await asyncio.to_thread(_make_missing, login, secrets, sorted(wanted))
    return made


def _make_missing(login: connections.Kafka, secrets: connections.Secrets, wanted: Sequence[str]) -> list[str]:
    (address,) = login.bootstrap_servers
    options = connections.kafka_options(login, secrets)
    try:
        admin = kafka.KafkaAdminClient(
            **options,
            client_id="patternapp-dev",
            bootstrap_timeout_ms=CONNECT_TIMEOUT,
            request_timeout_ms=ANSWER_TIMEOUT,
        )
    except (kafka_errors.KafkaError, OSError) as error:
        raise _unreachable(address, login) from error
    with contextlib.closing(admin):
        try:
            missing = sorted(set(wanted) - set(admin.list_topics()))
            with contextlib.suppress(kafka_errors.TopicAlreadyExistsError):  # somebody else was quicker
                if missing:
                    admin.create_topics(
                        {name: {"num_partitions": PARTITIONS} for name in missing}, wait_for_metadata=True
                    )
        except kafka_errors.KafkaError as error:
            raise errors.EnvironmentProblem(
                f"Kafka at {address} (--kafka) answers, and yet the topics {', '.join(wanted)} cannot be made ready: "
                f"{type(error).__name__}: {error}; see that it lets clients make topics, and that its "
                "advertised.listeners name an address that this machine reaches"
            ) from error
    return missing


def _unreachable(address: str, login: connections.Kafka) -> errors.EnvironmentProblem:
    # The client does not say which of these it is.
    secret = "" if login.secret_name is None else f", and that the Secret {login.secret_name} has the right password"
    return errors.EnvironmentProblem(
        f"no Kafka answers at {address} (--kafka), where this app's queues and streams are to be: "
        f"see that it runs{secret}, or leave out --kafka to have them in dev's own store"
    )
