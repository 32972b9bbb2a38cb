"""Dead letters that go to a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patternapp.cloudevents import Event
from patternapp_services.enqueue import writers
from patternapp_services.worker import target

if TYPE_CHECKING:
    from patternapp_services.enqueue.writers import Writer

EVENT = Event({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}, None)


class Kept:
    """A `Writer` that keeps events in a list, or fails."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.events: list[Event[bytes | None]] = []
        self._fails = fails

    async def write(self, event: Event[bytes | None]) -> None:
        if self._fails is not None:
            raise self._fails
        self.events.append(event)

    async def close(self) -> None:
        """There is nothing to let go of."""


def topic(writer: Writer) -> target.Topic:
    return target.Topic(name="letters", writer=writer)


async def test_a_letter_that_is_in_the_topic_is_taken() -> None:
    kept = Kept()

    outcome = await topic(kept)(EVENT)

    assert (outcome.code, outcome.error) == (202, None)
    assert kept.events == [EVENT]


@pytest.mark.parametrize("failure", [writers.NotWritten("away"), writers.TooLarge("too large")])
async def test_a_letter_that_is_not_in_the_topic_is_not_taken(failure: Exception) -> None:
    outcome = await topic(Kept(failure))(EVENT)

    assert (outcome.code, outcome.error) == (None, str(failure))
