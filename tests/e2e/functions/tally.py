"""What functions of these tests do: they write down in Redis what they got, in the order in which they got it.

What holds here: an event is written down before it is answered for. So what was answered for is there, and what is
there twice was delivered twice.
"""

from __future__ import annotations

import functools
import os
import time
from typing import TYPE_CHECKING, Any

import redis
from pydantic import BaseModel

from patternapp.receiver import Event, Failures, Receiver, Reject, Retry

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTED, TICK = "e2e.counted", "dev.knative.sources.ping"


class Counted(BaseModel):
    """The data of a counted event; one that is wrong is refused."""

    wrong: bool = False


class Work(BaseModel):
    """The data of a schedule: whether its runs are refused, and how often each fails before it goes well."""

    refused: bool = False
    failures: int = 0


batches, singles, jobs = Receiver(), Receiver(), Receiver()


@batches.on_batch(COUNTED)
def write_down_batch(events: list[Event[Counted]]) -> Failures:
    """Take as long as PAUSE says for each batch, whatever its size."""
    time.sleep(float(os.environ.get("PAUSE", "0")))
    wrong = [event for event in events if event.data.wrong]
    _write_down([_name(event) for event in events if not event.data.wrong])
    return Failures([(event, Reject("it is wrong")) for event in wrong])


@singles.on(COUNTED)
def write_down(event: Event[Counted]) -> None:
    """Take as long as PAUSE says for each event."""
    time.sleep(float(os.environ.get("PAUSE", "0")))
    _write_down([_name(event)])


@jobs.on(TICK)
def work(event: Event[Work]) -> None:
    """Go through what the schedule says."""
    if event.data.refused:
        raise Reject("it is never to be done")
    # Each run is a process of its own, so how often it failed is written down too.
    if _connection().incr(f"{_key()}:{_name(event)}") <= event.data.failures:
        raise Retry("it goes well later")
    _write_down([_name(event)])


def _name(event: Event[Counted] | Event[Work]) -> str:
    return str(event.attributes["id"])


def _write_down(names: Sequence[str]) -> None:
    if names:
        pod = os.environ["HOSTNAME"]
        _connection().rpush(_key(), *(f"{name} {pod}" for name in names))


def _key() -> str:
    return os.environ["TALLY"]


@functools.cache
def _connection() -> Any:
    return redis.Redis.from_url(os.environ["TALLY_URL"], socket_timeout=10)
