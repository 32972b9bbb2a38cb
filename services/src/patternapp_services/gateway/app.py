"""The API gateway: one address, whose routes lead to functions or are accepted as events.

What holds here:

* Which route wins is `routing`'s rule, which pages may call is `cors`'s.
* A function sees the path and the query as they were sent, and never a header that only the gateway may set.
* An event is answered 202 only after `publish` returned, so it is durable.
* Who calls is proven and counted before a function, a kept answer or the Broker is asked.
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from patternapp import cloudevents, errors
from patternapp.http import bodies
from patternapp_services import wire
from patternapp_services.gateway import admission, auth, cache, routing

if TYPE_CHECKING:
    from patternapp_services.gateway.admission import Guard
    from patternapp_services.gateway.auth import Caller
    from patternapp_services.gateway.caching import Rule
    from patternapp_services.gateway.cors import Cors

EVENT_HEADER = b"patternapp-event"
"""Ties a request to an event; only the dispatcher of events may set it."""
SUBJECT_HEADER = b"patternapp-subject"
"""Who was proven, for the function; nobody else may set it."""
_REPLACED = frozenset({EVENT_HEADER, SUBJECT_HEADER, b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"})
_Call = tuple[wire.Scope, wire.Receive, wire.Send]
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Upstream(Protocol):
    """Calls a function: the ASGI call, with the function's name in front. It answers its own failures."""

    async def __call__(self, function: str, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Requests of a path: to a function, or published as events. Exactly one of `function` and `publish_type`.

    Attributes:
        name: Its name, for messages.
        path: ``{name}`` stands for one segment, ``{name...}`` at the end for the rest.
        methods: The methods; GET to a function brings HEAD along.
        function: The function that answers.
        publish_type: The type of the event that is published.
        publish_source: The event's source, the gateway's own if None.
        guard: What is asked of callers.
        cache: How long answers to GET are kept; None where none is.
    """

    name: str
    path: str
    methods: tuple[str, ...] = ("GET",)
    function: str | None = None
    publish_type: str | None = None
    publish_source: str | None = None
    guard: Guard = admission.OPEN
    cache: Rule | None = None

    def __post_init__(self) -> None:
        if (self.function is None) == (self.publish_type is None):
            raise ValueError(f"route {self.name}: give exactly one of function and publish_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a gateway does: the app's name, its routes, and which web pages may call; None adds no CORS at all."""

    app: str
    routes: tuple[Route, ...]
    cors: Cors | None = None


class Gateway:
    """The ASGI app. An event's source is ``/gateways/<app>`` where its route names none.

    Raises:
        ValueError: A path is malformed, or two routes claim the same path and method.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        upstream: Upstream,
        publish: wire.Publish,
        now: wire.Now,
        new_id: wire.NewId = wire.new_id,
    ) -> None:
        self._rules = rules
        self._upstream = upstream
        self._publish = publish
        self._now = now
        self._new_id = new_id
        self._admissions = {route.name: admission.Admission(route.name, route.guard, now=now) for route in rules.routes}
        self._cache = cache.Cache(now=now)
        self._table = routing.Table((route.path, route.methods, route) for route in rules.routes)

    async def close(self) -> None:
        """End what is fetched in the background."""
        await self._cache.close()

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] != "http":
            await wire.decline(scope, receive, send)
            return
        if self._rules.cors is None:
            await self._answer(scope, receive, send)
            return
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin is not None and _is_preflight(scope):
            await self._preflight(scope, send, origin)
            return
        await self._answer(scope, receive, self._rules.cors.wrap(origin, send))

    async def _answer(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        try:
            route, methods = self._find(scope)
            if route is None:
                await _no_route(scope, send, methods)
                return
            caller = await self._admissions[route.name].admit(scope)
            if route.function is None:
                await self._accept(route, caller, (scope, receive, send))
            else:
                await self._ask(route, route.function, caller, (scope, receive, send))
        except admission.StoppedError as stop:
            await wire.problem(send, stop.status, stop.detail, headers=stop.headers)
        except wire.BadRequest as refusal:
            await wire.problem(send, refusal.status, refusal.detail)
        except bodies.ClientGone:
            return

    async def _ask(self, route: Route, function: str, caller: Caller | None, call: _Call) -> None:
        scope, receive, send = call
        method = scope["method"]
        if method == "HEAD" and "HEAD" not in route.methods:
            # Few web frameworks answer HEAD by themselves: the function is asked for the GET it has.
            method, send = "GET", _bodiless(send)
        forwarded = self._forwarded(scope, method, caller)
        if route.cache is None or method != "GET":
            await self._upstream(function, forwarded, receive, send)
            return
        subject = "" if caller is None else f"{caller.kind} {caller.subject}"
        await self._cache.answer(route.cache, subject, (forwarded, receive, send), partial(self._upstream, function))

    def _find(self, scope: wire.Scope) -> tuple[Route | None, tuple[str, ...]]:
        try:
            path = routing.segments(wire.target(scope))
        except ValueError as error:
            raise wire.BadRequest(400, f"The path is refused: {error}.") from None
        match = self._table.find(path, scope["method"])
        get = self._table.find(path, "GET").entry if "GET" in match.methods else None
        if get is None or get.function is None:  # HEAD is safe (RFC 9110 section 9.2.1), publishing is not.
            return match.entry, match.methods
        entry = get if match.entry is None and scope["method"] == "HEAD" else match.entry
        return entry, tuple(sorted({*match.methods, "HEAD"}))

    async def _preflight(self, scope: wire.Scope, send: wire.Send, origin: bytes) -> None:
        try:
            _, methods = self._find(scope)
        except wire.BadRequest as refusal:
            await wire.problem(send, refusal.status, refusal.detail)
            return
        if not methods or self._rules.cors is None:
            await _no_route(scope, send, methods)
            return
        await wire.respond(send, 204, headers=self._rules.cors.preflight(origin, methods))

    async def _accept(self, route: Route, caller: Caller | None, call: _Call) -> None:
        scope, receive, send = call
        body = await wire.read_body(scope, receive)
        event = self._event(route, caller, scope, body)
        try:
            cloudevents.check(event.attributes)
            await self._publish(event)
        except errors.CloudEventError as error:
            await wire.problem(send, 400, f"The request does not make a CloudEvent: {error}.")
            return
        except errors.StoreError as error:
            await wire.unavailable(send, f"The event was not kept: {error}. Send it again.")
            return
        await wire.respond_json(send, 202, {"id": event.attributes["id"]})

    def _event(
        self, route: Route, caller: Caller | None, scope: wire.Scope, body: bytes
    ) -> cloudevents.Event[bytes | None]:
        headers = scope["headers"]
        key = wire.header(headers, b"idempotency-key")
        attributes: dict[str, str | int | bool] = {
            "specversion": "1.0",
            # A structured-field string has quotes around it, most callers leave them out.
            "id": (key and key.removeprefix('"').removesuffix('"')) or self._new_id(),
            "source": route.publish_source or f"/gateways/{self._rules.app}",
            "type": str(route.publish_type),
            "subject": wire.target(scope).decode(),
            "time": wire.timestamp(self._now()),
        }
        if (partition := wire.header(headers, b"ce-partitionkey")) is not None:
            attributes["partitionkey"] = urllib.parse.unquote(partition)
        if (content_type := wire.media_type(headers, body)) is not None:
            attributes["datacontenttype"] = content_type
        if caller is not None:  # cloudevents/spec extensions/authcontext.md
            attributes |= {"authtype": caller.kind, "authid": caller.subject}
        return cloudevents.Event(attributes, body or None)

    def _forwarded(self, scope: wire.Scope, method: str, caller: Caller | None) -> wire.Scope:
        # What the caller claims about the way here is replaced by what we saw: behind a proxy it is the server's task
        # to put the trusted client and scheme into the scope.
        headers = [item for item in scope["headers"] if item[0] not in _REPLACED]
        if caller is not None:
            headers.append((SUBJECT_HEADER, urllib.parse.quote(caller.subject).encode()))
        if caller is not None and caller.kind == auth.API_KEY_KIND:
            # A function needs to know who calls, not how to call in their name.
            headers = [item for item in headers if item[0] != auth.API_KEY]
        names = dict(headers)
        if scope.get("client"):
            headers.append((b"x-forwarded-for", scope["client"][0].encode()))
        if host := names.get(b"host"):
            headers.append((b"x-forwarded-host", host))
        headers.append((b"x-forwarded-proto", scope.get("scheme", "http").encode()))
        if not _REQUEST_ID.fullmatch(names.get(b"x-request-id", b"")):
            headers = [item for item in headers if item[0] != b"x-request-id"]
            headers.append((b"x-request-id", self._new_id().encode()))
        return {**scope, "method": method, "headers": headers}


def _is_preflight(scope: wire.Scope) -> bool:
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


async def _no_route(scope: wire.Scope, send: wire.Send, methods: tuple[str, ...]) -> None:
    path = wire.target(scope).decode("latin-1")
    if not methods:
        await wire.problem(send, 404, f"No route has the path {path}.")
        return
    allow = ", ".join(methods)
    detail = f"{path} does not have the method {scope['method']}; it has {allow}."
    await wire.problem(send, 405, detail, headers=[(b"allow", allow.encode())])


def _bodiless(send: wire.Send) -> wire.Send:
    """A `send` that keeps the head of an answer and drops its body."""

    async def head_only(message: wire.Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
        elif not message.get("more_body", False):
            await send({"type": "http.response.body", "body": b""})

    return head_only
