"""Appends to a RabbitMQ queue: persistent, mandatory, and confirmed.

What holds here: the connection is made by the first write that needs it and given up by the first that fails on it.
A queue that is not there is made, durable and replicated; one that is there is taken as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import aio_pika
from aio_pika import exceptions

from patternapp import errors
from patternapp_services import rabbitmq_queues
from patternapp_services.bindings import amqp
from patternapp_services.enqueue.writers import NotWritten

if TYPE_CHECKING:
    from aio_pika import abc

    from patternapp.cloudevents import Event
    from patternapp_services import connections

DELIVERY_TIMEOUT = 10.0
GOODBYE = 2.0
"""Seconds in which a connection that is given up may end in order."""
_log = logging.getLogger(__name__)
_FAILURES = (
    exceptions.AMQPError,
    # A channel that is closed already says so with an error that is no AMQPError.
    exceptions.ChannelInvalidStateError,
    OSError,
    TimeoutError,
    errors.EnvironmentProblem,
    asyncio.InvalidStateError,
)


class RabbitMqWriter:
    """One queue."""

    def __init__(self, log: connections.RabbitMq, secrets: connections.Secrets) -> None:
        self._queue = log.queue
        self._rabbitmq = log
        self._secrets = secrets
        self._connecting = asyncio.Lock()
        self._connection: abc.AbstractConnection | None = None
        self._exchange: abc.AbstractExchange | None = None

    async def write(self, event: Event[bytes | None]) -> None:
        content_type, headers, body = amqp.encode(event)
        message = aio_pika.Message(
            body,
            content_type=content_type,
            headers=dict(headers),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        exchange = None
        try:
            async with asyncio.timeout(DELIVERY_TIMEOUT):
                exchange = await self._connected()
                # Mandatory: the broker returns what no queue takes, and that is an error here.
                await exchange.publish(message, self._queue, mandatory=True)
        except _FAILURES as error:
            await self._disconnect(exchange)
            _log.warning("the queue %s: %s: %s", self._queue, type(error).__name__, error)
            raise NotWritten(f"the queue {self._queue} did not take it: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._disconnect(self._exchange)

    async def _connected(self) -> abc.AbstractExchange:
        async with self._connecting:
            if self._exchange is None:
                self._connection = await rabbitmq_queues.connect(self._rabbitmq, self._secrets)
                channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                await rabbitmq_queues.ensure(self._connection, self._queue, ordered=self._rabbitmq.ordered)
                self._exchange = channel.default_exchange
            return self._exchange

    async def _disconnect(self, exchange: abc.AbstractExchange | None) -> None:
        """Give the connection up, unless another write has made a new one meanwhile."""
        if exchange is not self._exchange:
            return
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            # A broker that is gone does not answer the goodbye, and aio_pika would wait for that.
            with contextlib.suppress(*_FAILURES):
                async with asyncio.timeout(GOODBYE):
                    await connection.close()
