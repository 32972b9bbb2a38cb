"""YAML text to plain data, with the line of everything in it. What is dangerous or ambiguous is refused, not guessed.

What holds here:

* Never another error than flaws, and never much time: the text is limited in bytes, the documents in nodes and levels,
  and reading stops at the first limit. The parser hands over events, so nothing nested or huge is ever built.
* The result is JSON: objects with text keys, lists, texts, finite numbers, booleans and null.
* Scalars that readers of YAML 1.1 (kubectl) and 1.2 take for different things are refused with the mend: ``yes``,
  ``on``, ``0777``, ``1_000``, ``.inf``. Either reading would lose what somebody meant. Dates and ``12:30`` are texts.
* No tags, no anchors or aliases, no merge keys, no duplicate keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from patternapp.spec.flaws import Flaw, Path, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BYTE_LIMIT = 1024 * 1024
NODE_LIMIT = 50_000
DEPTH_LIMIT = 32
FLAW_LIMIT = 100

# libyaml's parser is some ten times faster; wheels of PyYAML carry it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = {"0x": re.compile(r"0x[0-9a-fA-F]+"), "0o": re.compile(r"0o[0-7]+")}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LARGEST = 2**63 - 1
_AMBIGUOUS = (
    (
        re.compile(r"y|Y|n|N|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"),
        "is a boolean to kubectl and a text to others: write true or false, or put it in quotes",
    ),
    (
        re.compile(r"[-+]?0[0-9]+"),
        "is octal to kubectl and decimal to others: drop the leading 0, or put it in quotes",
    ),
    (
        re.compile(r"[-+]?0b[01_]+|(?=[^_]*_)[-+]?(0x[0-9a-fA-F_]+|[0-9][0-9_]*(\.[0-9_]*)?)"),
        "is a number to kubectl and a text to others: write it in plain digits, or put it in quotes",
    ),
    (
        re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        "is not a number that JSON knows: put it in quotes if it is a text",
    ),
)
"""What plain scalars are refused, and why."""
_MENDS = (
    ("cannot start any token", "indent with spaces, not tabs, and put texts with special characters in quotes"),
    ("mapping values are not allowed", "put a text that holds ': ' in quotes, or mend the indentation"),
    ("did not find expected", "mend the indentation or close the bracket or quote here"),
    ("found unexpected end of stream", "close the quote that was opened here"),
)
"""What the parser says, and what helps."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        data: JSON values.
        lines: The 1-based line of every node by its path; an entry of an object has the line of its key.
    """

    data: Any
    lines: Mapping[Path, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text holds: the documents that could be read, with what is wrong in each, and what ended the reading."""

    documents: tuple[tuple[Document, tuple[Flaw, ...]], ...]
    broken: Flaw | None


class _Broken(Exception):  # noqa: N818 - control flow inside this file: reading cannot go on
    def __init__(self, reason: str, message: str, *, line: int, path: Path = ()) -> None:
        super().__init__(message)
        self.flaw = Flaw(path, reason, message, line)


def read(text: str | bytes) -> Reading:
    """The documents of a YAML text, empty ones left out. Total: any text gives a reading."""
    documents: list[tuple[Document, tuple[Flaw, ...]]] = []
    try:
        _read_into(documents, _decoded(text))
    except _Broken as broken:
        return Reading(tuple(documents), broken.flaw)
    return Reading(tuple(documents), None)


def _decoded(text: str | bytes) -> str:
    try:
        raw = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError:
        raise _Broken("BadEncoding", "the text holds half of a surrogate pair; save it as UTF-8", line=1) from None
    if len(raw) > BYTE_LIMIT:
        raise _Broken("TooLarge", f"more than {BYTE_LIMIT} bytes; move data out of the file", line=1)
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _Broken("BadEncoding", f"byte {error.start} is not UTF-8; save the file as UTF-8", line=line) from None


def _read_into(documents: list[tuple[Document, tuple[Flaw, ...]]], text: str) -> None:
    events = yaml.parse(text, Loader=_LOADER)
    nodes = 0
    try:
        for event in events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            reader = _Reader(events, nodes)
            reader.read()
            nodes = reader.nodes
            if reader.data is not None:
                documents.append((Document(reader.data, reader.lines), tuple(reader.flaws)))
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        message = f"a character that YAML does not allow ({error.reason}); remove it or write it as an escape"
        raise _Broken("BadCharacter", message, line=line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        mend = next((mend for said, mend in _MENDS if said in problem), "mend the syntax here")
        raise _Broken("BadSyntax", f"not YAML: {problem}; {mend}", line=mark.line + 1 if mark else 0) from None


@dataclass(slots=True)
class _Reader:
    """Reads one document from the parser's events; its start has been taken already."""

    events: Iterator[Any]
    nodes: int
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def read(self) -> None:
        self.data = self._node(next(self.events), ())
        next(self.events)

    def _flag(self, flaw: Flaw) -> None:
        self.flaws.append(flaw)
        if len(self.flaws) > FLAW_LIMIT:
            raise _Broken("TooManyProblems", f"too many problems to go on; the last: {flaw.message}", line=flaw.line)

    def _node(self, event: yaml.NodeEvent, path: Path) -> Any:
        line = _line(event)
        self.lines.setdefault(path, line)
        self.nodes += 1
        if self.nodes > NODE_LIMIT:
            raise _Broken("TooLarge", f"more than {NODE_LIMIT} values; move data out of the file", line=line, path=path)
        if len(path) > DEPTH_LIMIT:
            raise _Broken("TooDeep", f"nested more than {DEPTH_LIMIT} levels deep; flatten it", line=line, path=path)
        self._refuse_properties(event, path, line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path, line) if isinstance(event, yaml.ScalarEvent) else None

    def _refuse_properties(self, event: Any, path: Path, line: int) -> None:
        if event.anchor is not None:
            mark = "*" if isinstance(event, yaml.AliasEvent) else "&"
            message = f"anchors and aliases are not read ({mark}{event.anchor}); write the value out"
            self._flag(Flaw(path, "AliasNotAllowed", message, line))
        if getattr(event, "tag", None) is not None:
            message = f"tags are not read ({shown(event.tag)}); remove it, and put the value in quotes if it is a text"
            self._flag(Flaw(path, "TagNotAllowed", message, line))

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, line = self._key(event, path), _line(event)
            inner = (*path, key)
            first = self.lines.setdefault(inner, line)
            value = self._node(next(self.events), inner)
            if key in found:
                message = f"{shown(key)} is here twice, first in line {first}; keep one"
                self._flag(Flaw(inner, "DuplicateKey", message, line))
            else:
                found[key] = value
        return found

    def _key(self, event: yaml.NodeEvent, path: Path) -> str:
        line = _line(event)
        if not isinstance(event, yaml.ScalarEvent):
            self._node(event, (*path, "?"))
            self._flag(Flaw((*path, "?"), "BadKey", "a key that is no text; write a text", line))
            return "?"
        text: str = event.value
        inner = (*path, text)
        self._refuse_properties(event, inner, line)
        known = len(self.flaws)
        if text == "<<" and event.implicit[0]:
            self._flag(Flaw(inner, "AliasNotAllowed", "merge keys are not read; write the fields out", line))
        elif not isinstance(self._scalar(event, inner, line), str) and len(self.flaws) == known:
            message = f"the key {shown(text)} is no text; put it in quotes"
            self._flag(Flaw(inner, "BadKey", message, line))
        return text

    def _scalar(self, event: yaml.ScalarEvent, path: Path, line: int) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _NULL:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        for pattern, why in _AMBIGUOUS:
            if pattern.fullmatch(text):
                self._flag(Flaw(path, "AmbiguousValue", f"{text[:40]} {why}", line))
                return text
        number = _number(text)
        if number is not None and not -_LARGEST <= number <= _LARGEST:
            message = "a number too large for JSON readers to keep; put it in quotes if it is a text"
            self._flag(Flaw(path, "AmbiguousValue", message, line))
            return 0
        return text if number is None else number


def _line(event: yaml.Event) -> int:
    return 0 if event.start_mark is None else event.start_mark.line + 1


def _number(text: str) -> int | float | None:
    """The number that a plain scalar stands for; None where it is a text. Too many digits give infinity."""
    base = _BASED.get(text[:2])
    if base is not None and base.fullmatch(text):
        return int(text, 0)
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= 20 else float("inf")
    return float(text) if _FLOAT.fullmatch(text) else None
