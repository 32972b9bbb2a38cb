"""Consumes a RabbitMQ queue, and acknowledges what is done.

What holds here:

* A message is acknowledged once its event is done. All others are the broker's again as soon as the
  connection ends, however it ends.
* A queue in order has one consumer: others stand by until it is gone.
* A consumer may lose its queue without hearing of it, so it looks.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import math
import time
import uuid
from typing import TYPE_CHECKING, Any

import aiormq.exceptions
from aio_pika import exceptions

from patternapp import cloudevents, delivery, errors
from patternapp.consume.items import Item, Lane
from patternapp_services import rabbitmq_queues
from patternapp_services.bindings import amqp
from patternapp_services.worker.records import FRAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aio_pika import abc

    from patternapp.consume.memory import MemoryLog
    from patternapp_services import connections
    from patternapp_services.worker.limits import Limits
    from patternapp_services.worker.measures import Measures

TAKEN_IN = 0.5
"""Seconds in which a broker takes in the acknowledgements that it has read; it confirms none."""
_log = logging.getLogger(__name__)


class _GoneError(exceptions.AMQPError):
    """The queue was deleted, or the connection is closed."""


class _IdleError(exceptions.AMQPError):
    """Nothing has come for long; whether anything can come is seen on a new connection."""


class _Connection(Lane):
    """One connection's messages.

    `channel` is aiormq's, where they are acknowledged and whose consumers are known; `hoard` is how many may be done
    and wait to be acknowledged with those before them.
    """

    def __init__(self, channel: Any, *, hoard: int) -> None:
        super().__init__()
        self.channel = channel
        self._hoard = hoard
        self._outstanding: collections.deque[int] = collections.deque()
        self._done: set[int] = set()
        self._alone: set[int] = set()
        """Those that were acknowledged before one that came earlier."""
        self.moved = time.monotonic()
        """When a message last came, or was held."""
        self.told = -math.inf
        """When messages were last acknowledged."""

    def came(self, tag: int) -> None:
        """A message with this tag; tags grow."""
        self._outstanding.append(tag)
        self.moved = time.monotonic()

    async def acknowledge(self, tags: Sequence[int]) -> None:
        """These are done. All up to the first that is not are acknowledged at once, the others once they are many.

        None is named twice: to the broker that is an error, which ends the channel and gives back all that it had.
        """
        self._done.update(tags)
        last = 0
        while self._outstanding and (self._outstanding[0] in self._done or self._outstanding[0] in self._alone):
            tag = self._outstanding.popleft()
            if tag in self._done:
                self._done.discard(tag)
                last = tag
            self._alone.discard(tag)
        if last:
            self.told = time.monotonic()
            await self.channel.basic_ack(last, multiple=True)
        if len(self._done) > self._hoard:
            await self.acknowledge_rest()

    async def acknowledge_rest(self) -> None:
        """Acknowledge what is done one by one, so that only what is not done comes again."""
        rest, self._done = sorted(self._done), set()
        self._alone.update(rest)
        for tag in rest:
            self.told = time.monotonic()
            await self.channel.basic_ack(tag)


class RabbitMqReader:
    """One consumer of a queue.

    Args:
        log: The queue.
        secrets: What opens it.
        function: The URL of the function, for what dead letters say.
        ordered: Whether it is to be the only consumer that gets messages.
        limits: How much, how often and how long.
        measures: Told of what happens.
    """

    def __init__(
        self,
        log: connections.RabbitMq,
        secrets: connections.Secrets,
        *,
        function: str,
        ordered: bool,
        limits: Limits,
        measures: Measures,
    ) -> None:
        self._rabbitmq = log
        self._secrets = secrets
        self._function = function
        self._ordered = ordered
        self._limits = limits
        self._measures = measures
        self._ended: asyncio.Queue[Sequence[Item]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._ready: int | None = None
        self._memory: MemoryLog

    def lags(self) -> Iterable[tuple[str, str, int]]:
        """The queue, no partition, and how many messages nobody has taken."""
        return [] if self._ready is None else [(self._rabbitmq.queue, "", self._ready)]

    def trouble(self) -> str:
        """Why the process should be restarted; empty where it should not."""
        return "the reader has ended" if self._task is not None and self._task.done() else ""

    def start(self, memory: MemoryLog) -> None:
        """Consume, into this log."""
        self._memory = memory
        self._task = asyncio.create_task(self._run())

    def done(self, items: Sequence[Item]) -> None:
        """These are done and may be acknowledged."""
        self._ended.put_nowait(items)

    async def stop(self) -> None:
        """Acknowledge what is done and let the others go, so that somebody else gets them at once."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.leave):
                await self._ended.join()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._consume()
            except aiormq.exceptions.ChannelAccessRefused:
                _log.debug("the queue %s has another consumer; standing by", self._rabbitmq.queue)
            except _IdleError:
                continue
            except Exception as error:  # noqa: BLE001 - whatever ails the connection, a new one is the mend
                _log.warning(
                    "the queue %s: %s: %s; connecting again", self._rabbitmq.queue, type(error).__name__, error
                )
                self._measures.rejoined()
            await asyncio.sleep(self._limits.pause)

    async def _consume(self) -> None:
        connection = await rabbitmq_queues.connect(self._rabbitmq, self._secrets)
        async with connection:
            await rabbitmq_queues.ensure(connection, self._rabbitmq.queue, ordered=self._ordered)
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=min(self._limits.prefetch, 65_535))
            lane = _Connection(await channel.get_underlay_channel(), hoard=self._limits.prefetch // 2)
            queue = await channel.get_queue(self._rabbitmq.queue, ensure=False)
            try:
                tag = await queue.consume(lambda message: self._arrive(message, lane), exclusive=self._ordered)
                _log.debug("the queue %s: consuming", self._rabbitmq.queue)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._acknowledge())
                    tasks.create_task(self._watch(channel, lane, tag))
            except ExceptionGroup as group:
                raise group.exceptions[0] from None
            finally:
                self._memory.drop(lane)
                # The answer says that the broker has read all acknowledgements; the connection may end abruptly. But of
                # those a quorum queue takes in 32 at once, and a channel that ends forgets those that wait.
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(self._limits.leave):
                        await lane.acknowledge_rest()
                        await asyncio.sleep(lane.told + TAKEN_IN - time.monotonic())
                        await channel.close()

    async def _arrive(self, message: abc.AbstractIncomingMessage, lane: _Connection) -> None:
        lane.came(message.delivery_tag or 0)
        self._memory.arrive([self._item(message, lane)])

    def _item(self, message: abc.AbstractIncomingMessage, lane: _Connection) -> Item:
        body, queue, tag = message.body, self._rabbitmq.queue, message.delivery_tag or 0
        size, now = FRAME + len(str(message.headers)) + len(body) * 4 // 3, time.monotonic()
        try:
            event = amqp.decode(message.content_type, message.headers, body)
        except errors.CloudEventError as error:
            outcome = delivery.Outcome(destination=self._function, code=delivery.UNREADABLE, body=str(error).encode())
            failure = delivery.error_attributes(outcome)
            return Item(
                cloudevents.with_attributes(_wrapped(message, queue), **failure), lane, tag, size, now, last_words=True
            )
        return Item(_wrapped(message, queue) if event is None else event, lane, tag, size, now)

    async def _acknowledge(self) -> None:
        while True:
            items = [*await self._ended.get()]
            parts = 1
            while not self._ended.empty():
                items += self._ended.get_nowait()
                parts += 1
            try:
                lanes = {item.lane for item in items if isinstance(item.lane, _Connection) and item.lane.open}
                for lane in lanes:
                    await lane.acknowledge([item.position for item in items if item.lane is lane])
            finally:
                for _ in range(parts):
                    self._ended.task_done()

    async def _watch(self, channel: abc.AbstractChannel, lane: _Connection, tag: str) -> None:
        """Count what waits, and notice the end of the connection or of the queue."""
        while True:
            if channel.is_closed or tag not in lane.channel.consumers:
                raise _GoneError("the queue or the connection is gone")
            declared = (await channel.declare_queue(self._rabbitmq.queue, passive=True)).declaration_result
            self._ready = declared.message_count
            if lane.pending:
                lane.moved = time.monotonic()
            # A quorum queue that is deleted and made again at once takes the old consumer for its own, and what it
            # gives it is lost on the way: the broker's channel counts messages by the numbers of the old one.
            if time.monotonic() - lane.moved > self._limits.stuck:
                raise _IdleError
            await asyncio.sleep(1.0)


def _wrapped(message: abc.AbstractIncomingMessage, queue: str) -> cloudevents.Event[bytes | None]:
    named = message.message_id or str(uuid.uuid4())
    return amqp.wrap(queue, message_id=named, content_type=message.content_type, body=message.body)
