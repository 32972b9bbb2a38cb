"""Pictures of a plan as text: Mermaid, Graphviz' DOT, and SVG. Equal plans give equal text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from patternapp.plan import svg as drawing
from patternapp.plan import view as views

if TYPE_CHECKING:
    from patternapp.plan.model import Plan
    from patternapp.plan.view import Box

MERMAID_SHAPES = {"broker": ("{{", "}}"), "queue": ("[(", ")]"), "stream": ("[(", ")]"), "uri": ("([", "])")}
DOT_SHAPES = {"broker": "hexagon", "queue": "cylinder", "stream": "cylinder", "uri": "oval"}
_SPECIAL = re.compile(r"[^\w .,:/=-]")
_DOT_SPECIAL = re.compile(r'(["\\])')


def mermaid(plan: Plan) -> str:
    """A Mermaid flowchart; every label is quoted and its special characters are entities."""
    view = views.view(plan)
    ids = {box.key: f"n{number}" for number, box in enumerate(view.boxes)}
    text = ["flowchart LR"]
    for box in view.boxes:
        before, after = MERMAID_SHAPES.get(box.kind, ("[", "]"))
        text.append(f'  {ids[box.key]}{before}"{"<br/>".join(_entities(line) for line in _lines(box))}"{after}')
    for line in view.lines:
        arrow = "-.->" if line.failed else "-->"
        label = f'|"{"<br/>".join(_entities(word) for word in line.words)}"|' if line.words else ""
        text.append(f"  {ids[line.tail]} {arrow}{label} {ids[line.head]}")
    return "\n".join(text) + "\n"


def dot(plan: Plan) -> str:
    """A Graphviz digraph."""
    view = views.view(plan)
    text = [f'digraph "{_escaped(view.app)}" {{', "  rankdir=LR;", '  node [shape=box, style="rounded"];']
    for box in view.boxes:
        shape = f", shape={DOT_SHAPES[box.kind]}" if box.kind in DOT_SHAPES else ""
        label = r"\n".join(_escaped(line) for line in _lines(box))
        text.append(f'  "{_escaped(box.key)}" [label="{label}"{shape}];')
    for line in view.lines:
        label = r"\n".join(_escaped(word) for word in line.words)
        style = ", style=dashed" if line.failed else ""
        text.append(f'  "{_escaped(line.tail)}" -> "{_escaped(line.head)}" [label="{label}"{style}];')
    return "\n".join([*text, "}"]) + "\n"


def svg(plan: Plan) -> str:
    """A whole SVG document; needs no other program."""
    return drawing.draw(views.view(plan))


def _lines(box: Box) -> tuple[str, ...]:
    return (box.kind, box.name) if box.name else (box.kind,)


def _entities(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"#{ord(found.group())};", text)


def _escaped(text: str) -> str:
    return _DOT_SPECIAL.sub(r"\\\1", text)
