"""From what a user declares about a route to what the gateway does about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import durations
from patternapp_services.gateway import admission, auth, caching, cors, keys, throttle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import aiohttp

    from patternapp.spec import gateway as spec_gateway


class Guards:
    """Makes the guards of one gateway: routes with the same identity provider share its keys."""

    def __init__(self, *, secrets: Path, session: Callable[[], aiohttp.ClientSession]) -> None:
        """`secrets` is where Secrets are mounted; `session` gives what fetches keys, when they are first needed."""
        self._secrets, self._session = secrets, session
        self._keys: dict[str, keys.PublishedKeys] = {}

    def guard(self, wish: spec_gateway.Auth | None, limit: spec_gateway.Throttle | None) -> admission.Guard:
        """What a route asks of its callers."""
        return admission.Guard(
            proof=None if wish is None else self._proof(wish),
            limit=None if limit is None else _limit(limit),
            whose="subject" if limit is None else limit.key,
        )

    def _proof(self, wish: spec_gateway.Auth) -> auth.Proof:
        if wish.api_keys is not None:
            return auth.ApiKeys(self._secrets / wish.api_keys.secret_name)
        if wish.jwt is None:
            raise TypeError("a route's auth has neither jwt nor apiKeys; its model refuses that")
        uri = wish.jwt.jwks_uri
        published = self._keys.setdefault(uri, keys.PublishedKeys(uri, session=self._session))
        return auth.Tokens(issuer=wish.jwt.issuer, audience=wish.jwt.audience, keys=published)


def pages(wish: spec_gateway.Cors | None) -> cors.Cors | None:
    """Which web pages may call."""
    if wish is None:
        return None
    return cors.Cors(
        origins=wish.origins,
        headers=wish.headers,
        credentials=wish.credentials,
        max_age=durations.seconds(wish.max_age),
    )


def _limit(limit: spec_gateway.Throttle) -> throttle.Limit:
    burst = limit.limit if limit.burst is None else limit.burst
    return throttle.Limit(requests=limit.limit, period=durations.seconds(limit.period), burst=burst)


def rule(route: str, cache: spec_gateway.Cache | None) -> caching.Rule | None:
    """How long a route's answers are kept."""
    if cache is None:
        return None
    stale = cache.stale_while_revalidate
    return caching.Rule(
        route=route,
        ttl=durations.seconds(cache.ttl),
        stale=0.0 if stale is None else durations.seconds(stale),
        vary=tuple(name.lower() for name in cache.vary),
    )
