"""Sends dead letters again, each to the receiver that failed to take it.

What holds here:

* The address is the configuration's, never the letter's: anybody who can reach the sink can write one.
* A letter leaves the store after its receiver acknowledged it and its reply, if any, is with the Broker.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patternapp import delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from patternapp.cloudevents import Event
    from patternapp.delivery import Outcome
    from patternapp.sender import Sender
    from patternapp_services.addresses import Addresses
    from patternapp_services.dead_letters.letters import Letter
    from patternapp_services.dead_letters.store import Store

ATTEMPT = 30.0
"""Seconds that one attempt may take."""
AT_ONCE = 16
"""Letters that are under way together."""
_ONCE = delivery.DeliverySpec(retry=0)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who can be sent to: as the app calls it, and where it is."""

    name: str
    url: str


class Receivers:
    """The receivers of one app."""

    def __init__(self, targets: Iterable[Mapping[str, Any]], addresses: Addresses) -> None:
        """Receivers from the configuration: a target as `Addresses.url` reads it, with a name."""
        known = [(target, Receiver(target["name"], addresses.url(target))) for target in targets]
        self._services = {(one["service"], one.get("path", "/")): to for one, to in known if "service" in one}
        self._urls = {to.url: to for _, to in known}

    def at(self, destination: str) -> Receiver | None:
        """Who has an address, as a dead letter names it; None where no receiver of the app has."""
        if destination in self._urls:
            return self._urls[destination]
        try:
            parts = urllib.parse.urlsplit(destination)
        except ValueError:
            return None
        # A Broker names a Service by whichever of its names it resolved.
        return self._services.get(((parts.hostname or "").partition(".")[0], parts.path or "/"))


@dataclass(slots=True)
class Report:
    """What came of a re-drive: how many were taken, and why the others were not."""

    taken: int = 0
    failed: dict[int, str] = field(default_factory=dict)


class Redrive:
    """Sends letters again."""

    def __init__(self, store: Store, receivers: Receivers, sender: Sender, addresses: Addresses) -> None:
        """`addresses` says where replies go: to the Broker, if the app has one."""
        self._store, self._receivers, self._sender, self._addresses = store, receivers, sender, addresses

    async def send(self, numbers: Iterable[int]) -> Report:
        """Send the letters with these numbers; `errors.StoreError` where they cannot be read or removed."""
        report, free = Report(), asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with free:
                reason = await self._one(number)
            if reason is None:
                report.taken += 1
            else:
                report.failed[number] = reason

        async with asyncio.TaskGroup() as group:
            for number in numbers:
                group.create_task(one(number))
        return report

    async def _one(self, number: int) -> str | None:
        letter = await self._store.letter(number)
        if letter is None:
            return "there is no such dead letter any more"
        receiver = self._receivers.at(letter.failure.destination)
        if receiver is None:
            where = letter.failure.destination or "nobody"
            return f"it was meant for {where}, which is no receiver of this app; purge it, or send its event yourself"
        reason = await self._deliver(letter, receiver)
        if reason is None:
            await self._store.remove(letter)
        return reason

    async def _deliver(self, letter: Letter, receiver: Receiver) -> str | None:
        outcome = await self._send(receiver.url, letter.event)
        decision = delivery.decide(outcome, attempt=1, spec=_ONCE)
        if not isinstance(decision, delivery.Ack):
            return f"{receiver.name}: {delivery.describe(outcome)}"
        if decision.reply is None:
            return None
        if not self._addresses.sink:
            return f"{receiver.name} took it and replied, but the Broker's address is not known (K_SINK)"
        replied = await self._send(self._addresses.sink, decision.reply)
        if isinstance(delivery.decide(replied, attempt=1, spec=_ONCE), delivery.Ack):
            return None
        return f"{receiver.name} took it, but the Broker not its reply: {delivery.describe(replied)}"

    async def _send(self, url: str, event: Event[bytes | None]) -> Outcome:
        return await self._sender.send(url, event, within=ATTEMPT, headers=self._addresses.proof(url))
