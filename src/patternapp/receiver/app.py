"""`Receiver`: a FastAPI application with handlers of events beside its routes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import fastapi

from patternapp.receiver import answers, handlers
from patternapp.receiver.dispatch import ANY, Dispatch
from patternapp.receiver.endpoint import Endpoint
from patternapp.receiver.health import Health

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

F = TypeVar("F", bound=Callable[..., Any])

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of a body: twice what a Broker takes (1 MiB), because data that is not JSON grows by a third in a batch."""
_SHADOWED = "POST / is where events arrive, so a route for it is never called: move the route to another path"


class Receiver(fastapi.FastAPI):
    """A FastAPI application that receives CloudEvents at ``POST /``, in every mode.

    ::

        app = Receiver()

        @app.on("shop.order.placed", reply="shop.mail.sent")
        async def send_mail(order: Order) -> MailSent | None: ...

    The events pass the application's middleware, but not FastAPI's routing. ``GET /healthz`` and ``GET /readyz`` are
    answered as well.

    Args:
        source: The source of reply events; ``/functions/`` and the Knative Service's name (or the title) by default.
        max_body_size: Bytes that a body may have, of events and routes alike; a larger one is answered 413.
        options: All that `fastapi.FastAPI` takes.
    """

    def __init__(self, *, source: str | None = None, max_body_size: int = BODY_LIMIT, **options: Any) -> None:
        super().__init__(max_body_size=max_body_size, **options)
        name = os.environ.get("K_SERVICE") or self.title
        self._dispatch = Dispatch(source=source or f"/functions/{name}")
        self._endpoint = Endpoint(self._dispatch, limit=max_body_size)
        self._health = Health()
        self._events: ASGIApp | None = None

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
            elif scope["method"] == "GET" and (answer := self._health.answer(path)) is not None:
                await answers.send_answer(answer, send)
                return
        elif scope["type"] == "lifespan":
            if self._shadows_a_route():
                await receive()
                await send({"type": "lifespan.startup.failed", "message": _SHADOWED})
                return
            await self._health.lifespan(super().__call__, scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    def _shadows_a_route(self) -> bool:
        return any(
            getattr(route, "path", None) == "/" and "POST" in (getattr(route, "methods", None) or ())
            for route in self.routes
        )

    def _with_middleware(self) -> ASGIApp:
        app: ASGIApp = self._endpoint
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        self._events = app
        return app


def _check_type(type_: object) -> None:
    if not isinstance(type_, str) or not type_:
        raise TypeError(
            f'a handler is declared with the type of its events: @app.on("shop.order.placed"), not {type_!r}'
        )
