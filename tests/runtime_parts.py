"""The runtime's real parts, put together for tests: small plans, a clock set by hand, a listener that keeps."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patternapp.cloudevents import Event
from patternapp.delivery import DeliverySpec
from patternapp.plan import model
from patternapp.runtime.bells import Bells
from patternapp.runtime.clock import SystemClock
from patternapp.runtime.eventing.broker import Broker
from patternapp.runtime.eventing.caller import Caller
from patternapp.runtime.eventing.engine import Engine
from patternapp.runtime.functions.model import PoolSettings
from patternapp.runtime.functions.pool import FunctionPool
from patternapp.runtime.functions.reporter import Reporter
from patternapp.runtime.grace import Grace
from patternapp.runtime.store.commits import Store
from patternapp.runtime.store.logbook import Logbook
from patternapp.sender import Sender
from patternapp.spec import v1alpha1

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from patternapp.runtime.listener import Level
    from patternapp.runtime.store.records import Settlement

EPOCH = 1_796_000_000.0
"""2026-11-30T00:53:20Z."""


@dataclass
class HandClock(SystemClock):
    """Shows what it is set to."""

    at: float = EPOCH

    def now(self) -> float:
        return self.at


@dataclass
class Notebook:
    """A listener that keeps what it is told; `on_change` is called after that."""

    changes: list[tuple[str, Level]] = field(default_factory=list)
    failures: list[tuple[str, Settlement]] = field(default_factory=list)
    on_change: Callable[[], None] = lambda: None

    def line(self, function: str, stream: str, event: int | None, text: str) -> None:
        raise AssertionError(f"no function runs here, and yet {function} printed {text!r} on {stream} ({event})")

    def changed(self, text: str, level: Level) -> None:
        self.changes.append((text, level))
        self.on_change()

    def failed(self, edge: str, settlement: Settlement, *, now: float) -> None:
        assert now > 0
        self.failures.append((edge, settlement))


def event(type_: str = "ping", data: bytes | None = None, **attributes: str | int | bool) -> Event[bytes | None]:
    return Event({"specversion": "1.0", "id": "1", "source": "/test", "type": type_, **attributes}, data)


def trigger(
    key: str, type_: str, *, head: str = "http://127.0.0.1:9/", dead_letter: str | None = None
) -> model.Trigger:
    return model.Trigger(
        key=key,
        head=head,
        filters=({"exact": {"type": type_}},),
        delivery=DeliverySpec(),
        dead_letter=dead_letter,
    )


def stream(name: str, *topics: str) -> model.Stream:
    kafka = {"bootstrapServers": ("kafka:9092",), "topics": topics, "consumerGroup": name}
    return model.Stream(name=name, kafka=v1alpha1.StreamKafka.model_validate(kafka))


def queue(name: str) -> model.Queue:
    return model.Queue(name=name, kafka=None, rabbitmq=None)


def schedule(name: str, cron: str, *, data: Any = None) -> model.Schedule:
    return model.Schedule(name=name, cron=cron, time_zone="UTC", data=data, job=False, marker=f"schedule.{name}")


def plan_of(*parts: model.Node | model.Edge) -> model.Plan:
    nodes = tuple(part for part in parts if isinstance(part, model.Node))
    edges = tuple(part for part in parts if isinstance(part, model.Edge))
    return model.Plan("shop", nodes, edges)


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    """A store on this file."""
    store = Store(path)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def engine_of(
    plan: model.Plan, *, folder: Path, clock: HandClock, listener: Notebook, grace: float = 5.0
) -> AsyncIterator[Engine]:
    """The engine of a plan, with its store in `folder`. It calls URLs; functions are not started."""
    bells = Bells()
    async with opened(folder / "store.db") as store, Sender() as sender:
        voice = Reporter(listener, Logbook(store))
        pool = FunctionPool((), PoolSettings(folder=folder, env={}), listener=voice)
        yield Engine(
            store=store,
            broker=Broker(plan, store=store, bells=bells, clock=clock),
            caller=Caller(plan, pool=pool, sender=sender),
            clock=clock,
            bells=bells,
            listener=listener,
            grace=Grace(grace),
        )


async def fill_up(store: Store) -> None:
    """Leave the store no page to grow by, as a full disk does: SQLite then refuses what does not fit."""
    await store.write(lambda writes: writes.connection.pragma("max_page_count", 1))


async def make_room(store: Store) -> None:
    """Undo `fill_up`."""
    await store.write(lambda writes: writes.connection.pragma("max_page_count", 2**30))
