"""Runs a function once, for one event, as a Job does.

What holds here:

* The event comes as a Broker would deliver it, in binary mode to ``POST /``, and the same rules say what the answer
  means. Only the time is another: an answer may take as long as it takes.
* A process ends with 0 only once the event is handled and its reply, if there is one, is taken by the sink.
* What nobody will try again goes to the dead letters, with the same attributes as a Broker's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patternapp import cloudevents, delivery, sender
from patternapp.delivery import DeliverySpec, Outcome
from patternapp.receiver import server
from patternapp.receiver.settings import Settings
from patternapp.runtime import asgi

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from patternapp.cloudevents import Event


GRACE = Settings().grace
"""Seconds that the function gets when the process is told to end."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of the event: the exit code of the process and a line that says why."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Sink:
    """Who takes events.

    Attributes:
        url: Its address, as in ``K_SINK``; None where nobody takes them.
        token: The file with the bearer token for it and nobody else; it need not exist.
        patience: How often and how patiently it is tried.
    """

    url: str | None = None
    token: Path | None = None
    patience: DeliverySpec = field(default_factory=DeliverySpec)

    async def take(self, event: Event[bytes | None]) -> str | None:
        """Post an event until it is taken; why it was not, if it was not."""
        attempt = 0
        async with sender.Sender() as sending:
            while True:
                attempt += 1
                within = self.patience.timeout
                headers = sender.proof(self.token) if self.token is not None else {}
                outcome = await sending.send(self.url or "", event, within=within, headers=headers)
                decision = delivery.decide(outcome, attempt=attempt, spec=self.patience)
                if isinstance(decision, delivery.Retry):
                    await asyncio.sleep(decision.after)
                    continue
                return None if isinstance(decision, delivery.Ack) else decision.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is around the function.

    Attributes:
        replies: Who takes its replies.
        dead_letters: Who takes the event if it is given up.
        last: Whether nobody tries again what fails now.
    """

    replies: Sink = field(default_factory=Sink)
    dead_letters: Sink = field(default_factory=Sink)
    last: bool = False


def around(environment: Mapping[str, str]) -> Around:
    """What the environment of a Job's Pod says; `patternapp.render.jobs` writes it."""
    failures, retries = (environment.get(name, "") for name in ("PATTERNAPP_FAILURES", "PATTERNAPP_RETRIES"))
    return Around(
        replies=Sink(environment.get("K_SINK"), sender.TOKEN),
        dead_letters=Sink(environment.get("PATTERNAPP_DEAD_LETTER")),
        last=failures.isdecimal() and retries.isdecimal() and int(failures) >= int(retries),
    )


def run(app: Any, event: Event[bytes | None], *, around: Around, grace: float = GRACE) -> Ended:
    """Hand the event to an ASGI application, and what comes of it to who is around.

    Args:
        app: The application, started and shut down by this call.
        event: What to hand over.
        around: Who takes what comes of it.
        grace: Seconds that all this gets when the process is told to end by SIGTERM or SIGINT.

    Raises:
        EnvironmentProblem: The application did not start up.
    """
    return asyncio.run(_run(_work(app, event, around), grace))


async def _run(coroutine: Coroutine[Any, Any, Ended], grace: float) -> Ended:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    work = asyncio.create_task(coroutine)
    told = asyncio.create_task(stop.wait())
    await asyncio.wait((work, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not work.done():
        await asyncio.wait((work,), timeout=grace)
    if not work.done():
        work.cancel()
    try:
        return await work
    except asyncio.CancelledError:
        return Ended(delivery.EXIT_FAILED, f"told to end, and not done {grace:g} s later; to be tried again")


async def _work(app: Any, event: Event[bytes | None], around: Around) -> Ended:
    port = int(os.environ.get("PORT", server.DEFAULT_PORT))
    async with asgi.started(app, name=f"job:{socket.gethostname()}", port=port) as application:
        outcome = await application.send(event)
        match delivery.decide(outcome, attempt=1, spec=DeliverySpec(retry=1)):
            case delivery.Ack(reply=reply):
                return await _acknowledged(outcome, reply, around.replies)
            case delivery.DeadLetter(reason=reason):
                ended = Ended(delivery.EXIT_REFUSED, f"refused for good: {reason}")
            case decision if around.last:
                ended = Ended(delivery.EXIT_FAILED, f"failed for the last time: {decision.reason}")
            case decision:
                return Ended(delivery.EXIT_FAILED, f"failed, to be tried again: {decision.reason}")
        return await _given_up(event, outcome, ended, around.dead_letters)


async def _acknowledged(outcome: Outcome, reply: Event[bytes | None] | None, sink: Sink) -> Ended:
    done = f"handled in {outcome.seconds:.3f} s: answered {outcome.code}"
    if reply is None:
        return Ended(0, done)
    kind = reply.attributes["type"]
    if sink.url is None:
        return Ended(0, f"{done}; its reply of the type {kind} went nowhere, as K_SINK is not set")
    refusal = await sink.take(reply)
    if refusal is not None:
        return Ended(delivery.EXIT_FAILED, f"handled, but its reply of the type {kind} was not taken: {refusal}")
    return Ended(0, f"{done}; its reply of the type {kind} went to {sink.url}")


async def _given_up(event: Event[bytes | None], outcome: Outcome, ended: Ended, sink: Sink) -> Ended:
    """As `ended`, once the event is a dead letter. One that is not taken is a failure to be tried again."""
    if sink.url is None:
        return ended
    letter = cloudevents.with_attributes(event, **delivery.error_attributes(outcome))
    refusal = await sink.take(letter)
    if refusal is not None:
        return Ended(delivery.EXIT_FAILED, f"{ended.message}; and the dead letter was not taken: {refusal}")
    return Ended(ended.code, f"{ended.message}; it is a dead letter now, at {sink.url}")
