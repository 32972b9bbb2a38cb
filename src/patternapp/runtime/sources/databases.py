"""Reads the databases of `dev`, with the reader that a cluster runs: PostgreSQL, or a SQLite file.

What holds here: what keeps a database from being read is told once, and mended without a restart.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.plan import model
from patternapp.spec import sources as spec_sources
from patternapp_services.outbox import changes, urls
from patternapp_services.outbox.reader import Reader

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

    from patternapp.cloudevents import Event
    from patternapp.runtime.datafolder import DataFolder
    from patternapp.runtime.eventing.engine import Engine
    from patternapp_services.outbox.journal import Figures, Journal

KEY = "url"
"""The key of the Secret."""


class DatabaseReader:
    """Publishes the changes of the table that one entry names.

    Args:
        app: The app's name.
        source: The entry's source.
        engine: Where its events go.
        data: Where its Secret is.
        folder: Where relative paths of SQLite files begin: the folder in which functions run.
    """

    def __init__(self, app: str, source: model.Source, engine: Engine, *, data: DataFolder, folder: Path) -> None:
        if not isinstance(source.origin, spec_sources.Database):
            raise TypeError(f"{source.key} is no database")
        self._key = source.key
        self._table = source.origin.table
        self._engine = engine
        self._folder = folder
        self._secret = data.secrets / source.origin.secret_name / KEY
        # Not the owner that a cluster has: a `dev` on the same database gets its own share of changes, not theirs.
        self._watched = changes.watched(source.origin, owner=f"dev/{app}/{source.marker}", marker=source.marker)
        self._reader = Reader(
            self._opened,
            marker=source.marker,
            publish=partial(engine.broker.publish, origin="database"),
            bury=_keep,
            heard=self,
        )

    async def run(self) -> None:
        """Read until cancelled; what is under way then gets the engine's grace to end."""
        stopping = asyncio.Event()
        reading = asyncio.create_task(self._reader.run(stopping))
        try:
            await asyncio.shield(reading)
        finally:
            stopping.set()
            await asyncio.wait({reading}, timeout=self._engine.grace.left("deliveries"))
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _opened(self) -> contextlib.AbstractAsyncContextManager[Journal]:
        try:
            url = self._secret.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise errors.EnvironmentProblem(
                f"the database's address cannot be read; put it into {self._secret}, such as sqlite:///shop.db"
            ) from error
        return urls.opened(url, self._watched, folder=self._folder)

    def sent(self) -> None:
        """The event shows up by itself."""

    def failed(self) -> None:
        """What is wrong is told as trouble."""

    def dead_lettered(self) -> None:
        """Our own Broker refuses nothing."""

    def looked(self, figures: Figures) -> None:
        """Nobody asks `dev` for it."""

    def trouble(self, text: str) -> None:
        """Tell people."""
        if text:
            self._engine.listener.changed(f"{self._key}: {text}", "warning")
        else:
            self._engine.listener.changed(f"{self._key}: changes of {self._table} become events", "info")


async def _keep(event: Event[bytes | None], refusal: errors.PatternAppError) -> None:
    """What our Broker never takes stays in the outbox."""
    raise errors.PatternAppError(f"the event {event.attributes['id']} has nowhere to go") from refusal


def readers(plan: model.Plan, engine: Engine, *, data: DataFolder, folder: Path) -> list[DatabaseReader]:
    """A reader for every source of the plan that is a database."""
    return [
        DatabaseReader(plan.app, source, engine, data=data, folder=folder)
        for source in plan.nodes_of(model.Source)
        if isinstance(source.origin, spec_sources.Database)
    ]
