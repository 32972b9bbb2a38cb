"""Claims in the memory of one process: nothing is shared, and nothing outlives it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from patternapp import errors
from patternapp.receiver.idempotency import store

LIMIT = 100_000
"""Outcomes that are remembered; the oldest go first."""


@dataclass(slots=True)
class _Entry:
    claim: store.Claim
    digest: bytes
    expires: float
    outcome: bytes | None = None


class MemoryStore:
    """A `Store` for functions that run as one process, and for tests."""

    def __init__(self) -> None:
        self._entries: dict[bytes, _Entry] = {}

    async def claim(self, key: bytes, *, digest: bytes, lease: float) -> store.Claim | store.Held | store.Recorded:
        now = time.monotonic()
        entry = self._entries.get(key)
        if entry is not None and entry.expires > now:
            if entry.outcome is None:
                return store.Held(entry.digest)
            return store.Recorded(entry.digest, entry.outcome)
        self._entries.pop(key, None)
        self._forget(now)
        claim = store.new_claim(key)
        self._entries[key] = _Entry(claim, digest, now + lease)
        return claim

    async def renew(self, claim: store.Claim, *, lease: float) -> None:
        self._held(claim).expires = time.monotonic() + lease

    async def settle(self, claim: store.Claim, outcome: bytes, *, keep: float) -> None:
        entry = self._held(claim)
        entry.outcome = outcome
        entry.expires = time.monotonic() + keep

    async def release(self, claim: store.Claim) -> None:
        entry = self._entries.get(claim.key)
        if entry is not None and entry.claim == claim and entry.outcome is None:
            del self._entries[claim.key]

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _held(self, claim: store.Claim) -> _Entry:
        entry = self._entries.get(claim.key)
        if entry is None or entry.claim != claim or entry.outcome is not None or entry.expires <= time.monotonic():
            raise errors.LeaseLost("the claim ran out, or was settled")
        return entry

    def _forget(self, now: float) -> None:
        if len(self._entries) < LIMIT:
            return
        kept = {key: entry for key, entry in self._entries.items() if entry.expires > now}
        settled = (key for key, entry in kept.items() if entry.outcome is not None)
        for key in list(settled)[: len(kept) - LIMIT * 9 // 10]:
            del kept[key]
        self._entries = kept
