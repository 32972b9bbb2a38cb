"""`Receiver`: a FastAPI application with handlers of events beside its routes.

What holds here: FastAPI is most of the time that a function needs to start, and a function that only handles events
has no use for it. So a receiver begins without, and becomes a FastAPI application, in place and for good, as soon as
anything of FastAPI's is asked of it: a route, an option, a middleware, a request that is neither event nor probe.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from patternapp.http import answers
from patternapp.receiver import handlers, hosting
from patternapp.receiver.deadline import Deadline
from patternapp.receiver.dispatch import ANY, Dispatch
from patternapp.receiver.endpoint import Endpoint
from patternapp.receiver.health import Health

if TYPE_CHECKING:
    import fastapi
    from starlette.types import ASGIApp, Receive, Scope, Send

    from patternapp.receiver.idempotency.once import Once
    from patternapp.receiver.idempotency.settings import Idempotency
    from patternapp.receiver.steps import Step

    _Base = fastapi.FastAPI
else:
    _Base = object

F = TypeVar("F", bound=Callable[..., Any])

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of a body: twice what a Broker takes (1 MiB), because data that is not JSON grows by a third in a batch."""
ASYNCAPI = "/asyncapi.json"
_SHADOWED = "POST / is where events arrive, so a route for it is never called: move the route to another path"
_SAID_ONLY = frozenset({"title", "summary", "description", "version"})
"""Options that only documents show."""


class Receiver(_Base):
    """A FastAPI application that receives CloudEvents at ``POST /``, in every mode.

    ::

        app = Receiver()

        @app.on("shop.order.placed", reply="shop.mail.sent")
        async def send_mail(order: Order) -> MailSent | None: ...

    The events pass the application's middleware, but not FastAPI's routing. ``GET /healthz`` and ``GET /readyz`` are
    answered as well. It is an instance of `fastapi.FastAPI` once anything of that was used.

    Args:
        source: The source of reply events; ``/functions/`` and the Knative Service's name (or the title) by default.
        max_body_size: Bytes that a body may have, of events and routes alike; a larger one is answered 413.
        idempotency: Where to keep which events were handled, so that each is once: a URL, or `Idempotency` with
            more to say. Without it, an event that is delivered again is handled again.
        options: All that `fastapi.FastAPI` takes.
    """

    def __init__(
        self,
        *,
        source: str | None = None,
        max_body_size: int = BODY_LIMIT,
        idempotency: str | Idempotency | None = None,
        **options: Any,
    ) -> None:
        self._whole = False
        name = os.environ.get("K_SERVICE") or options.get("title", "FastAPI")
        self._options = {"max_body_size": max_body_size, **options}
        self._dispatch = Dispatch(source=source or f"/functions/{name}")
        self._once = None if idempotency is None else _once(self._dispatch, idempotency)
        self._endpoint = Endpoint(self._once or self._dispatch, limit=max_body_size)
        self._health = Health()
        self._events: ASGIApp | None = None
        if not options.keys() <= _SAID_ONLY:
            self._become_fastapi()

    def on(self, type_: str = ANY, *, reply: str | None = None) -> Callable[[F], F]:
        """Hand events of this type to the function, one at a time; without a type, those that no other handler takes.

        Parameters are filled by their annotations: a pydantic model, or anything else that pydantic reads, gets the
        data; `Event` (or ``Event[Model]``) and the SDK's CloudEvent get the event. A coroutine function runs in the
        event loop, any other in a thread. None means done; an event is the reply; any other value becomes the data
        of a reply of the type `reply`. `Reject` and `Retry` say what else there is to say.

        Raises:
            TypeError: The function's signature is unclear.
            ValueError: Events of this type have a handler already.
        """
        _check_type(type_)

        def decorate(function: F) -> F:
            self._dispatch.add(type_, handlers.of_event(function, reply=reply))
            return function

        return decorate

    def on_batch(self, type_: str = ANY) -> Callable[[F], F]:
        """Hand events of this type to the function as a list.

        Its one parameter is a ``list[Event[Model]]``; events whose data is no such model fail by themselves. None
        means that all are done, `Failures` names those that are not; `Reject` and `Retry` mean all. A single event
        comes as a list of one. Raises as `on` does.
        """
        _check_type(type_)

        def decorate(function: F) -> F:
            self._dispatch.add(type_, handlers.of_batch(function))
            return function

        return decorate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if scope["method"] == "POST":
                if path == "/" or path == f"{scope.get('root_path', '')}/":
                    await (self._events or self._with_middleware())(scope, receive, send)
                    return
            elif scope["method"] == "GET" and (answer := self._health.answer(path) or self._document(path)) is not None:
                await answers.send_answer(answer, send)
                return
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if not self._whole:
            # In a thread, for the sake of those who are being answered meanwhile.
            await asyncio.to_thread(importlib.import_module, "fastapi")
            self._become_fastapi()
        await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the routes and of ``POST /``, which FastAPI shows at its usual places."""
        if not self._whole:
            self._become_fastapi()
        from patternapp.receiver import describe  # noqa: PLC0415 - only for who asks

        document = super().openapi()
        describe.add_unreadable(document)
        if self._dispatch.handlers:
            describe.add_events(document, self._dispatch.handlers)
        return document

    def asyncapi(self) -> dict[str, Any]:
        """The AsyncAPI 3.0 document of the events that are handled; ``GET /asyncapi.json`` is answered with it."""
        from patternapp.receiver import describe  # noqa: PLC0415 - only for who asks

        title = self._options.get("title") or os.environ.get("K_SERVICE", "Receiver")
        info = {"title": title, "version": self._options.get("version", "0.1.0")}
        if "description" in self._options:
            info["description"] = self._options["description"]
        return describe.asyncapi(info, self._dispatch.handlers)

    def _document(self, path: str) -> answers.Answer | None:
        if path != ASYNCAPI or self._options.get("openapi_url", True) is None:
            return None
        return answers.content(json.dumps(self.asyncapi()).encode(), [("content-type", "application/json")])

    def __getattr__(self, name: str) -> Any:
        # Only asked for what is not there: all of FastAPI's, as long as this is none.
        if name.startswith("_") or self._whole:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._become_fastapi()
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name.startswith("_") or self._whole):
            self._become_fastapi()
        super().__setattr__(name, value)

    def _become_fastapi(self) -> None:
        import fastapi  # noqa: PLC0415 - see above

        self._whole = True
        own = type(self)
        self.__class__ = type(own.__name__, (own, fastapi.FastAPI), {"__module__": own.__module__})
        fastapi.FastAPI.__init__(self, **self._options)
        # Never called, but known, so that another method is answered 405.
        endpoint: Any = self._endpoint
        self.router.add_route("/", endpoint, methods=["POST"], include_in_schema=False)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._whole and self._shadows_a_route():
            await receive()
            await send({"type": "lifespan.startup.failed", "message": _SHADOWED})
            return
        host = hosting.of(scope)
        self._dispatch.deadline = Deadline(host.timeout)
        step: Step = self._once or self._dispatch
        if self._once is not None:
            self._once.repeated = host.repeated
        for around in host.around:
            step = around(step, self._dispatch.types)
        self._endpoint.step, self._endpoint.refused = step, host.refused
        try:
            await self._health.lifespan(super().__call__ if self._whole else _nothing, scope, receive, send)
        finally:
            if self._once is not None:
                await self._once.close()

    def _shadows_a_route(self) -> bool:
        return any(
            getattr(route, "path", None) == "/"
            and "POST" in (getattr(route, "methods", None) or ())
            and getattr(route, "endpoint", None) is not self._endpoint
            for route in self.routes
        )

    def _with_middleware(self) -> ASGIApp:
        app: ASGIApp = self._endpoint
        for middleware in reversed(self.__dict__.get("user_middleware", ())):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        self._events = app
        return app


async def _nothing(_: Scope, receive: Receive, send: Send) -> None:
    """The lifespan of an application that has nothing to set up."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _once(dispatch: Dispatch, wanted: str | Idempotency) -> Once:
    from patternapp.receiver.idempotency import once, settings  # noqa: PLC0415 - only who wants it pays for it

    told = settings.Idempotency(store=wanted) if isinstance(wanted, str) else wanted
    kept = settings.open_store(told.store)
    return once.Once(dispatch, kept, scope=dispatch.source, keep=told.keep, lease=told.lease)


def _check_type(type_: object) -> None:
    if not isinstance(type_, str) or not type_:
        raise TypeError(
            f'a handler is declared with the type of its events: @app.on("shop.order.placed"), not {type_!r}'
        )
