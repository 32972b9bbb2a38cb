"""The command line: how long a process takes from its start to its end, and how many apps a second are rendered.

The baseline of a process is the same interpreter doing nothing; of rendering, reading the file with PyYAML alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import report
import yaml as pyyaml

from patternapp.plan import compile as compiler
from patternapp.render import objects, yaml
from patternapp.spec import load

if TYPE_CHECKING:
    from collections.abc import Callable

SHOP = report.ROOT / "examples" / "shop" / "app.yaml"
PATTERNAPP = (sys.executable, "-m", "patternapp.cli.main")
STARTS = 11
SECONDS = 2.0
"""How long each rate is measured."""


def start_to_end(*command: str) -> float:
    """The median time of a process, in milliseconds."""
    times = []
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def rate(work: Callable[[], object]) -> float:
    """How often a second the work is done."""
    work()
    began = time.perf_counter()
    done = 0
    while (passed := time.perf_counter() - began) < SECONDS:
        work()
        done += 1
    return done / passed


def main() -> None:
    """Measure, and publish."""
    text = SHOP.read_text()
    app = load.load(text, file=str(SHOP))
    nothing = start_to_end(sys.executable, "-c", "pass")
    report.publish(
        "cli",
        [
            report.Figure(
                name="--help", value=start_to_end(*PATTERNAPP, "--help"), unit="ms", baseline=nothing, target=150
            ),
            report.Figure(
                name="validate the shop",
                value=start_to_end(*PATTERNAPP, "validate", str(SHOP)),
                unit="ms",
                baseline=nothing,
                target=400,
            ),
            report.Figure(
                name="render the shop",
                value=rate(lambda: yaml.dump(objects.render(compiler.compile_app(app)))),
                unit="apps/s",
                target=300,
                better="higher",
            ),
            report.Figure(
                name="render the shop, reading and checking its file each time",
                value=rate(lambda: yaml.dump(objects.render(compiler.compile_app(load.load(text, file=""))))),
                unit="apps/s",
                baseline=rate(lambda: pyyaml.load(text, pyyaml.CSafeLoader)),
                better="higher",
            ),
        ],
    )


if __name__ == "__main__":
    main()
