"""The doors for events: ``POST /events`` to the Broker, ``POST /topics/{topic}`` to a topic that streams read.

What holds here:

* 202 is answered after the fsync of the commit that holds the event, and the number is in ``patternapp-event``.
* Codes follow knative/eventing ``pkg/broker/ingress/ingress_handler.go``: OPTIONS 200, other methods 405, an
  unreadable event 400, a used-up TTL 400, a store that cannot write 503. A batch is accepted whole or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import cloudevents, errors
from patternapp.http import bodies
from patternapp.runtime.eventing.broker import LoopError
from patternapp_services import wire

if TYPE_CHECKING:
    from patternapp.cloudevents import Event
    from patternapp.runtime.eventing.broker import Broker

_HANDSHAKE = (
    (b"allow", b"POST, OPTIONS"),
    (b"webhook-allowed-origin", b"*"),
    (b"webhook-allowed-rate", b"*"),
)


class Ingress:
    """An ASGI app for both doors; the path was already seen to begin with one of them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        """Serve one request."""
        if scope["method"] == "OPTIONS":
            await wire.respond(send, 200, headers=_HANDSHAKE)
            return
        if scope["method"] != "POST":
            await wire.problem(send, 405, "events are sent with POST", headers=_HANDSHAKE[:1])
            return
        path: str = scope["path"]
        topic = path.removeprefix("/topics/") if path.startswith("/topics/") else None
        if topic is None and path.rstrip("/") != "/events":
            await wire.problem(send, 404, "events are posted to /events, or to /topics/TOPIC")
        elif topic is not None and topic not in self._broker.topics:
            known = ", ".join(sorted(self._broker.topics)) or "none"
            await wire.problem(send, 404, f"no stream of this app reads the topic {topic!r}; topics: {known}")
        else:
            await self._accept(scope, receive, send, topic=topic)

    async def _accept(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send, *, topic: str | None) -> None:
        try:
            numbers = await self._keep(scope, receive, topic=topic)
        except wire.BadRequest as error:
            await wire.problem(send, error.status, error.detail)
        except (errors.CloudEventError, LoopError) as error:
            await wire.problem(send, 400, str(error))
        except errors.StoreError as error:
            await wire.unavailable(send, str(error))
        except bodies.ClientGone:
            return
        else:
            listed = ",".join(map(str, numbers)).encode()
            await wire.respond(send, 202, headers=[(b"patternapp-event", listed)])

    async def _keep(self, scope: wire.Scope, receive: wire.Receive, *, topic: str | None) -> list[int]:
        events = decode(scope["headers"], await wire.read_body(scope, receive))
        if topic is not None:
            return await self._broker.append_batch(topic, events)
        return await self._broker.publish_batch(events, origin="ingress")


def decode(headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[Event[bytes | None], ...]:
    """The events of a request in any of the three modes; raises CloudEventError."""
    if cloudevents.is_batch(headers):
        return cloudevents.decode_batch(headers, body)
    return (cloudevents.decode(headers, body),)
