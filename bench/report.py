"""What every benchmark hands in: figures, printed as a table and kept in ``build/bench/NAME.json``."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value.

    Attributes:
        name: What was measured.
        value: What came out.
        unit: Of the value, the baseline and the target.
        baseline: What the same run measured for what we compare with; None where there is nothing to compare.
        target: What the value should be; None where it is only for information.
        better: Whether a lower or a higher value is better.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    target: float | None = None
    better: Literal["lower", "higher"] = "lower"

    @property
    def met(self) -> bool:
        """Whether the target is met; figures without one always are."""
        if self.target is None:
            return True
        return self.value <= self.target if self.better == "lower" else self.value >= self.target


def publish(name: str, figures: Sequence[Figure]) -> None:
    """Print the figures as a table, and write ``build/bench/NAME.json``."""
    rows = [
        (one.name, _shown(one.value), one.unit, _shown(one.baseline), _target(one), "" if one.met else "missed")
        for one in figures
    ]
    head = (name, "value", "unit", "baseline", "target", "")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        # Words to the left, numbers to the right.
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        for column in (1, 3, 4):
            cells[column] = row[column].rjust(widths[column])
        print("  ".join(cells).rstrip())
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = [_kept(one) for one in figures]
    (FOLDER / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")


def _kept(figure: Figure) -> dict[str, object]:
    fields = dataclasses.asdict(figure)
    del fields["better"]
    return {**fields, "met": figure.met}


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"{'<=' if figure.better == 'lower' else '>='} {_shown(figure.target)}"


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
