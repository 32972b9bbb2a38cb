"""A picture of a plan as SVG that any browser shows, on a light page and on a dark one.

Boxes bring their own ground and dark words; lines and labels are of a gray that reads on both. Every text is escaped.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from patternapp.plan import layout

if TYPE_CHECKING:
    from patternapp.plan.layout import Item, Layout, Way
    from patternapp.plan.view import Box, View

FILLS = {
    "gateway": "#d7e3fc",
    "broker": "#ffe8b8",
    "queue": "#e6dcf7",
    "stream": "#e6dcf7",
    "function": "#d3f0dc",
    "uri": "#e4e7eb",
    "dead letters": "#f8d7d7",
}
OTHER_FILL = "#cfeef2"
"""Sources and schedules."""
STYLE = (
    "text{font:12px ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif}"
    ".kind{font-size:10px;fill:#57606a}.name{font-weight:600;fill:#1f2328}.words{font-size:11px;fill:#7d8590}"
    ".box{stroke:#7d8590}.line{fill:none;stroke:#7d8590;stroke-width:1.2}.failed{stroke:#cf6b6b;stroke-dasharray:4 4}"
)
ARROW = (
    '<marker id="{id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z" fill="{color}"/></marker>'
)


def draw(view: View) -> str:
    """The picture, as a whole SVG document."""
    placed = layout.layout(view)
    size = f"{placed.width:g} {placed.height:g}"
    title = html.escape(f"PatternApp {view.app}")
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{placed.width:g}" '
        f'height="{placed.height:g}" role="img" aria-label="{title}">'
    )
    parts = [
        opening,
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f"<defs>{ARROW.format(id='arrow', color='#7d8590')}{ARROW.format(id='failed', color='#cf6b6b')}</defs>",
        *(_line(way, placed) for way in placed.ways),
        *(_label(way, placed) for way in placed.ways),
        *(_box(box, item, placed) for box, item in placed.boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(box: Box, item: Item, placed: Layout) -> str:
    left, width = placed.lefts[item.track], placed.widths[item.track]
    top, middle = item.y - item.height / 2, left + width / 2
    fill = FILLS.get(box.kind, OTHER_FILL)
    rows = (("kind", box.kind, -6), ("name", box.name, 11)) if box.name else (("name", box.kind, 4),)
    words = "".join(
        f'<text class="{name}" x="{middle:g}" y="{item.y + offset:g}" text-anchor="middle">{html.escape(text)}</text>'
        for name, text, offset in rows
    )
    return (
        f'<g><rect class="box" x="{left:g}" y="{top:g}" width="{width:g}" height="{item.height:g}" rx="7" '
        f'fill="{fill}"/>{words}</g>'
    )


def _line(way: Way, placed: Layout) -> str:
    tail, *stops, head = way.items
    x, y = placed.lefts[tail.track] + placed.widths[tail.track], tail.y
    path = [f"M{x:g},{y:g}"]
    for item in (*stops, head):
        left = placed.lefts[item.track]
        bend = (x + left) / 2
        path.append(f"C{bend:g},{y:g} {bend:g},{item.y:g} {left:g},{item.y:g}")
        x, y = left + placed.widths[item.track], item.y
        if item is not head:
            path.append(f"H{x:g}")
    name, arrow = ("line failed", "failed") if way.line.failed else ("line", "arrow")
    return f'<path class="{name}" d="{" ".join(path)}" marker-end="url(#{arrow})"/>'


def _label(way: Way, placed: Layout) -> str:
    if way.label is None:
        return ""
    middle = placed.lefts[way.label.track] + placed.widths[way.label.track] / 2
    # The first word stands above the line, the second below it.
    texts = (
        f'<text class="words" x="{middle:g}" y="{way.label.y - 4 + 16 * row:g}" text-anchor="middle">'
        f"{html.escape(word)}</text>"
        for row, word in enumerate(way.line.words)
    )
    return "".join(texts)
