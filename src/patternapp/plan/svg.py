"""A picture of a plan as SVG that any browser shows, on a light page and on a dark one.

Boxes bring their own ground and dark words; lines and labels are of a gray that reads on both. Every text is escaped.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from patternapp.plan import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.plan.layout import Item, Layout, Way
    from patternapp.plan.view import Box, Mark, View

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
COLORS = {"True": "#2da44e", "False": "#cf222e", "Unknown": "#bf8700"}
"""What works, what does not, and what is not known."""
SIGNS = {"True": "M-3.5,0 L-1,2.5 L3.5,-2.5", "False": "M-3,-3 L3,3 M3,-3 L-3,3", "Unknown": "M-3.5,0 H3.5"}
"""A tick, a cross and a dash: colors alone do not tell everybody."""
WORDS = {"True": "ready", "False": "not ready", "Unknown": "not known to be ready"}
HEADING = 30.0
ARROWS = {"arrow": "#7d8590", "failed": "#cf6b6b", **COLORS}
STYLE = (
    "text{font:12px ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif}"
    ".kind{font-size:10px;fill:#57606a}.name{font-weight:600;fill:#1f2328}.words{font-size:11px;fill:#7d8590}"
    ".box{stroke:#7d8590}.line{fill:none;stroke:#7d8590;stroke-width:1.2}.failed{stroke:#cf6b6b;stroke-dasharray:4 4}"
    ".why{font-size:11px;font-weight:600}.marked{stroke-width:2.2}.heading{font-size:14px;font-weight:600;fill:#7d8590}"
    ".sign{fill:none;stroke:#fff;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}"
)
ARROW = (
    '<marker id="{id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" orient="auto" '
    'markerUnits="userSpaceOnUse">'
    '<path d="M0,0 L8,4 L0,8 z" fill="{color}"/></marker>'
)


def draw(view: View) -> str:
    """The picture, as a whole SVG document."""
    placed = layout.layout(view)
    top = HEADING if view.mark is not None else 0.0
    size = f"{placed.width:g} {placed.height + top:g}"
    title = html.escape(f"PatternApp {view.app}")
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{placed.width:g}" '
        f'height="{placed.height + top:g}" role="img" aria-label="{title}">'
    )
    parts = [
        opening,
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f"<defs>{''.join(ARROW.format(id=name, color=color) for name, color in ARROWS.items())}</defs>",
        *_heading(view),
        f'<g transform="translate(0,{top:g})">',
        *(_line(way, placed) for way in placed.ways),
        *(_label(way, placed) for way in placed.ways),
        *(_box(box, item, placed) for box, item in placed.boxes),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _heading(view: View) -> Iterator[str]:
    """The app's name and state, above a picture with marks."""
    if view.mark is None:
        return
    why = f": {view.mark.reason}" if view.mark.ready != "True" else ""
    yield _sign(view.mark, layout.MARGIN + 7, 19)
    text = html.escape(f"{view.app}, {WORDS[view.mark.ready]}{why}")
    yield f'<text class="heading" x="{layout.MARGIN + 20:g}" y="24">{text}</text>'


def _box(box: Box, item: Item, placed: Layout) -> str:
    left, width = placed.lefts[item.track], placed.widths[item.track]
    top, middle = item.y - item.height / 2, left + width / 2
    fill = FILLS.get(box.kind, OTHER_FILL)
    center = top + layout.BOX_HEIGHT / 2
    rows = [("kind", box.kind, -6.0), ("name", box.name, 11.0)] if box.name else [("name", box.kind, 4.0)]
    edge = paint = sign = ""
    if box.mark is not None:
        edge, paint = " marked", f' style="stroke:{COLORS[box.mark.ready]}"'
        sign = _sign(box.mark, left + width - 3, top + 3)
        rows += [("why", why, 27.0) for why in box.mark.why]
    words = "".join(
        f'<text class="{name}" x="{middle:g}" y="{center + offset:g}" text-anchor="middle"'
        f"{_ink(box.mark) if name == 'why' else ''}>{html.escape(text)}</text>"
        for name, text, offset in rows
    )
    return (
        f'<g><rect class="box{edge}" x="{left:g}" y="{top:g}" width="{width:g}" height="{item.height:g}" rx="7" '
        f'fill="{fill}"{paint}/>{words}{sign}</g>'
    )


def _sign(mark: Mark, x: float, y: float) -> str:
    """A tick, a cross or a dash on a dot of the mark's color."""
    return (
        f'<g transform="translate({x:g},{y:g})"><circle r="7" fill="{COLORS[mark.ready]}"/>'
        f'<path class="sign" d="{SIGNS[mark.ready]}"/></g>'
    )


def _ink(mark: Mark | None) -> str:
    return "" if mark is None else f' style="fill:{COLORS[mark.ready]}"'


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
    paint, mark = "", way.line.mark
    if mark is not None:
        name, arrow, paint = "line marked", mark.ready, f' style="stroke:{COLORS[mark.ready]}"'
    return f'<path class="{name}" d="{" ".join(path)}"{paint} marker-end="url(#{arrow})"/>'


def _label(way: Way, placed: Layout) -> str:
    if way.label is None:
        return ""
    words, mark = way.line.words, way.line.mark
    middle = placed.lefts[way.label.track] + placed.widths[way.label.track] / 2
    # The last word stands below the line, those before it above.
    above = way.label.y - 4 - 16 * max(len(words) - 2, 0)
    told = len(words) - len(mark.why) if mark is not None else len(words)
    texts = (
        f'<text class="{"words" if row < told else "why"}" x="{middle:g}" y="{above + 16 * row:g}" text-anchor="middle"'
        f"{_ink(mark) if row >= told else ''}>{html.escape(word)}</text>"
        for row, word in enumerate(words)
    )
    return "".join(texts)
