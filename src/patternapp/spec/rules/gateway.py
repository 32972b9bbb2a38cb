"""The gateway's options against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.spec.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.spec.v1alpha1 import PatternApp

CACHEABLE = ("GET", "HEAD")
NO_ANSWER = "a route that publishes has no answer to keep; remove cache"
CREDENTIALS = "browsers refuse credentials together with the origin *; list the origins"


def credentials(app: PatternApp) -> Iterator[Flaw]:
    """Browsers refuse credentials for every origin (Fetch, "CORS protocol and credentials")."""
    cors = app.spec.gateway.cors if app.spec.gateway else None
    if cors is not None and cors.credentials and "*" in cors.origins:
        yield Flaw(("spec", "gateway", "cors", "credentials"), "Exclusive", CREDENTIALS)


def caches(app: PatternApp) -> Iterator[Flaw]:
    """Only a function's answers to GET and HEAD are kept."""
    for index, route in enumerate(app.spec.gateway.routes if app.spec.gateway else ()):
        if route.cache is None:
            continue
        path = ("spec", "gateway", "routes", index, "cache")
        if route.function is None:
            yield Flaw(path, "CacheNotPossible", NO_ANSWER)
        elif not any(method in CACHEABLE for method in route.methods):
            message = f"answers to {', '.join(route.methods)} are not kept; remove cache, or add GET to methods"
            yield Flaw(path, "CacheNotPossible", message)
