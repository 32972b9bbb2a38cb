"""The one port: looks at a path and hands the request to whom it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patternapp_services import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from patternapp.runtime.web.guard import Guard

    ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class FrontDoor:
    """An ASGI app over the others.

    Args:
        guard: Protects `ours`.
        ours: Our own endpoints by their path's first segment, such as ``/api``.
        webhooks: The webhook app and the exact paths it owns.
        gateway: Everything else; None where the app declares no gateway.
    """

    def __init__(
        self,
        *,
        guard: Guard,
        ours: Mapping[str, ASGIApp],
        webhooks: tuple[ASGIApp, frozenset[str]],
        gateway: ASGIApp | None,
    ) -> None:
        self._guard = guard
        self._ours = ours
        self._webhooks, self._webhook_paths = webhooks
        self._gateway = gateway

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        """Serve one request; websockets are not served."""
        if scope["type"] != "http":
            await wire.decline(scope, receive, send)
            return
        path: str = scope["path"]
        own = self._ours.get("/" + path[1:].partition("/")[0])
        if own is not None:
            refusal = self._guard.refusal(scope["method"], path, dict(scope["headers"]))
            if refusal is not None:
                await wire.problem(send, *refusal)
                return
            await own(scope, receive, send)
        elif path in self._webhook_paths:
            await self._webhooks(scope, receive, send)
        elif self._gateway is not None:
            await self._gateway(scope, receive, send)
        else:
            await wire.problem(send, 404, "this app declares no gateway; events go to /events, and /api lists the rest")
