"""Pattern: API gateway. One address; each route calls a function or publishes an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.plan.model import BROKER, Gateway, Part, Route

if TYPE_CHECKING:
    from patternapp.spec import gateway as spec_gateway
    from patternapp.spec import v1alpha1

PATTERN = "gateway"


def part(spec: v1alpha1.Spec) -> Part:
    """The Gateway and a Route for each of its routes; nothing where the app has no gateway."""
    gateway = spec.gateway
    if gateway is None:
        return Part()
    return Part(
        nodes=(Gateway(host=gateway.host, cors=gateway.cors, auth=gateway.auth),),
        edges=tuple(_route(route, gateway.auth) for route in gateway.routes),
    )


def _route(route: spec_gateway.Route, default: spec_gateway.Auth | None) -> Route:
    return Route(
        key=f"{PATTERN}/{route.name}",
        name=route.name,
        path=route.path,
        methods=route.methods,
        head=BROKER if route.function is None else f"function/{route.function}",
        publish=route.publish,
        throttle=route.throttle,
        cache=route.cache,
        auth=_auth(route, default),
    )


def _auth(route: spec_gateway.Route, default: spec_gateway.Auth | None) -> spec_gateway.Auth | None:
    match route.auth:
        case None:
            return default
        case "none":
            return None
        case own:
            return own
