"""What tests of RabbitMQ share: a queue of their own, what is written to it, workers that read it, a line to be cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import uuid
from typing import TYPE_CHECKING, Any
from urllib import parse

import aio_pika
from components import process
from services import programs
from services.programs import Service

from patternapp import cloudevents
from patternapp_services import rabbitmq_queues
from patternapp_services.bindings import amqp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path
    from typing import TypeVar

    from aio_pika import abc
    from components.rabbitmq import Broker

    T = TypeVar("T")


class Line:
    """A way to the broker that can be cut: whoever is connected is cut off, and may come again."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server = socket.create_server((process.HOST, 0))
        self.port: int = self._server.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
                broker = socket.create_connection((process.HOST, self._port))
            except OSError:
                return
            self._open |= {client, broker}
            for source, drain in ((client, broker), (broker, client)):
                threading.Thread(target=self._pump, args=(source, drain), daemon=True).start()

    def _pump(self, source: socket.socket, drain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                drain.sendall(data)
        # The other direction goes on until it ends by itself: what was said last must arrive.
        with contextlib.suppress(OSError):
            drain.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        ends, self._open = self._open, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()


class Queue:
    """A queue nobody else has. `url` is the broker's address over a line that can be cut."""

    def __init__(self, broker: Broker, *, folder: Path, ordered: bool) -> None:
        self._broker = broker
        self._ordered = ordered
        self._folder = folder
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.written = 0
        self._services: list[Service] = []
        address = parse.urlsplit(broker.url)
        self.line = Line(address.port or 0)
        login = f"{address.username}:{address.password}"
        secret = folder / "secrets" / "rabbit"
        secret.mkdir(parents=True)
        (secret / "url").write_text(f"amqp://{login}@{process.HOST}:{self.line.port}/\n")

    def _do(self, work: Callable[[abc.AbstractChannel], Awaitable[T]]) -> T:
        async def do() -> T:
            async with await aio_pika.connect(self._broker.url) as connection:
                await rabbitmq_queues.ensure(connection, self.name, ordered=self._ordered)
                return await work(await connection.channel())

        return asyncio.run(do())

    def write(self, count: int) -> set[str]:
        """Append events with the next numbers as their ids; the ids."""
        numbers = range(self.written, self.written + count)
        self.written += count

        async def publish(channel: abc.AbstractChannel) -> None:
            for number in numbers:
                attributes = {"specversion": "1.0", "id": str(number), "source": "/test", "type": "test.counted"}
                content_type, headers, body = amqp.encode(
                    cloudevents.Event({**attributes, "datacontenttype": "application/json"}, b"%d" % number)
                )
                message = aio_pika.Message(body, content_type=content_type, headers=dict(headers), delivery_mode=2)
                await channel.default_exchange.publish(message, self.name)

        self._do(publish)
        return {str(number) for number in numbers}

    def append(self, body: bytes, **properties: Any) -> None:
        """Append a message as it is."""

        async def publish(channel: abc.AbstractChannel) -> None:
            await channel.default_exchange.publish(aio_pika.Message(body, **properties), self.name)

        self._do(publish)

    def ready(self) -> int:
        """How many messages nobody has."""

        async def count(channel: abc.AbstractChannel) -> int:
            queue = await channel.declare_queue(self.name, passive=True)
            return queue.declaration_result.message_count or 0

        return self._do(count)

    def messages(self) -> list[abc.AbstractIncomingMessage]:
        """Take all that is ready."""

        async def take(channel: abc.AbstractChannel) -> list[abc.AbstractIncomingMessage]:
            queue = await channel.get_queue(self.name)
            found: list[abc.AbstractIncomingMessage] = []
            while (message := await queue.get(fail=False, no_ack=True)) is not None:
                found.append(message)
            return found

        return self._do(take)

    def delete(self) -> None:
        async def delete(channel: abc.AbstractChannel) -> None:
            await channel.queue_delete(self.name)

        self._do(delete)

    def worker(self, function: str, **settings: Any) -> Service:
        """A worker of this queue; `settings` replace what the configuration says."""
        config = {
            "rabbitmq": {"secretName": "rabbit", "queue": self.name},
            **programs.worker(function),
        }
        return self._service("worker", config | settings)

    def enqueue(self) -> Service:
        """The service that appends to this queue, under /queue/test."""
        rabbitmq = {"secretName": "rabbit", "queue": self.name}
        return self._service("enqueue", {"logs": [{"path": "/queue/test", "rabbitmq": rabbitmq}]})

    def _service(self, role: str, config: dict[str, Any]) -> Service:
        service = Service(role, config, folder=self._folder)
        self._services.append(service)
        return service

    def close(self) -> None:
        for service in self._services:
            service.program.stop()
        self.line.close()
        self.delete()


@contextlib.contextmanager
def queue(broker: Broker, *, folder: Path, ordered: bool = False) -> Iterator[Queue]:
    made = Queue(broker, folder=folder, ordered=ordered)
    try:
        yield made
    finally:
        made.close()
