"""The webhook receiver: calls of other systems become events of the Broker.

What holds here:

* A call is verified over its bytes as they came, before anything is read out of it.
* A CloudEvent is taken as it is, any other body is wrapped; both get the marker of their entry, whoever sent one.
* 202 only after `publish` returned. The handshake of the CloudEvents webhook specification is answered from the
  request alone: a callback address is never called, as it is the caller's word against our network.
"""

from __future__ import annotations

import logging
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from patternapp import cloudevents, errors
from patternapp.http import bodies
from patternapp.plan import model
from patternapp_services import wire
from patternapp_services.webhooks import signatures

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

    from patternapp.spec import sources

DEFAULT_TYPE = "dev.patternapp.webhook"
SecretReader = Callable[[str], bytes]
"""The value of a Secret by name; `LookupError` where there is none."""
Scheme = Literal["standardWebhooks", "github", "bearer"]

_ID_HEADERS = {"standardWebhooks": b"webhook-id", "github": b"x-github-delivery"}
_ORIGIN = re.compile(r"[A-Za-z0-9.*:/_-]{1,253}")
_RATE = re.compile(r"[1-9][0-9]{0,9}")
_ALLOW = (b"allow", b"OPTIONS, POST")
_log = logging.getLogger("patternapp.webhooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One webhook.

    Attributes:
        name: The entry's name; the source of wrapped events is ``/webhooks/<name>``.
        path: The path under which it is called, literally.
        marker: Put on every event as the extension `patternappsource`.
        type: The type of wrapped events.
        scheme: How callers prove themselves; None lets everybody in.
        secret: The name of the Secret that `scheme` needs.
    """

    name: str
    path: str
    marker: str
    type: str = DEFAULT_TYPE
    scheme: Scheme | None = None
    secret: str | None = None

    def __post_init__(self) -> None:
        if (self.scheme is None) != (self.secret is None):
            raise ValueError(f"webhook {self.name}: give both of scheme and secret, or neither")


def endpoint(origin: sources.Webhook, *, name: str, marker: str) -> Endpoint:
    """The endpoint of an entry with this name and marker."""
    scheme: Scheme | None = None
    secret: str | None = None
    if origin.verify is not None:
        schemes: tuple[tuple[Scheme, sources.SecretName | None], ...] = (
            ("standardWebhooks", origin.verify.standard_webhooks),
            ("github", origin.verify.github),
            ("bearer", origin.verify.bearer),
        )
        scheme, secret = next((scheme, given.secret_name) for scheme, given in schemes if given is not None)
    return Endpoint(
        name=name,
        path=origin.path,
        marker=marker,
        type=origin.type or DEFAULT_TYPE,
        scheme=scheme,
        secret=secret,
    )


def mounted_secrets(folder: pathlib.Path) -> SecretReader:
    """Reads Secrets laid out as Kubernetes mounts them: ``<folder>/<name>/secret``, afresh every time."""

    def read(name: str) -> bytes:
        try:
            return (folder / name / "secret").read_bytes()
        except OSError as error:
            raise LookupError(f"{error.filename} cannot be read: {error.strerror}") from None

    return read


class Webhook:
    """The ASGI app; ValueError where two endpoints share a path."""

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        *,
        publish: wire.Publish,
        secret: SecretReader,
        now: wire.Now,
        new_id: wire.NewId = wire.new_id,
    ) -> None:
        self._publish = publish
        self._secret = secret
        self._now = now
        self._new_id = new_id
        self._endpoints: dict[str, Endpoint] = {}
        for endpoint in endpoints:
            other = self._endpoints.setdefault(endpoint.path, endpoint)
            if other is not endpoint:
                raise ValueError(f"webhooks {other.name} and {endpoint.name} share the path {endpoint.path}")

    @property
    def paths(self) -> frozenset[str]:
        """The paths that are answered here."""
        return frozenset(self._endpoints)

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] != "http":
            await wire.decline(scope, receive, send)
            return
        path = urllib.parse.unquote(wire.target(scope).decode("latin-1"))
        endpoint = self._endpoints.get(path)
        try:
            if endpoint is None:
                await wire.problem(send, 404, f"No webhook has the path {path}.")
            elif scope["method"] == "POST":
                await self._accept(endpoint, scope, receive, send)
            elif scope["method"] == "OPTIONS" and _has(scope, b"webhook-request-origin"):
                await wire.respond(send, 200, headers=_handshake(scope))
            else:
                await wire.problem(send, 405, "A webhook is called with POST.", headers=[_ALLOW])
        except wire.BadRequest as refusal:
            await wire.problem(send, refusal.status, refusal.detail)
        except bodies.ClientGone:
            return

    async def _accept(self, endpoint: Endpoint, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        body = await wire.read_body(scope, receive)
        try:
            self._verify(endpoint, scope, body)
            await self._publish(self._event(endpoint, scope, body))
        except signatures.Refused as refusal:
            _log.warning("%s: a call was refused: %s", endpoint.name, refusal)
            challenge = [(b"www-authenticate", b"Bearer")] if endpoint.scheme == "bearer" else []
            await wire.problem(send, 401, f"The call is not proven: {refusal}.", headers=challenge)
        except (LookupError, signatures.SecretUnusable) as fault:
            _log.error("%s: its secret %s cannot be used: %s", endpoint.name, endpoint.secret, fault)
            await wire.unavailable(send, "The webhook cannot verify calls now; its operator finds why in the log.")
        except errors.StoreError as error:
            await wire.unavailable(send, f"The event was not kept: {error}. Send it again.")
        except errors.PatternAppError as error:
            await wire.problem(send, 400, f"The call does not make an event: {error}.")
        else:
            await wire.respond(send, 202)

    def _verify(self, endpoint: Endpoint, scope: wire.Scope, body: bytes) -> None:
        if endpoint.scheme is None or endpoint.secret is None:
            return
        call = signatures.Call(headers=scope["headers"], body=body, at=self._now())
        signatures.verify(endpoint.scheme, call, self._secret(endpoint.secret))

    def _event(self, endpoint: Endpoint, scope: wire.Scope, body: bytes) -> cloudevents.Event[bytes | None]:
        if _is_cloudevent(scope["headers"]):
            sent = cloudevents.decode(scope["headers"], body)
            return cloudevents.Event({**sent.attributes, model.SOURCE_ATTRIBUTE: endpoint.marker}, sent.data)
        header = _ID_HEADERS.get(endpoint.scheme or "")
        attributes: dict[str, str | int | bool] = {
            "specversion": "1.0",
            "id": (header and wire.header(scope["headers"], header)) or self._new_id(),
            "source": f"/webhooks/{endpoint.name}",
            "type": endpoint.type,
            "subject": endpoint.path,
            "time": wire.timestamp(self._now()),
            model.SOURCE_ATTRIBUTE: endpoint.marker,
        }
        if (content_type := wire.media_type(scope["headers"], body)) is not None:
            attributes["datacontenttype"] = content_type
        cloudevents.check(attributes)
        return cloudevents.Event(attributes, body or None)


def _has(scope: wire.Scope, name: bytes) -> bool:
    return any(key == name for key, _ in scope["headers"])


def _is_cloudevent(headers: wire.Headers) -> bool:
    """Structured by its content type, or binary by any of its headers; a batch is neither and refused with 415."""
    for name, value in headers:
        if name == b"content-type" and value.split(b";")[0].strip().lower() == b"application/cloudevents+json":
            return True
        if name.startswith(b"ce-"):
            return True
    return False


def _handshake(scope: wire.Scope) -> list[tuple[bytes, bytes]]:
    """The permission of cloudevents/spec http-webhook.md section 4: to the origin that asked, at the rate it asked."""
    origin = wire.header(scope["headers"], b"webhook-request-origin")
    if origin is None or not _ORIGIN.fullmatch(origin):
        raise wire.BadRequest(400, "WebHook-Request-Origin is not a DNS name.")
    rate = wire.header(scope["headers"], b"webhook-request-rate")
    allowed = rate if rate is not None and _RATE.fullmatch(rate) else "*"
    return [_ALLOW, (b"webhook-allowed-origin", origin.encode()), (b"webhook-allowed-rate", allowed.encode())]
