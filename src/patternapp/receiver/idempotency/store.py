"""What a store of handled events promises. One suite, `tests/contract/test_claims.py`, holds every store to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to handle an event. Its token is its own, so that a holder whose lease ran out cannot settle."""

    key: bytes
    token: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody has a claim on an event with this digest."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with this digest was handled, with this outcome."""

    digest: bytes
    outcome: bytes


class Store(Protocol):
    """Claims and outcomes by key, shared by all processes that are given the same place.

    Every method raises `StoreError` when the store is away or refuses. Keys and digests are short; an outcome may have
    some MiB. Nothing is connected before the first call, and everything after `close` can be called again.
    """

    async def claim(self, key: bytes, *, digest: bytes, lease: float) -> Claim | Held | Recorded:
        """Claim the key for so many seconds, unless it is held or recorded. Of callers at once, one gets it."""

    async def renew(self, claim: Claim, *, lease: float) -> None:
        """Hold it for so many seconds from now. Raises `LeaseLost` where it ran out or was settled."""

    async def settle(self, claim: Claim, outcome: bytes, *, keep: float) -> None:
        """Record the outcome for so many seconds. Raises `LeaseLost`, and records nothing, as `renew` does."""

    async def release(self, claim: Claim) -> None:
        """Give it back: the key is as if never claimed. A claim that was lost is left alone."""

    async def close(self) -> None:
        """Let go of connections and files."""


def new_claim(key: bytes) -> Claim:
    """A claim with a token that no other has."""
    return Claim(key, secrets.token_bytes(12))
