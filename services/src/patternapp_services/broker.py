"""The app's Broker as our services reach it on a cluster: by HTTP, at the address in ``K_SINK``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import delivery, errors

if TYPE_CHECKING:
    from patternapp.cloudevents import Event
    from patternapp.delivery import Outcome
    from patternapp.sender import Sender
    from patternapp_services.addresses import Addresses

WITHIN = 10.0
"""Seconds that the Broker may take: less than callers wait for our own answer."""
_ONCE = delivery.DeliverySpec(retry=0)


class Refused(errors.PatternAppError):
    """The Broker will never take the event; `outcome` is its answer."""

    def __init__(self, reason: str, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(reason)


class Broker:
    """A `wire.Publish` that posts to the Broker. The caller of our service is who tries again."""

    def __init__(self, addresses: Addresses, http: Sender) -> None:
        """Raises `errors.EnvironmentProblem` where the Broker's address is not known."""
        self._addresses = addresses
        self._url = addresses.url({"sink": True})
        self._http = http

    async def __call__(self, event: Event[bytes | None], *, bookmark: tuple[str, str | None] | None = None) -> int:
        """Post one event; a Broker gives no numbers, so it is always 0.

        Raises:
            errors.StoreError: The Broker did not take it now.
            Refused: The Broker will never take it.
        """
        if bookmark is not None:
            raise TypeError("a Broker keeps no bookmarks")
        outcome = await self._http.send(self._url, event, within=WITHIN, headers=self._addresses.proof(self._url))
        if isinstance(delivery.decide(outcome, attempt=1, spec=_ONCE), delivery.Ack):
            return 0
        reason = f"the Broker did not take the event: {delivery.describe(outcome)}"
        if delivery.retried(outcome.code):
            raise errors.StoreError(reason)
        raise Refused(reason, outcome)
