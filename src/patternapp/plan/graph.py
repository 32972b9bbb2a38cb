"""Pictures of a plan as text: Mermaid, Graphviz' DOT, and SVG. Equal plans give equal text.

With marks they show what works where the app runs, in color and in words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from patternapp.plan import svg as drawing
from patternapp.plan import view as views

if TYPE_CHECKING:
    from patternapp.plan.model import Plan
    from patternapp.plan.view import Mark, Marks

MERMAID_SHAPES = {"broker": ("{{", "}}"), "queue": ("[(", ")]"), "stream": ("[(", ")]"), "uri": ("([", "])")}
DOT_SHAPES = {"broker": "hexagon", "queue": "cylinder", "stream": "cylinder", "uri": "oval"}
_SPECIAL = re.compile(r"[^\w .,:/=-]")
_DOT_SPECIAL = re.compile(r'(["\\])')


def mermaid(plan: Plan, marks: Marks | None = None) -> str:
    """A Mermaid flowchart; every label is quoted and its special characters are entities."""
    view = views.view(plan, marks)
    ids = {box.key: f"n{number}" for number, box in enumerate(view.boxes)}
    text = ["flowchart LR"]
    for box in view.boxes:
        before, after = MERMAID_SHAPES.get(box.kind, ("[", "]"))
        text.append(f'  {ids[box.key]}{before}"{"<br/>".join(_entities(line) for line in box.rows)}"{after}')
    for line in view.lines:
        arrow = "-.->" if line.failed else "-->"
        label = f'|"{"<br/>".join(_entities(word) for word in line.words)}"|' if line.words else ""
        text.append(f"  {ids[line.tail]} {arrow}{label} {ids[line.head]}")
    styles = [(f"style {ids[box.key]}", box.mark, ",stroke-width:3px") for box in view.boxes]
    styles += [(f"linkStyle {number}", line.mark, "") for number, line in enumerate(view.lines)]
    text += [f"  {what} stroke:{drawing.COLORS[mark.ready]}{more}" for what, mark, more in styles if mark is not None]
    return "\n".join(text) + "\n"


def dot(plan: Plan, marks: Marks | None = None) -> str:
    """A Graphviz digraph."""
    view = views.view(plan, marks)
    text = [f'digraph "{_escaped(view.app)}" {{', "  rankdir=LR;", '  node [shape=box, style="rounded"];']
    for box in view.boxes:
        shape = f", shape={DOT_SHAPES[box.kind]}" if box.kind in DOT_SHAPES else ""
        label = r"\n".join(_escaped(line) for line in box.rows)
        text.append(f'  "{_escaped(box.key)}" [label="{label}"{shape}{_color(box.mark)}];')
    for line in view.lines:
        label = r"\n".join(_escaped(word) for word in line.words)
        style = ", style=dashed" if line.failed else ""
        text.append(
            f'  "{_escaped(line.tail)}" -> "{_escaped(line.head)}" [label="{label}"{style}{_color(line.mark)}];'
        )
    return "\n".join([*text, "}"]) + "\n"


def svg(plan: Plan, marks: Marks | None = None) -> str:
    """A whole SVG document; needs no other program."""
    return drawing.draw(views.view(plan, marks))


def _color(mark: Mark | None) -> str:
    return "" if mark is None else f', color="{drawing.COLORS[mark.ready]}", penwidth=2'


def _entities(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"#{ord(found.group())};", text)


def _escaped(text: str) -> str:
    return _DOT_SPECIAL.sub(r"\\\1", text)
