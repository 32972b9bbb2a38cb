"""Which route a path belongs to. Pure: no ASGI, no I/O.

What holds here:

* A path is compared segment by segment, each percent-decoded once: ``%2F`` never splits a segment.
* ``{name}`` stands for one segment that is not empty, ``{name...}`` at the end for the rest, which may be empty:
  ``/files/{path...}`` has ``/files/`` but not ``/files``. A trailing slash is an empty segment: ``/a`` is not ``/a/``.
* Of the routes that match a path and a method the most literal one wins: from the left, a literal segment beats
  ``{name}``, and ``{name}`` beats ``{name...}``. Two routes of equal rank cannot both be in a table.
"""

from __future__ import annotations

import enum
import re
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")
_NAME = re.compile(r"\{[A-Za-z_]\w*(\.\.\.)?\}", re.ASCII)
_SEPARATORS = re.compile(r"[/\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DOTS = frozenset({".", ".."})


class Kind(enum.IntEnum):
    """What a segment of a pattern matches; the lower the more literal."""

    LITERAL = 0
    ONE = 1
    REST = 2


Segment = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """What a table says of a path.

    Attributes:
        entry: What was found for the method, None where there is nothing.
        methods: The methods that the path has, sorted; empty where the path is unknown.
    """

    entry: T | None
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row(Generic[T]):
    pattern: tuple[Segment, ...]
    entries: dict[str, T]

    def matches(self, path: tuple[str, ...]) -> bool:
        rest = bool(self.pattern) and self.pattern[-1][0] is Kind.REST
        if len(path) < len(self.pattern) if rest else len(path) != len(self.pattern):
            return False
        return all(
            segment == literal if kind is Kind.LITERAL else kind is Kind.REST or segment
            for (kind, literal), segment in zip(self.pattern, path, strict=False)
        )


def segments(path: bytes) -> tuple[str, ...]:
    """The decoded segments of a path as it was sent.

    Raises:
        ValueError: The path is not one to hand on: not ASCII with UTF-8 percent-encoding, control characters, or
            ``.`` and ``..`` in any encoding, which somebody behind us might resolve.
    """
    try:
        text = path.decode("ascii")
        parts = tuple(urllib.parse.unquote(part, errors="strict") for part in text.split("/")[1:])
    except UnicodeDecodeError:
        raise ValueError("it is not percent-encoded UTF-8") from None
    if not text.startswith("/"):
        raise ValueError("it does not begin with /")
    for part in parts:
        if _CONTROL.search(part):
            raise ValueError("it holds control characters")
        if "." in part and not _DOTS.isdisjoint(_SEPARATORS.split(part)):
            raise ValueError("it holds the segment . or ..")
    return parts


def pattern(path: str) -> tuple[Segment, ...]:
    """The segments of a route's path; ValueError where it is malformed."""
    found: list[Segment] = []
    for part in path.removeprefix("/").split("/"):
        if found and found[-1][0] is Kind.REST:
            raise ValueError(f"{path}: {{name...}} stands for the rest, so nothing can follow it")
        if not {"{", "}"} & set(part):
            found.append((Kind.LITERAL, urllib.parse.unquote(part)))
        elif match := _NAME.fullmatch(part):
            found.append((Kind.REST if match[1] else Kind.ONE, ""))
        else:
            raise ValueError(f"{path}: write a whole segment as {{name}}, not {part!r}")
    return tuple(found)


class Table(Generic[T]):
    """Entries by path and method.

    Raises:
        ValueError: A path is malformed, or two entries claim the same path and method.
    """

    def __init__(self, entries: Iterable[tuple[str, Iterable[str], T]]) -> None:
        rows: dict[tuple[Segment, ...], _Row[T]] = {}
        for path, methods, entry in entries:
            shape = pattern(path)
            row = rows.setdefault(shape, _Row(shape, {}))
            for method in methods:
                if method in row.entries:
                    raise ValueError(f"two routes claim {method} {path}")
                row.entries[method] = entry
        # A wholly literal row beats every other row that matches the same path, so one look-up finds it.
        self._literal = {tuple(text for _, text in row.pattern): row for row in rows.values() if _is_literal(row)}
        self._others = sorted((row for row in rows.values() if not _is_literal(row)), key=_rank)

    def find(self, path: tuple[str, ...], method: str) -> Match[T]:
        """The most literal entry that has this path and method."""
        literal = self._literal.get(path)
        if literal is not None and method in literal.entries:
            return Match(literal.entries[method], tuple(sorted(literal.entries)))
        rows = [*([literal] if literal else []), *(row for row in self._others if row.matches(path))]
        entry = next((row.entries[method] for row in rows if method in row.entries), None)
        return Match(entry, tuple(sorted({name for row in rows for name in row.entries})))


def _is_literal(row: _Row[T]) -> bool:
    return all(kind is Kind.LITERAL for kind, _ in row.pattern)


def _rank(row: _Row[T]) -> tuple[Kind, ...]:
    return tuple(kind for kind, _ in row.pattern)
