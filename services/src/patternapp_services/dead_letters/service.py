"""The role `dead-letters`: the door for letters on the Pod's port, and the API on its loopback address."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import prometheus_client
import pydantic

from patternapp import errors, sender
from patternapp.http import server
from patternapp.spec.base import Model
from patternapp_services import monitor
from patternapp_services.dead_letters import api, database, redrive, sink, store

if TYPE_CHECKING:
    from typing import Self

    from patternapp_services.connections import Secrets
    from patternapp_services.dead_letters.database import Database
    from patternapp_services.program import Setting

GRACE = 20
"""Seconds that requests in flight get at the end: more than a re-drive's budget and less than a Pod's grace period."""
LOOPBACK = "127.0.0.1"
LOOK_EVERY = 5.0
"""Seconds between two looks at the database."""
_log = logging.getLogger(__name__)


class Config(Model):
    """What the store keeps where, and who can be sent to again.

    Attributes:
        app: The app's name; the letters of several apps may share one PostgreSQL.
        folder: Where the file of SQLite is; this or `secret_name`.
        secret_name: The Secret whose key ``url`` is the address of a PostgreSQL.
        receivers: Targets as `addresses.Addresses.url` reads them, each with a `name`.
        api_port: The port of the API on the loopback address.
    """

    app: str
    folder: Path | None = None
    secret_name: str | None = None
    receivers: tuple[dict[str, Any], ...] = ()
    api_port: int = 8081

    @pydantic.model_validator(mode="after")
    def _one(self) -> Self:
        if (self.folder is None) == (self.secret_name is None):
            raise ValueError("give exactly one of folder and secretName")
        return self

    @property
    def table(self) -> str:
        """A table of the app's own; an app's name is a DNS label."""
        return f"dead_letters_{self.app.replace('-', '_')}"

    def opened(self, secrets: Secrets) -> contextlib.AbstractAsyncContextManager[Database]:
        """The database."""
        if self.secret_name is not None:
            return database.postgres(secrets.need(self.secret_name, "url"))
        if self.folder is None:
            raise TypeError("a configuration was made without its validation")
        return database.sqlite(self.folder / "dead-letters.db")


async def run(setting: Setting) -> None:
    """Serve until `setting.stopping` is set."""
    config = Config.model_validate_json(setting.config)
    receivers = redrive.Receivers(config.receivers, setting.addresses)
    registry = prometheus_client.CollectorRegistry()
    async with contextlib.AsyncExitStack() as stack:
        door = stack.enter_context(server.listen(setting.host, setting.port))
        desk = stack.enter_context(server.listen(LOOPBACK, config.api_port))
        letters = store.Store(await stack.enter_async_context(config.opened(setting.secrets)), table=config.table)
        http = await stack.enter_async_context(sender.Sender())
        again = redrive.Redrive(letters, receivers, http, setting.addresses)
        office = api.Api(config.app, store=letters, receivers=receivers, redrive=again).app()
        watch = Watch(letters, registry)
        app = monitor.Monitored(sink.Sink(letters, now=time.time), registry=registry, ready=lambda: watch.trouble)
        watching = asyncio.create_task(watch.run())
        stack.callback(watching.cancel)
        for one, listening in ((office, desk), (app, door)):
            await stack.enter_async_context(server.serving(one, listening, grace=lambda: GRACE, limits=setting.limits))
        await setting.stopping.wait()


class Watch:
    """Looks at the database again and again: makes the table, counts the letters, and knows what is wrong.

    Attributes:
        trouble: Why letters cannot be kept now; empty where they can.
    """

    def __init__(self, letters: store.Store, registry: prometheus_client.CollectorRegistry) -> None:
        self.trouble = "the database has not answered yet"
        self._letters = letters
        self._kept = prometheus_client.Gauge(
            "patternapp_dead_letters", "Dead letters that are kept.", registry=registry
        )

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self._letters.prepare()
                self._kept.set(await self._letters.count())
                self.trouble = ""
            except errors.StoreError as error:
                self.trouble = str(error)
                _log.warning("dead letters cannot be kept: %s", error)
            await asyncio.sleep(LOOK_EVERY)
