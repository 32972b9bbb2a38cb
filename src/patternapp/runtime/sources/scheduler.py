"""Fires schedules: an event for every slot of a cron expression, each slot once.

What holds here:

* The slot is kept as a bookmark in the transaction that accepts its event, so a crash neither repeats nor loses it.
* Slots that passed while nothing ran are skipped, as Knative's PingSource does, and the listener is told so.
* A clock that jumps back fires nothing twice: the next slot is always after the last one fired.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp import schedule as cron
from patternapp.cloudevents import Event
from patternapp.plan import model
from patternapp.runtime import clock as clocks

if TYPE_CHECKING:
    from patternapp.runtime.eventing.engine import Engine

EVENT_TYPE = "dev.knative.sources.ping"
RETRY_SECONDS = 1.0
"""Seconds before a slot that could not be kept is tried again."""
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://patternapp.dev/schedules")


class Ticker:
    """One schedule of the app."""

    def __init__(self, app: str, schedule: model.Schedule, engine: Engine) -> None:
        self.schedule = schedule
        self._app = app
        self._engine = engine
        self._cron = cron.parse(schedule.cron, schedule.time_zone)
        self._bookmark = f"{schedule.key}/slot"
        self.last: datetime | None = None

    async def load(self) -> None:
        """Read which slot was fired last; the listener hears of slots that passed since."""
        known = await self._engine.store.read(lambda reads: reads.bookmarks(self._bookmark))
        if self._bookmark not in known:
            return
        self.last = datetime.fromisoformat(known[self._bookmark])
        missed = self._cron.next_after(self.last)
        if missed is not None and missed.timestamp() <= self._engine.clock.now():
            text = f"{self.schedule.key}: slots passed unfired while dev did not run, the first at {missed.isoformat()}"
            self._engine.listener.changed(text, "warning")

    @property
    def next(self) -> datetime | None:
        """The next slot; None where the expression never comes true again."""
        now = datetime.fromtimestamp(self._engine.clock.now(), UTC)
        return self._cron.next_after(now if self.last is None else max(now, self.last))

    async def run(self) -> None:
        """Fire slot after slot until the task is cancelled."""
        while (slot := self.next) is not None:
            await self._engine.clock.until(slot.timestamp())
            await self._fire_until_kept(slot)
            self.last = slot

    async def _fire_until_kept(self, slot: datetime) -> None:
        while True:
            try:
                await self.fire(slot, bookmark=(self._bookmark, slot.isoformat()))
            except errors.StoreError as error:
                # The same slot again, although its time has passed: it must not be lost.
                self._engine.listener.changed(f"{self.schedule.key}: {error}", "error")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def run_now(self) -> int:
        """Fire once beside the schedule; the event's number is returned."""
        return await self.fire(datetime.fromtimestamp(self._engine.clock.now(), UTC), bookmark=None)

    async def fire(self, slot: datetime, *, bookmark: tuple[str, str | None] | None) -> int:
        """Publish the event of a slot. Its id follows from the slot, so that receivers can tell repetitions."""
        attributes: dict[str, str | int | bool] = {
            "specversion": "1.0",
            "id": str(uuid.uuid5(_NAMESPACE, f"{self._app}/{self.schedule.name}/{slot.isoformat()}")),
            "source": f"/apis/v1/namespaces/default/pingsources/{self._app}-{self.schedule.name}",
            "type": EVENT_TYPE,
            "time": clocks.rfc3339(slot.timestamp()),
            model.SOURCE_ATTRIBUTE: self.schedule.marker,
        }
        data = None
        if self.schedule.data is not None:
            attributes["datacontenttype"] = "application/json"
            data = json.dumps(self.schedule.data).encode()
        return await self._engine.broker.publish(Event(attributes, data), origin=self.schedule.key, bookmark=bookmark)

    def state(self) -> dict[str, Any]:
        """The schedule in the shape of ``/api/schedules``, without its function."""
        upcoming = self.next
        return {
            "name": self.schedule.name,
            "cron": self.schedule.cron,
            "timeZone": self.schedule.time_zone,
            "last": None if self.last is None else _rfc3339(self.last),
            "next": None if upcoming is None else _rfc3339(upcoming),
        }


def _rfc3339(slot: datetime) -> str:
    """A slot in the schedule's own time zone, with ``Z`` for UTC as everywhere else."""
    return slot.isoformat().replace("+00:00", "Z")
