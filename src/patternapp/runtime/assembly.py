"""Puts the parts of one `dev` together and keeps them moving."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from patternapp.plan import model
from patternapp.runtime.bells import Bells
from patternapp.runtime.eventing.broker import Broker
from patternapp.runtime.eventing.caller import Caller
from patternapp.runtime.eventing.dispatcher import Dispatcher
from patternapp.runtime.eventing.engine import Engine
from patternapp.runtime.eventing.worker import Worker
from patternapp.runtime.functions.pool import FunctionPool, PoolSettings
from patternapp.runtime.functions.reporter import Reporter
from patternapp.runtime.grace import Grace
from patternapp.runtime.sources import databases
from patternapp.runtime.sources.scheduler import Ticker
from patternapp.runtime.store.commits import Store
from patternapp.runtime.store.logbook import Logbook
from patternapp.runtime.store.retention import Retention
from patternapp.runtime.web import endpoints
from patternapp.runtime.web.control import Control
from patternapp.runtime.web.frontdoor import FrontDoor
from patternapp.runtime.web.guard import Guard
from patternapp.runtime.web.ingress import Ingress
from patternapp.sender import Sender
from patternapp_services.gateway import proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from typing import Any

    from patternapp.runtime.clock import Clock
    from patternapp.runtime.datafolder import DataFolder
    from patternapp.runtime.eventing.kafka.logs import KafkaLogs
    from patternapp.runtime.listener import Listener
    from patternapp.runtime.settings import Settings
    from patternapp.runtime.store.records import Ledger


class Assembly:
    """The parts of one `dev`. `open` them, serve `app`, and let them work inside `moving`.

    Attributes:
        engine: What the parts share, once they are open.
        grace: What is left at the end for whatever is under way.
    """

    engine: Engine

    def __init__(
        self,
        plan: model.Plan,
        settings: Settings,
        *,
        folder: DataFolder,
        listener: Listener,
        clock: Clock,
        kafka: KafkaLogs | None = None,
    ) -> None:
        self.grace = Grace(settings.stop_grace)
        self._plan = plan
        self._settings = settings
        self._folder = folder
        self._listener = listener
        self._clock = clock
        self._kafka = kafka
        self._store = Store(folder.store)
        self._logbook = Logbook(self._store)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Open the store, free what the last run held, make every part; close it all at the end.

        Raises:
            EnvironmentProblem: The store cannot be opened, or the Kafka that was asked for is not there.
        """
        async with contextlib.AsyncExitStack() as stack:
            await self._store.open()
            stack.push_async_callback(self._store.close)
            sender = await stack.enter_async_context(Sender())
            self._session = await stack.enter_async_context(proxy.open_session())
            self._pool = self._make_pool()
            self.engine = self._make_engine(sender)
            await self._recover()
            if self._kafka is not None:
                await stack.enter_async_context(self._kafka.open(self._plan, self.engine, secrets=self._folder.secrets))
            self._tickers = await self._make_tickers()
            self._watcher = await endpoints.watch_buckets(self._plan, self.engine, self._folder)
            await self._pool.start()
            stack.push_async_callback(self._logbook.flush)
            stack.push_async_callback(self._stop_functions)
            upstream = endpoints.Upstream(self._plan, pool=self._pool, session=self._session)
            self._gateway = endpoints.mount_gateway(self._plan, self.engine, upstream, secrets=self._folder.secrets)
            if self._gateway is not None:
                stack.push_async_callback(self._gateway.close)
            yield

    async def _stop_functions(self) -> None:
        await self._pool.stop(within=self.grace.left("functions"))

    async def _recover(self) -> None:
        edges, now = self.engine.broker.receivers, self._clock.now()
        held, gone = await self._store.write(lambda writes: (writes.release_all(), writes.abandon(edges, now=now)))
        if held:
            self._listener.changed(f"{held} deliveries of the last run were not finished and are tried again", "info")
        if gone:
            text = f"{gone} deliveries are for entries that the app no longer has; see `patternapp dlq list`"
            self._listener.changed(text, "warning")

    def _make_pool(self) -> FunctionPool:
        settings = PoolSettings(
            folder=self._settings.folder,
            env={
                "K_SINK": f"{self._settings.url}/events",
                "AWS_ENDPOINT_URL_S3": f"{self._settings.url}/s3",
            },
            data=self._folder.path,
            reload=self._settings.reload,
            stop_grace=self._settings.stop_grace,
        )
        listener = Reporter(self._listener, self._logbook)
        return FunctionPool(self._plan.nodes_of(model.Function), settings, listener=listener)

    def _make_engine(self, sender: Sender) -> Engine:
        bells = Bells()
        return Engine(
            store=self._store,
            broker=Broker(
                self._plan, store=self._store, bells=bells, clock=self._clock, elsewhere=self._kafka is not None
            ),
            caller=Caller(self._plan, pool=self._pool, sender=sender),
            clock=self._clock,
            bells=bells,
            listener=self._listener,
            grace=self.grace,
        )

    async def _make_tickers(self) -> dict[str, Ticker]:
        tickers = {one.name: Ticker(self._plan.app, one, self.engine) for one in self._plan.nodes_of(model.Schedule)}
        for ticker in tickers.values():
            await ticker.load()
        return tickers

    def app(self) -> FrontDoor:
        """Everything that the one port serves."""
        plan, engine = self._plan, self.engine
        control = Control(
            plan,
            self._settings,
            engine=engine,
            pool=self._pool,
            tickers=self._tickers,
            elsewhere={} if self._kafka is None else self._kafka.workers,
        ).app()
        ingress = Ingress(engine.broker)
        webhooks = endpoints.mount_webhooks(plan, engine, self._folder)
        return FrontDoor(
            guard=Guard(port=self._settings.port, token=self._folder.token()),
            ours={
                "/api": control,
                "/healthz": control,
                "/metrics": control,
                "/events": ingress,
                "/topics": ingress,
                "/s3": endpoints.mount_buckets(self._folder),
            },
            webhooks=(webhooks, webhooks.paths),
            gateway=self._gateway,
        )

    @contextlib.asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """Deliver, consume, tick and watch until the block ends; then let what is under way finish, within the grace.

        A part that fails ends the block with its error: `dev` never goes on half alive.
        """
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in self._parts()]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    def _parts(self) -> list[Coroutine[Any, Any, None]]:
        plan, engine = self._plan, self.engine
        readers = databases.readers(plan, engine, data=self._folder, folder=self._settings.folder)
        consumes = plan.edges_of(model.Consume)
        consumed = {consume.tail for consume in consumes}
        dispatchers = [one for one in plan.edges_of(model.Trigger) if one.head not in consumed]
        elsewhere = {} if self._kafka is None else self._kafka.workers
        return [
            self._logbook.run(),
            Retention(self._store, keep=self._settings.keep, newest=self._settings.newest, clock=self._clock).run(),
            *(Dispatcher(trigger, engine).run() for trigger in dispatchers),
            *(Worker(consume, engine).run() for consume in consumes if consume.tail not in elsewhere),
            *(() if self._kafka is None else (self._kafka.run(),)),
            *(ticker.run() for ticker in self._tickers.values()),
            self._watcher.run(),
            *(reader.run() for reader in readers),
        ]

    async def idle(self) -> None:
        """Return once no delivery is pending."""
        while True:
            known = self.engine.settled.rings
            if (await self.ledger()).pending == 0:
                return
            await self.engine.settled.wait(known)

    async def ledger(self) -> Ledger:
        """Where every accepted event went."""
        return await self._store.read(lambda reads: reads.ledger())
