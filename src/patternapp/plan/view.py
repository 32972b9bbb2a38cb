"""A plan as a picture has it: boxes in columns and lines between them, each with words for a reader.

What holds here: boxes and lines are in the plan's order; every text is printable and on one line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from patternapp.plan.model import (
    SOURCE_ATTRIBUTE,
    Broker,
    Consume,
    Feed,
    Function,
    Gateway,
    Queue,
    Route,
    Schedule,
    Source,
    Stream,
    Trigger,
    Uri,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patternapp.plan.model import Edge, FilterList, Node, Plan

COLUMNS: Mapping[type[Node], int] = {
    Gateway: 0,
    Source: 0,
    Schedule: 0,
    Broker: 1,
    Queue: 2,
    Stream: 2,
    Function: 3,
    Uri: 3,
}
DEAD_LETTER_COLUMN = 4
STORE = "dead-letters"
COMPARISONS = {"exact": "=", "prefix": "begins with", "suffix": "ends with"}
LINE_LIMIT = 44
"""Characters of one line of a label; filters can be longer than any picture."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether what a box or a line stands for works where the app runs, and why not."""

    ready: Literal["True", "False", "Unknown"]
    reason: str

    @property
    def why(self) -> tuple[str, ...]:
        """The line of a label that says why something does not work; none where it does."""
        return () if self.ready == "True" else (_printable(self.reason),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The marks of a picture, by the keys of nodes and edges; whatever has none is drawn as in a picture without marks.

    The box of the app's own dead letters has the key `STORE`.
    """

    whole: Mark
    nodes: Mapping[str, Mark] = field(default_factory=dict)
    edges: Mapping[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Something that exists. `column` counts from the left, 0 to 4."""

    key: str
    kind: str
    name: str
    column: int
    mark: Mark | None = None

    @property
    def rows(self) -> tuple[str, ...]:
        """The lines of its label: its kind, its name if it has one, and why it does not work."""
        named = (self.kind, self.name) if self.name else (self.kind,)
        return (*named, *self.mark.why) if self.mark is not None else named


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A way that events or calls take; `words` are the lines of its label, `failed` marks the way to dead letters."""

    tail: str
    head: str
    words: tuple[str, ...] = ()
    failed: bool = False
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a picture of the app shows."""

    app: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    mark: Mark | None = None


def view(plan: Plan, marks: Marks | None = None) -> View:
    """The boxes and lines of a plan; the dead letters of one target share a box."""
    nodes_marks, edges_marks = (marks.nodes, marks.edges) if marks is not None else ({}, {})
    lines = tuple(_line(edge, edges_marks.get(edge.key)) for edge in plan.edges)
    # The hand-over to a queue or a stream has its worker's dead letter: the worker's line stands for both.
    failing = tuple(
        edge
        for edge in plan.edges
        if isinstance(edge, Trigger | Consume) and edge.head.partition("/")[0] not in {"queue", "stream"}
    )
    targets = dict.fromkeys(edge.dead_letter for edge in failing)
    failures = dict.fromkeys((edge.head, edge.dead_letter) for edge in failing)
    called = {line.head for line in lines}
    # An address that only gets dead letters has its box among them.
    nodes = tuple(node for node in plan.nodes if node.key in called or not isinstance(node, Uri))
    return View(
        plan.app,
        (
            *(_box(node, nodes_marks.get(node.key)) for node in nodes),
            *(_dead_letters(target, nodes_marks.get(target or STORE)) for target in targets),
        ),
        (*lines, *(Line(tail=tail, head=_dead_letters(end, None).key, failed=True) for tail, end in failures)),
        marks.whole if marks is not None else None,
    )


def _line(edge: Edge, mark: Mark | None) -> Line:
    why = mark.why if mark is not None else ()
    return Line(tail=edge.tail, head=edge.head, words=(*_words(edge), *why), mark=mark)


def _box(node: Node, mark: Mark | None) -> Box:
    name = node.uri if isinstance(node, Uri) else getattr(node, "name", "")
    if isinstance(node, Gateway):
        name = node.host or ""
    kind = type(node).__name__.lower()
    if isinstance(node, Source):
        kind = type(node.origin).__name__.lower()
    return Box(key=node.key, kind=kind, name=_printable(name), column=COLUMNS[type(node)], mark=mark)


def _dead_letters(target: str | None, mark: Mark | None) -> Box:
    name = "the app's store" if target is None else target.removeprefix("function/")
    return Box(
        key=f"dead-letters/{target or ''}",
        kind="dead letters",
        name=_printable(name),
        column=DEAD_LETTER_COLUMN,
        mark=mark,
    )


def _words(edge: Edge) -> tuple[str, ...]:
    match edge:
        case Feed():
            return ()
        case Route():
            words: tuple[str, ...] = (f"{' '.join(edge.methods)} {edge.path}",)
            if edge.publish is not None:
                words = (*words, f"as {edge.publish.type}")
        case Consume():
            words = ("one by one",) if edge.batch_max is None else (f"up to {edge.batch_max} a call",)
        case Trigger():
            words = (edge.key.partition("/")[2], summary(edge.filters))
    return tuple(_printable(word) for word in words)


def summary(filters: FilterList) -> str:
    """The conditions in words, such as ``type = shop.order.placed``; ``every event`` where there is none."""
    return " and ".join(_condition(condition) for condition in filters) or "every event"


def _condition(condition: Mapping[str, Any]) -> str:
    if condition.get("exact", {}).keys() == {SOURCE_ATTRIBUTE}:
        return f"from {condition['exact'][SOURCE_ATTRIBUTE].partition('.')[2]}"
    return " and ".join(_dialect(dialect, value) for dialect, value in condition.items())


def _dialect(dialect: str, value: Any) -> str:
    match dialect:
        case "all" | "any":
            word = " and " if dialect == "all" else " or "
            return f"({word.join(_condition(child) for child in value)})"
        case "not":
            return f"not ({_condition(value)})"
        case "cesql":
            return str(value)
        case _:
            return " and ".join(f"{name} {COMPARISONS[dialect]} {wanted}" for name, wanted in value.items())


def _printable(text: str) -> str:
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return line if len(line) <= LINE_LIMIT else f"{line[: LINE_LIMIT - 1]}…"
