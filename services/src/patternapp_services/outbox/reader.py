"""Reads the changes of one entry and publishes each, for as long as it is let.

What holds here:

* A change is removed after the Broker has its event, never before: what happens in between, it comes again with the
  same id.
* What is not taken now is tried again, for ever, and holds up only the changes of the same row.
* What is never taken goes to the dead letters. What they do not take either is kept in the outbox with the reason, and
  passed over.
* Whatever ails the database, a new connection is the mend, and `trouble` says what it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from patternapp import errors
from patternapp_services.outbox import changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from patternapp.cloudevents import Event
    from patternapp_services import wire
    from patternapp_services.outbox.changes import Change, Place
    from patternapp_services.outbox.journal import Figures, Journal, Round

LOOK = 5.0
"""Seconds between two looks at the table, the trigger and the figures."""
OTHERS = 0.2
"""Seconds before another look, while another reader has all changes whose turn it is."""
PAUSE = 1.0
"""Seconds before the next attempt, of a connection or of a Broker that took nothing."""
LONGEST = 10.0
"""Seconds that a change rests at most before its next attempt."""
FORGET = 60.0
"""Seconds after which a change that rested, and was then not met again, is forgotten: another reader had it."""
CONCURRENT = 16
"""Events under way at once."""
_log = logging.getLogger(__name__)


class Bury(Protocol):
    """Gives what the Broker never takes to the dead letters; raises as a `wire.Publish` does."""

    async def __call__(self, event: Event[bytes | None], refusal: errors.PatternAppError) -> None: ...


class Heard(Protocol):
    """Is told what comes of changes."""

    def sent(self) -> None:
        """The Broker has an event more."""

    def failed(self) -> None:
        """An event was not taken now."""

    def dead_lettered(self) -> None:
        """The dead letters have an event that the Broker never takes."""

    def looked(self, figures: Figures) -> None:
        """How the outbox stands."""

    def trouble(self, text: str) -> None:
        """What is wrong; empty once nothing is any more. Told when it changes."""


@dataclass(slots=True)
class _Rest:
    """How often an event was not taken, and when it is tried again."""

    attempts: int
    until: float


class Reader:
    """One reader; several of the same entry share its changes.

    Args:
        opened: Connects anew: an address is read each time, so one that was changed needs no restart.
        marker: Of the entry.
        publish: Takes events.
        bury: Takes what is never taken.
        heard: Is told.

    Attributes:
        trouble: Why nothing is read or taken now; empty where all is well.
    """

    def __init__(
        self,
        opened: Callable[[], contextlib.AbstractAsyncContextManager[Journal]],
        *,
        marker: str,
        publish: wire.Publish,
        bury: Bury,
        heard: Heard,
    ) -> None:
        self.trouble = "the database has not answered yet"
        self._opened = opened
        self._marker = marker
        self._publish = publish
        self._bury = bury
        self._heard = heard
        self._resting: dict[int, _Rest] = {}
        self._slots = asyncio.Semaphore(CONCURRENT)

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until `stopping` is set; what is under way then ends first."""
        while not stopping.is_set():
            try:
                async with self._opened() as journal:
                    await self._read(journal, stopping)
            except (errors.StoreError, errors.EnvironmentProblem) as error:
                self._say(str(error))
                await _wait(stopping, PAUSE)

    async def _read(self, journal: Journal, stopping: asyncio.Event) -> None:
        look_at = 0.0
        while not stopping.is_set():
            if time.monotonic() >= look_at:
                await journal.prepare()
                self._heard.looked(await journal.figures())
                look_at = time.monotonic() + LOOK
            seconds = await self._round(journal, stopping)
            if seconds > 0:
                waiting = asyncio.create_task(journal.wait(min(seconds, max(0.0, look_at - time.monotonic()))))
                await _first(waiting, stopping)

    async def _round(self, journal: Journal, stopping: asyncio.Event) -> float:
        """Send what can be sent; for how many seconds there is nothing to do, unless something new is noted."""
        now = time.monotonic()
        self._resting = {number: rest for number, rest in self._resting.items() if rest.until > now - FORGET}
        resting = {number: rest.until - now for number, rest in self._resting.items() if rest.until > now}
        async with journal.round(resting=resting) as taken:
            sending = [self._send_turn(turn, taken, journal.place, stopping) for turn in taken.turns]
            said = [text for text in await asyncio.gather(*sending) if text]
        for number in (*taken.done, *taken.refused):
            self._resting.pop(number, None)
        if said and not taken.done:
            self._say(said[0])
            await _wait(stopping, PAUSE)
        elif taken.done or not self._resting:
            self._say("")
        if taken.turns:
            return 0.0
        return OTHERS if taken.others else min(resting.values(), default=LOOK)

    async def _send_turn(self, turn: list[Change], taken: Round, place: Place, stopping: asyncio.Event) -> str:
        """Send changes one after the other up to the first that is not taken now; why it is not."""
        for change in turn:
            async with self._slots:
                if stopping.is_set():
                    return ""
                trouble = await self._send(change, taken, place)
            if trouble:
                return trouble
        return ""

    async def _send(self, change: Change, taken: Round, place: Place) -> str:
        try:
            event = changes.event(change, place, marker=self._marker)
        except changes.UnsendableError as error:
            self._keep(change, taken, str(error))
            return ""
        try:
            await self._publish(event)
        except errors.StoreError as error:
            return self._rest(change, error)
        except errors.PatternAppError as refusal:
            try:
                await self._bury(event, refusal)
            except errors.StoreError as error:
                return self._rest(change, error)
            except errors.PatternAppError as error:
                self._keep(change, taken, f"{refusal}; {error}")
                return ""
            self._heard.dead_lettered()
        else:
            self._heard.sent()
        taken.done.append(change.number)
        return ""

    def _rest(self, change: Change, error: errors.StoreError) -> str:
        self._heard.failed()
        before = self._resting.get(change.number)
        attempts = 1 if before is None else before.attempts + 1
        until = time.monotonic() + min(PAUSE * 2 ** min(attempts - 1, 10), LONGEST)
        self._resting[change.number] = _Rest(attempts, until)
        return str(error)

    def _keep(self, change: Change, taken: Round, reason: str) -> None:
        _log.error("the change %d is kept and passed over: %s", change.number, reason)
        taken.refused[change.number] = reason

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._heard.trouble(trouble)


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


async def _first(task: asyncio.Task[None], stopping: asyncio.Event) -> None:
    """Wait for a task, and give it up once `stopping` is set."""
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (task, stopped):
            one.cancel()
        ended = await asyncio.gather(task, stopped, return_exceptions=True)
    if isinstance(ended[0], Exception):
        raise ended[0]
