"""All of an app's queues and streams on one Kafka, from `dev`'s start to its end.

What holds here:

* A queue or stream that the Broker fills is filled by a hand-over under its own key, so what waited in the embedded
  log, and what is driven again, goes through Kafka. One that others fill is not written to for that: what waits in the
  store for it goes to its function.
* What is posted to ``/topics/TOPIC`` is kept under ``topic/TOPIC`` until Kafka has it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from patternapp.plan import model
from patternapp.runtime.eventing.broker import PARTITIONS
from patternapp.runtime.eventing.kafka import handover, topics
from patternapp.runtime.eventing.kafka.worker import KafkaWorker
from patternapp.runtime.eventing.worker import Worker
from patternapp_services import connections
from patternapp_services.enqueue.kafka import KafkaWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from patternapp.runtime.eventing.engine import Engine

LOOK = 1.0
"""Seconds between two looks at whether Kafka is there."""
GOODBYE = 1.0
"""Seconds that a producer gets at the end: what it did not write by then is still pending in the store."""


class KafkaLogs:
    """What `dev --kafka` is given.

    Args:
        address: Kafka's, ``host:port``.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._engine: Engine
        self._writers: dict[str, KafkaWriter] = {}
        self._workers: dict[str, KafkaWorker] = {}
        self._filling: list[Worker] = []

    @property
    def workers(self) -> Mapping[str, KafkaWorker]:
        """Who reads each queue or stream, by its key."""
        return self._workers

    @contextlib.asynccontextmanager
    async def open(self, plan: model.Plan, engine: Engine, *, secrets: Path) -> AsyncIterator[None]:
        """Find Kafka, make the topics that are missing, and everything that is to move.

        Raises:
            EnvironmentProblem: Kafka is not there, does not let us in, or refuses.
        """
        self._engine = engine
        opened = connections.Secrets(secrets)
        logs = topics.logs(plan, address=self._address, secrets=secrets)
        if not logs:
            engine.listener.changed("no queue or stream of this app names Kafka: --kafka changes nothing", "warning")
        for name in await topics.make_missing(logs, opened):
            engine.listener.changed(f"made the topic {name} with {PARTITIONS} partitions", "info")
        try:
            for consume in plan.edges_of(model.Consume):
                if (log := logs.get(consume.tail)) is not None:
                    self._workers[consume.tail] = KafkaWorker(consume, log, engine, secrets=opened)
                    self._fill(plan, consume, log, opened)
                    engine.listener.changed(_described(consume, log), "info")
            yield
        finally:
            await asyncio.gather(*(writer.close() for writer in self._writers.values()))

    def _fill(
        self, plan: model.Plan, consume: model.Consume, log: connections.Kafka, secrets: connections.Secrets
    ) -> None:
        """Who takes what waits in the store for one queue or stream."""
        for name in log.names:
            if name not in self._writers:
                alone = log.model_copy(update={"topic": name, "topics": ()})
                self._writers[name] = KafkaWriter(alone, secrets, goodbye=GOODBYE)
                if consume.tail.startswith("stream/"):
                    edge = handover.edge(consume, delivery=consume.delivery, dead_letter=consume.dead_letter)
                    self._filling.append(self._hand_over(edge, name, f"topic/{name}"))
        filled = [trigger for trigger in plan.edges_of(model.Trigger) if trigger.head == consume.tail]
        for trigger in filled:
            edge = handover.edge(consume, delivery=trigger.delivery, dead_letter=trigger.dead_letter)
            self._filling.append(self._hand_over(edge, log.names[0], trigger.key))
        if not filled:
            self._filling.append(Worker(consume, self._engine))

    def _hand_over(self, edge: model.Consume, topic: str, key: str) -> Worker:
        target = handover.HandOver(edge, topic, writer=self._writers[topic], caller=self._engine.caller)
        return Worker(edge, self._engine, target=target, edge=key)

    async def run(self) -> None:
        """Hand over, read, and say when Kafka comes and goes, until the task is cancelled."""
        async with asyncio.TaskGroup() as group:
            for filling in self._filling:
                group.create_task(filling.run())
            for worker in self._workers.values():
                group.create_task(worker.run())
            group.create_task(self._watch())

    async def _watch(self) -> None:
        there, troubles = True, ""
        while True:
            await asyncio.sleep(LOOK)
            if (now := await _answers(self._address)) is not there:
                there = now
                back = f"Kafka at {self._address} answers again"
                gone = f"Kafka at {self._address} does not answer; queues and streams go on when it does"
                self._engine.listener.changed(back if there else gone, "info" if there else "warning")
            told = "; ".join(sorted(f"{key}: {why}" for key, one in self._workers.items() if (why := one.trouble())))
            if told and not troubles:
                self._engine.listener.changed(f"{told}; start `dev` anew", "error")
            troubles = told


async def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(LOOK):
            _reader, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


def _described(consume: model.Consume, log: connections.Kafka) -> str:
    named = ", ".join(log.names)
    return f"{consume.tail} is in Kafka: {named}, read by the group {log.consumer_group}"
