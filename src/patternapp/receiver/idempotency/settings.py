"""What a receiver is told about idempotency, and which store a URL names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib import parse

from patternapp.receiver.idempotency import once

if TYPE_CHECKING:
    from patternapp.receiver.idempotency.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """Each event is handled once, by its source and id.

    Attributes:
        store: Where this is kept, a `Store` or a URL: ``memory:``, ``sqlite:///path`` (``sqlite:////absolute``),
            ``postgresql://user:password@host/database`` or ``redis://host:port/0``.
        keep: Seconds that an outcome is known; longer than anybody delivers the same event again.
        lease: Seconds after which the claim of a process that crashed runs out; longer than an event loop ever halts.
    """

    store: str | Store
    keep: float = once.KEEP
    lease: float = once.LEASE


def open_store(place: str | Store) -> Store:
    """The store that this is, or that this URL names. Nothing is connected yet.

    Raises:
        ValueError: No store is called so.
        ImportError: Its client is not installed; the message says which extra has it.
    """
    if not isinstance(place, str):
        return place
    scheme = parse.urlsplit(place).scheme
    if scheme == "memory":
        from patternapp.receiver.idempotency import memory  # noqa: PLC0415 - each client only where it is used

        return memory.MemoryStore()
    if scheme == "sqlite":
        from patternapp.receiver.idempotency import sqlite  # noqa: PLC0415 - as above

        return sqlite.SqliteStore(Path(parse.unquote(parse.urlsplit(place).path).removeprefix("/")))
    try:
        if scheme in {"postgresql", "postgres"}:
            from patternapp.receiver.idempotency import postgres  # noqa: PLC0415 - as above

            return postgres.PostgresStore(place)
        if scheme in {"redis", "rediss"}:
            from patternapp.receiver.idempotency import redis  # noqa: PLC0415 - as above

            return redis.RedisStore(place)
    except ModuleNotFoundError as error:
        extra = "postgres" if scheme.startswith("postgres") else "redis"
        raise ImportError(f"{error}; install patternapp[receiver,{extra}]") from error
    # The text may have a password, so it is not shown.
    raise ValueError("idempotency is kept in memory:, sqlite:///path, postgresql://... or redis://..., nowhere else")
