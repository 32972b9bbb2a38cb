"""Connections to RabbitMQ, and the queues of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aio_pika
from aio_pika import exceptions

if TYPE_CHECKING:
    from aio_pika import abc

    from patternapp_services import connections

CONNECT_TIMEOUT = 5.0
_ARGUMENTS = {"x-queue-type": "quorum"}
"""Replicated where there are several brokers, and on the disk before it is confirmed."""
_IN_ORDER = {"x-single-active-consumer": True}
"""Quorum queues know no exclusive consumers; this is theirs."""


async def connect(log: connections.RabbitMq, secrets: connections.Secrets) -> abc.AbstractConnection:
    """A connection to the address in the Secret, which is read anew.

    Raises:
        EnvironmentProblem: The Secret is not there, or lacks its key.
        AMQPError, OSError: The broker is not there, or refuses.
    """
    return await aio_pika.connect(secrets.need(log.secret_name, "url"), timeout=CONNECT_TIMEOUT)


async def ensure(connection: abc.AbstractConnection, queue: str, *, ordered: bool) -> None:
    """Make a queue if there is none of this name, whatever its kind."""
    # A channel does not outlive a question that is answered with no.
    channel = await connection.channel()
    try:
        await channel.declare_queue(queue, passive=True)
    except exceptions.ChannelNotFoundEntity:
        channel = await connection.channel()
        await channel.declare_queue(queue, durable=True, arguments={**_ARGUMENTS, **(_IN_ORDER if ordered else {})})
    await channel.close()
