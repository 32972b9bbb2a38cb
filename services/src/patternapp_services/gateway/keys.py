"""The public keys of an identity provider, fetched from where it publishes them (RFC 7517).

What holds here:

* Keys are fetched when they are first needed, when they are old, and when a token names one that is not known; never
  more often than every `PAUSE`, so that nobody can make us call the provider for each request.
* While the provider is away, keys that were known stay good for `LONGEST`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import jwt

from patternapp_services.gateway import auth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FRESH = 600.0
"""Seconds after which keys are fetched again."""
LONGEST = 24 * 3600.0
"""Seconds that keys are good for while the provider does not answer."""
PAUSE = 10.0
"""Seconds between two fetches at least."""
WITHIN = 5.0
"""Seconds that the provider may take."""
LIMIT = 256 * 1024
"""Bytes of a key set."""
_log = logging.getLogger(__name__)


class Keys(Protocol):
    """Finds the key that a token's header names."""

    async def key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        """The key.

        Raises:
            jwt.InvalidTokenError: The provider has no such key.
            auth.UnavailableError: The provider does not answer and no key is known.
        """


class PublishedKeys:
    """The keys at an address."""

    def __init__(
        self, uri: str, *, session: Callable[[], aiohttp.ClientSession], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`session` gives the session when the first request comes, as it needs the loop."""
        self._uri, self._session, self._clock = uri, session, clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched = self._tried = float("-inf")
        self._fault = ""
        self._one = asyncio.Lock()

    async def key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        kid = header.get("kid")
        if self._old() or self._find(kid) is None:
            await self._refresh(kid)
        found = self._find(kid)
        if found is not None:
            return found
        if not self._keys:
            raise auth.UnavailableError(f"the keys at {self._uri} could not be fetched: {self._fault}")
        raise jwt.InvalidTokenError("The provider has no such key")

    def _find(self, kid: object) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if isinstance(kid, str) else None

    def _old(self) -> bool:
        return self._clock() - self._fetched > FRESH

    async def _refresh(self, kid: object) -> None:
        async with self._one:
            # Whoever waited here finds that another one fetched.
            if not (self._old() or self._find(kid) is None) or self._clock() - self._tried < PAUSE:
                return
            self._tried = self._clock()
            try:
                self._keys = await self._fetch()
                self._fetched = self._clock()
            except (aiohttp.ClientError, TimeoutError, ValueError, jwt.PyJWTError) as error:
                self._fault = str(error) or type(error).__name__
                _log.warning("the keys at %s could not be fetched: %s", self._uri, self._fault)
                if self._clock() - self._fetched > LONGEST:
                    self._keys = {}

    async def _fetch(self) -> dict[str | None, jwt.PyJWK]:
        async with asyncio.timeout(WITHIN):
            # A redirect could lead into the cluster.
            async with self._session().get(self._uri, allow_redirects=False) as answer:
                content = await answer.content.read(LIMIT + 1)
                while len(content) <= LIMIT and not answer.content.at_eof():
                    content += await answer.content.read(LIMIT + 1 - len(content))
        if answer.status != 200 or len(content) > LIMIT:
            raise ValueError(f"the answer is {answer.status} with {len(content)} bytes; 200 and a key set is wanted")
        found = jwt.PyJWKSet.from_json(content.decode())
        return {key.key_id: key for key in found.keys if key.public_key_use in {None, "sig"}}
