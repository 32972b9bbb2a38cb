"""Objects as YAML text: block style, the objects' own key order, byte-stable.

A writer of our own: PyYAML's takes several times as long, and all it could do besides is what must not happen here
(anchors, tags, wrapped lines). Any YAML 1.1 or 1.2 reader gets back what went in.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z_/](?:[A-Za-z0-9_./@:+-]*[A-Za-z0-9_/+-])?")
"""Strings that no reader takes for anything else, apart from `_WORDS`."""
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def dump(objects: Iterable[Mapping[str, Any]]) -> str:
    """One document for each object, separated by ``---``."""
    documents = []
    for item in objects:
        lines: list[str] = []
        _mapping(lines, item, "", "")
        documents.append("\n".join([*lines, ""]))
    return "---\n".join(documents)


def _mapping(lines: list[str], mapping: Mapping[str, Any], first: str, indent: str) -> None:
    """Append a mapping; its first line begins with `first`, the others with `indent`."""
    begin = first
    for key, value in mapping.items():
        head = f"{begin}{_scalar(key)}:"
        if value and isinstance(value, dict):
            lines.append(head)
            _mapping(lines, value, f"{indent}  ", f"{indent}  ")
        elif value and isinstance(value, list | tuple):
            lines.append(head)
            _sequence(lines, value, indent, indent)
        else:
            lines.append(f"{head} {_scalar(value)}")
        begin = indent


def _sequence(lines: list[str], items: Sequence[Any], first: str, indent: str) -> None:
    begin = first
    for item in items:
        if item and isinstance(item, dict):
            _mapping(lines, item, f"{begin}- ", f"{indent}  ")
        elif item and isinstance(item, list | tuple):
            _sequence(lines, item, f"{begin}- ", f"{indent}  ")
        else:
            lines.append(f"{begin}- {_scalar(item)}")
        begin = indent


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        if '"' in value and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        quoted = json.dumps(value, ensure_ascii=False)
        return quoted if quoted.isprintable() else "".join(map(_escaped, quoted))
    # Empty mappings and sequences, booleans, null and most numbers are the same in JSON.
    text = json.dumps(value)
    # YAML 1.1 reads 1e+22 as a string: its floats have a point.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def _escaped(char: str) -> str:
    """The character, or its escape where a reader of YAML or a terminal would do something with it."""
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
