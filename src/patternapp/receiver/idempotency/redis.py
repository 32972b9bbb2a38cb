"""Claims in Redis or Valkey: shared by every process that knows the server, as durable as that is set up to be.

What holds here: a key is a string: ``C``, the token and the digest while it is claimed; ``D``, the length of the digest
as a byte, the digest and the outcome once it is settled. Redis forgets it when its time is over. Scripts change it in
one step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis as client
import redis.asyncio as async_client

from patternapp import errors
from patternapp.receiver.idempotency import store

if TYPE_CHECKING:
    from collections.abc import Awaitable

PREFIX = b"patternapp:handled:"
TIMEOUT = 5.0
"""Seconds to connect, and for an answer."""
_CLAIMED = b"C"
_CLAIM = """
    local found = redis.call('GET', KEYS[1])
    if not found then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
    return found
"""
_IF_HELD = "local found = redis.call('GET', KEYS[1]) if not found or found:sub(1, 13) ~= ARGV[1] then return 0 end "
_RENEW = _IF_HELD + "return redis.call('PEXPIRE', KEYS[1], ARGV[2])"
_SETTLE = (
    _IF_HELD
    + """
    local digest = found:sub(14)
    redis.call('SET', KEYS[1], 'D' .. string.char(#digest) .. digest .. ARGV[3], 'PX', ARGV[2])
    return 1
"""
)
_RELEASE = _IF_HELD + "return redis.call('DEL', KEYS[1])"
_DIGEST_AT = 13
"""Where the digest begins in a claim: behind the letter and the twelve bytes of the token."""


class RedisStore:
    """A `Store` in Redis.

    Args:
        url: ``redis://host:port/0``, or ``rediss://`` for TLS.
    """

    def __init__(self, url: str) -> None:
        self._redis: Any = async_client.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)

    async def claim(self, key: bytes, *, digest: bytes, lease: float) -> store.Claim | store.Held | store.Recorded:
        claim = store.new_claim(key)
        found = await self._run(_CLAIM, key, _CLAIMED + claim.token + digest, _milliseconds(lease))
        if found is None:
            return claim
        if found[:1] == _CLAIMED:
            return store.Held(found[_DIGEST_AT:])
        end = 2 + found[1]
        return store.Recorded(found[2:end], found[end:])

    async def renew(self, claim: store.Claim, *, lease: float) -> None:
        await self._change(_RENEW, claim, _milliseconds(lease))

    async def settle(self, claim: store.Claim, outcome: bytes, *, keep: float) -> None:
        await self._change(_SETTLE, claim, _milliseconds(keep), outcome)

    async def release(self, claim: store.Claim) -> None:
        await self._run(_RELEASE, claim.key, _CLAIMED + claim.token)

    async def close(self) -> None:
        await self._redis.aclose()

    async def _change(self, script: str, claim: store.Claim, *values: bytes | int) -> None:
        if not await self._run(script, claim.key, _CLAIMED + claim.token, *values):
            raise errors.LeaseLost("the claim ran out, or was settled")

    async def _run(self, script: str, key: bytes, *values: bytes | int) -> Any:
        try:
            answer: Awaitable[Any] = self._redis.eval(script, 1, PREFIX + key, *values)
            return await answer
        except (client.RedisError, OSError) as error:
            raise _away(error) from error


def _away(error: Exception) -> errors.StoreError:
    return errors.StoreError(f"Redis does not take claims: {error}")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
