"""All rows, what was seen of them, and the page that shows both.

What must be true here: ``results/NAME.json`` holds what a run against that Broker saw, row by row. A run that sees
anything else fails; ``make conformance`` writes the file anew, and the difference is the review.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import delivery_rows, filter_rows, ingress_rows, ping_rows
from conformance.rows import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.rows import Row

ROWS = (*ingress_rows.ROWS, *filter_rows.ROWS, *delivery_rows.ROWS, *ping_rows.ROWS)
DEV, MT_BROKER = "dev", "mt-broker"
BROKERS = {MT_BROKER: "default Broker", DEV: "`dev`"}
"""The Brokers by the names of their files, and how the page calls them."""
_FOLDER = Path(__file__).parent / "results"


def results(broker: str) -> dict[str, str]:
    """What was seen of every row, by its key."""
    found: dict[str, str] = json.loads((_FOLDER / f"{broker}.json").read_text())
    return found


def write(broker: str, seen: Mapping[str, str]) -> None:
    """Keep what was seen."""
    (_FOLDER / f"{broker}.json").write_text(json.dumps(dict(sorted(seen.items())), indent=1, ensure_ascii=False) + "\n")


def markdown() -> str:
    """The tables of the page, one a section, each with the reasons below it."""
    seen = {broker: results(broker) for broker in BROKERS}
    parts = []
    for section, rows in itertools.groupby(ROWS, key=lambda row: row.section):
        parts.append("\n".join(_section(section, tuple(rows), seen)))
    links = (f'[{word}]: {address} "{name}"' for word, (name, address) in SOURCES.items())
    return "\n\n".join((*parts, "\n".join(links)))


def _section(title: str, rows: tuple[Row, ...], seen: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    reasons = tuple(dict.fromkeys(row.why for row in rows if row.why))
    yield f"## {title}\n"
    yield f"| level | what a Broker does | written in | {' | '.join(BROKERS.values())} |"
    yield "|---" * (3 + len(BROKERS)) + "|"
    for row in rows:
        note = f" [{reasons.index(row.why) + 1}]" if row.why else ""
        cells = (_cell(row, seen[broker][row.key], note) for broker in BROKERS)
        yield f"| {row.level} | {_escaped(row.sentence)} | [{row.source}] | {' | '.join(cells)} |"
    if reasons:
        yield ""
    yield from (f"{number}. {reason}" for number, reason in enumerate(reasons, 1))


def _cell(row: Row, seen: str, note: str) -> str:
    return "yes" if seen == row.own(row.want) else f"**no**: {_escaped(seen)}{note}"


def _escaped(text: str) -> str:
    """Text as it is, in a cell of a table."""
    for character in "\\|*":
        text = text.replace(character, f"\\{character}")
    return text
