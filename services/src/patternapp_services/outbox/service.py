"""The role `outbox`: one entry's database, until it is told to stop."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import prometheus_client

from patternapp import delivery, errors, sender
from patternapp.cloudevents import Event
from patternapp.http import server
from patternapp.spec import sources
from patternapp_services import broker, monitor
from patternapp_services.outbox import changes, urls
from patternapp_services.outbox.measures import Measures
from patternapp_services.outbox.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp_services.addresses import Addresses
    from patternapp_services.outbox.journal import Journal
    from patternapp_services.program import Setting

PROBE_GRACE = 1
"""Seconds that a look at the metrics gets at the end."""
_ONCE = delivery.DeliverySpec(retry=0)


class Config(sources.Database):
    """The database of an entry, the app, the marker of the entry's events, and a target for what nobody takes.

    `dead_letter` is a target as `addresses` knows them.
    """

    app: str
    marker: str
    dead_letter: dict[str, str | bool]

    def watched(self, *, namespace: str) -> changes.Watched:
        """What the database is told of the entry. Apps of the same name in two namespaces have two outboxes."""
        return changes.watched(self, owner=f"{namespace}/{self.app}/{self.marker}", marker=self.marker)


async def run(setting: Setting) -> None:
    """Read until `setting.stopping` is set, then let what is under way end."""
    config = Config.model_validate_json(setting.config)
    noted = config.watched(namespace=setting.addresses.domain.partition(".")[0])
    registry = prometheus_client.CollectorRegistry()

    def opened() -> contextlib.AbstractAsyncContextManager[Journal]:
        return urls.opened(setting.secrets.need(config.secret_name, "url"), noted)

    async with contextlib.AsyncExitStack() as stack:
        listening = stack.enter_context(server.listen(setting.host, setting.port))
        http = await stack.enter_async_context(sender.Sender())
        reader = Reader(
            opened,
            marker=config.marker,
            publish=broker.Broker(setting.addresses, http),
            bury=DeadLetters(config.dead_letter, setting.addresses, http),
            heard=Measures(registry),
        )
        health = monitor.Monitored(
            None, registry=registry, ready=lambda: "it is stopping" if setting.stopping.is_set() else reader.trouble
        )
        await stack.enter_async_context(
            server.serving(health, listening, grace=lambda: PROBE_GRACE, limits=setting.limits)
        )
        await reader.run(setting.stopping)


class DeadLetters:
    """A `reader.Bury` that posts to where dead letters are kept.

    The letter says that the Broker failed to take it, so `patternapp dlq redrive` sends it there again.
    """

    def __init__(self, target: Mapping[str, str | bool], addresses: Addresses, http: sender.Sender) -> None:
        self._url = addresses.url(target)
        self._addresses = addresses
        self._http = http

    async def __call__(self, event: Event[bytes | None], refusal: errors.PatternAppError) -> None:
        said = delivery.error_attributes(refusal.outcome) if isinstance(refusal, broker.Refused) else {}
        letter = Event({**event.attributes, **said}, event.data)
        outcome = await self._http.send(
            self._url, letter, within=broker.WITHIN, headers=self._addresses.proof(self._url)
        )
        if isinstance(delivery.decide(outcome, attempt=1, spec=_ONCE), delivery.Ack):
            return
        reason = f"the dead letters did not take it: {delivery.describe(outcome)}"
        raise (errors.StoreError if delivery.retried(outcome.code) else errors.PatternAppError)(reason)
