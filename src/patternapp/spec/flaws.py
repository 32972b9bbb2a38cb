"""One thing wrong with a document, before anybody knows in which file it stands."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str | int, ...]
"""Keys and indexes from the root of a document down."""
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong.

    Attributes:
        path: Where.
        reason: A stable CamelCase word for programs.
        message: What is wrong and the mend, for people.
        line: The 1-based line, where it is another than that of `path`.
    """

    path: Path
    reason: str
    message: str
    line: int = 0


def dotted(path: Path) -> str:
    """A path as people write it, such as ``spec.queues[0].batch.max``; the whole document is ``document``."""
    text = "".join(_step(part) for part in path).removeprefix(".")
    return text or "document"


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN_KEY.fullmatch(part) else f"[{shown(part)}]"


def shown(text: str) -> str:
    """A text in quotes, shortened, with nothing in it that a terminal would obey."""
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")


def within(path: Path, other: Path) -> bool:
    """Whether `path` is `other` or lies inside it."""
    return path[: len(other)] == other


def nearest(word: str, known: Iterable[str]) -> str:
    """A mend for an unknown word: the known one that is near, else all of them."""
    words = list(dict.fromkeys(known))
    near = difflib.get_close_matches(word[:_LONGEST], words, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known here: {', '.join(words)}"
