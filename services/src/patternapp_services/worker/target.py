"""Where a worker's events go: the function beside it, and where dead letters are kept."""

from __future__ import annotations

import dataclasses
import http
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patternapp import errors
from patternapp.consume import verdicts
from patternapp.delivery import Outcome
from patternapp_services.enqueue import writers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from patternapp.cloudevents import Event
    from patternapp.consume.log import Delivery
    from patternapp.sender import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTarget:
    """A `consume.consumer.Target` whose function is called over HTTP.

    Attributes:
        sender: Over which connections.
        function: The function's URL.
        entry: Where dead letters say that they failed: what sends one again must reach the log, and nobody but the
            worker reaches the function.
        within: Seconds for one attempt.
        dead_letters: Gives one event to where dead letters are kept.
    """

    sender: Sender
    function: str
    entry: str
    within: float
    dead_letters: Callable[[Event[bytes | None]], Awaitable[Outcome]]

    async def call(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        events = [one.event for one in deliveries]
        outcome = await self.sender.send_batch(self.function, events, within=self.within)
        return verdicts.split(dataclasses.replace(outcome, destination=self.entry), events)

    async def bury(self, letter: Delivery) -> Outcome:
        return await self.dead_letters(letter.event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Dead letters go to an address, in binary mode."""

    sender: Sender
    url: str
    within: float

    async def __call__(self, event: Event[bytes | None]) -> Outcome:
        return await self.sender.send(self.url, event, within=self.within)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Dead letters go to a Kafka topic."""

    name: str
    writer: writers.Writer

    async def __call__(self, event: Event[bytes | None]) -> Outcome:
        began = time.monotonic()
        destination = f"kafka:{self.name}"
        try:
            await self.writer.write(event)
        except (writers.NotWritten, writers.TooLarge, errors.CloudEventError) as error:
            return Outcome(destination=destination, error=str(error), seconds=time.monotonic() - began)
        return Outcome(destination=destination, code=http.HTTPStatus.ACCEPTED, seconds=time.monotonic() - began)
