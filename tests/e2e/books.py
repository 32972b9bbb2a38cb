"""What functions wrote down: the other side of `functions/tally.py`, in the Redis beside the cluster."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.stack import state


class Book:
    """The names of events in the order in which functions were done with them, one for each time.

    Args:
        address: ``address:port`` of Redis, as Pods and this process know it.
        key: Where in it.
    """

    def __init__(self, address: str, key: str) -> None:
        self._url, self._key = f"redis://{address}/0", key
        self._redis: Any = redis.Redis.from_url(self._url, decode_responses=True)

    def env(self, **more: str) -> str:
        """The variables of a function that writes into it, as YAML."""
        variables = {"TALLY_URL": self._url, "TALLY": self._key, **more}
        return json.dumps([{"name": name, "value": value} for name, value in variables.items()])

    def __len__(self) -> int:
        return int(self._redis.llen(self._key))

    def names(self) -> list[str]:
        """The events' ids."""
        return [line.split()[0] for line in self._lines()]

    def pods(self) -> set[str]:
        """The Pods that wrote."""
        return {line.split()[1] for line in self._lines()}

    def _lines(self) -> list[str]:
        lines: list[str] = self._redis.lrange(self._key, 0, -1)
        return lines

    def close(self) -> None:
        """Tear it up."""
        kept = list(self._redis.scan_iter(f"{self._key}*"))
        if kept:
            self._redis.delete(*kept)
        self._redis.close()


@contextlib.contextmanager
def opened(stack: state.Stack) -> Iterator[Book]:
    """An empty book, torn up at the end."""
    book = Book(stack.redis, f"e2e:{uuid.uuid4().hex}")
    try:
        yield book
    finally:
        book.close()
