"""The chart's values as `values.yaml` says them: what each is, what may stand there, and what it is unless it is set.

What holds here: a key below a comment ``# -- text`` is a value, whatever its default is; one without is a group.
``# @schema {...}``, in JSON, narrows what a default's type alone would allow. Groups are closed unless that opens them.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART = Path(__file__).parents[2] / "charts" / "patternapp"
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
_TABLE = re.compile(r"(?<=<!-- values: `make schema` writes them -->\n).*(?=<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Value:
    """One value, or a group of values.

    Attributes:
        path: The keys that lead to it.
        default: What it is unless it is set.
        text: What it does; empty for a group.
        narrowed: JSON Schema keywords beside those that follow from the default.
    """

    path: tuple[str, ...]
    default: Any
    text: str
    narrowed: dict[str, Any]

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of a value."""
        return {"description": self.text, "type": _TYPES[type(self.default)], **self.narrowed}


def read() -> Iterator[Value]:
    """Every value and group, in the file's order; groups before what is in them.

    Raises:
        ValueError: a value's default is a map, and nothing says what else may stand in it.
    """
    text = (CHART / "values.yaml").read_text()
    root = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    yield from _group(root, (), text.splitlines(), yaml.safe_load(text))


def _group(node: yaml.MappingNode, above: tuple[str, ...], lines: list[str], defaults: Any) -> Iterator[Value]:
    for key, value in node.value:
        path = (*above, key.value)
        text, narrowed = _comment(lines, key.start_mark.line)
        found = Value(path, defaults[key.value], text, narrowed)
        if text and isinstance(found.default, dict) and not narrowed:
            raise ValueError(f"{'.'.join(path)} is a value and a map: say by @schema what may stand in it")
        yield found
        if not text:
            yield from _group(value, path, lines, found.default)


def _comment(lines: list[str], number: int) -> tuple[str, dict[str, Any]]:
    """The description and the keywords in the comment that ends above a line."""
    text, narrowed = "", {}
    while (line := lines[number - 1].strip()).startswith("#"):
        number -= 1
        if line.startswith("# -- "):
            text = line.removeprefix("# -- ")
        elif line.startswith("# @schema "):
            narrowed = json.loads(line.removeprefix("# @schema "))
    return text, narrowed


def schema() -> str:
    """The JSON Schema that Helm holds values against."""
    root: dict[str, Any] = _closed(
        {"$schema": "http://json-schema.org/draft-07/schema#", "title": "PatternApp's values"}
    )
    for value in read():
        place = root
        for key in value.path[:-1]:
            place = place["properties"][key]
        place["properties"][value.path[-1]] = value.schema() if value.text else _closed({}) | value.narrowed
    return json.dumps(root, indent=2) + "\n"


def _closed(head: dict[str, Any]) -> dict[str, Any]:
    return {**head, "type": "object", "additionalProperties": False, "properties": {}}


def table() -> str:
    """The values as a Markdown table."""
    rows = [
        f"| `{'.'.join(value.path)}` | {value.text.replace('|', '&#124;')} | `{json.dumps(value.default)}` |\n"
        for value in read()
        if value.text
    ]
    return "".join(["| value | what it does | default |\n", "|---|---|---|\n", *rows])


def readme() -> str:
    """The chart's README with the table as it is now."""
    return _TABLE.sub(lambda _: table(), (CHART / "README.md").read_text())


def main() -> None:
    """Write the schema, and the README with its table, into the folder that is named, or into the chart."""
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else CHART
    (place / "values.schema.json").write_text(schema())
    (place / "README.md").write_text(readme())


if __name__ == "__main__":
    main()
