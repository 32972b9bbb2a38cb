"""Appends to a Kafka topic: acknowledged by all in-sync replicas, without duplicates of the client's own making.

What holds here:

* kafka-python's `send` can block, on metadata and on memory, so a thread of its own calls it, and nobody else's
  events wait.
* A write ends: with the acknowledgement, or as not written after `DELIVERY_TIMEOUT` seconds.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import kafka
from kafka import errors as kafka_errors

from patternapp import errors
from patternapp_services import connections
from patternapp_services.bindings import kafka as binding
from patternapp_services.enqueue.writers import NotWritten, TooLarge

if TYPE_CHECKING:
    from patternapp.cloudevents import Event

DELIVERY_TIMEOUT = 10.0
"""Seconds, well within the 30 that a Trigger gives a hand-over by default."""
CONNECT_TIMEOUT = 5.0
LARGEST = 1024 * 1024 + 128 * 1024
"""Bytes of a record at most: the largest event that is taken, and its attributes. Kafka's own limit may be lower."""
_REFUSED_FOR = 2.0
"""Seconds in which writes are refused at once, after the topic could not be found."""
_log = logging.getLogger(__name__)

_Order = tuple["binding.Record", "asyncio.Future[None]"]


class KafkaWriter:
    """One topic. To be made in the event loop that writes.

    Args:
        log: The topic, the first if there are several.
        secrets: What opens it.
        goodbye: Seconds that writes which are under way get when it is closed.
    """

    def __init__(
        self, log: connections.Kafka, secrets: connections.Secrets, *, goodbye: float = DELIVERY_TIMEOUT
    ) -> None:
        self._topic = log.names[0]
        self._kafka = log
        self._secrets = secrets
        self._goodbye = goodbye
        self._loop = asyncio.get_running_loop()
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._telling = threading.Lock()
        self._ended: list[tuple[asyncio.Future[None], BaseException | None]] = []
        self._producer: kafka.KafkaProducer | None = None
        self._refused = (-_REFUSED_FOR, NotWritten())
        self._thread = threading.Thread(target=self._run, name=f"kafka {self._topic}", daemon=True)
        self._thread.start()

    async def write(self, event: Event[bytes | None]) -> None:
        record = binding.encode(event)
        written: asyncio.Future[None] = self._loop.create_future()
        self._orders.put((record, written))
        await written

    async def close(self) -> None:
        self._orders.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            record, written = order
            since, reason = self._refused
            if time.monotonic() - since < _REFUSED_FOR:
                self._end(written, reason)
                continue
            try:
                self._send(record, written)
            except NotWritten as reason:
                # Those who wait behind this one would each wait as long for nothing.
                self._refuse(reason)
                self._end(written, reason)
            except Exception as error:  # noqa: BLE001 - whatever it is, this caller is told, and the next one served
                self._end(written, error)
        self._disconnect()

    def _refuse(self, reason: NotWritten) -> None:
        _log.warning("%s", reason)
        self._refused = time.monotonic(), reason
        self._disconnect()  # it would ask for the topic for ever, ten times a second

    def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=self._goodbye)

    def _send(self, record: binding.Record, written: asyncio.Future[None]) -> None:
        producer = self._connected()
        # A record of neither key nor value is refused by the client; an event without data is fine.
        value = b"" if record.value is None and record.key is None else record.value
        try:
            sent = producer.send(self._topic, value=value, key=record.key, headers=record.headers)
        except kafka_errors.KafkaTimeoutError:
            raise NotWritten(f"the topic {self._topic} cannot be found: make it, or see why Kafka is away") from None
        sent.add_callback(lambda _: self._end(written, None))
        sent.add_errback(lambda error: self._end(written, error))

    def _connected(self) -> kafka.KafkaProducer:
        if self._producer is None:
            options = connections.kafka_options(self._kafka, self._secrets)
            try:
                self._producer = kafka.KafkaProducer(**options, **_settings(), client_id="patternapp-enqueue")
            except kafka_errors.KafkaError:
                # The client does not say which of these it is.
                login = (
                    "" if self._kafka.secret_name is None else ", or see that the Secret's user and password are right"
                )
                servers = ", ".join(self._kafka.bootstrap_servers)
                raise NotWritten(f"Kafka does not answer at {servers}: see that it runs{login}") from None
        return self._producer

    def _end(self, written: asyncio.Future[None], error: BaseException | None) -> None:
        """From any thread: many ends share one wake-up of the loop."""
        with self._telling:
            first = not self._ended
            self._ended.append((written, error))
        if first:
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        with self._telling:
            ended, self._ended = self._ended, []
        for written, error in ended:
            if written.done():
                continue  # its request was given up
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(self._explained(error))

    def _explained(self, error: BaseException) -> Exception:
        if isinstance(error, NotWritten):
            return error
        if isinstance(error, errors.EnvironmentProblem):
            return NotWritten(str(error))
        if isinstance(error, kafka_errors.MessageSizeTooLargeError | kafka_errors.RecordListTooLargeError):
            return TooLarge(f"the topic {self._topic} does not take a record of this size")
        if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
            return NotWritten(f"there is no topic {self._topic}; create it")
        _log.warning("the topic %s: %s: %s", self._topic, type(error).__name__, error)
        if isinstance(error, kafka_errors.TopicAuthorizationFailedError):
            return NotWritten(f"the Secret's user may not write to the topic {self._topic}")
        return NotWritten(f"the topic {self._topic} did not take it in time: {type(error).__name__}")


def _settings() -> dict[str, Any]:
    return {
        "acks": "all",
        "enable_idempotence": True,
        "allow_auto_create_topics": False,
        "delivery_timeout_ms": int(DELIVERY_TIMEOUT * 1000),
        "request_timeout_ms": int(DELIVERY_TIMEOUT * 500),
        "max_block_ms": int(CONNECT_TIMEOUT * 1000),
        "bootstrap_timeout_ms": int(CONNECT_TIMEOUT * 1000),
        "reconnect_backoff_max_ms": 1000,
        "max_request_size": LARGEST,
        "compression_type": "lz4",
        "linger_ms": 2,
    }
