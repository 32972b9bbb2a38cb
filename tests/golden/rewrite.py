"""What the golden cases say: each folder's `in.yaml` is a whole input, the files beside it are what must come of it.

A case about what a cluster can do has a second input, the `capabilities.yaml` of ``patternapp render --capabilities``.

``make golden`` (``python -m golden.rewrite`` in `tests`) writes the files anew; read the difference before you keep it.
"""

from __future__ import annotations

import pathlib

import spec_strategies
import yaml as pyyaml

from patternapp.plan import compile as compiler
from patternapp.plan import describe, graph
from patternapp.render import capabilities, objects, yaml

FOLDER = pathlib.Path(__file__).parent


def cases() -> list[pathlib.Path]:
    """The folders of all cases, by name."""
    return sorted(path.parent for path in FOLDER.glob("*/in.yaml"))


def outcome(case: pathlib.Path) -> dict[str, str]:
    """The text of every file that follows from a case's input, by file name."""
    plan = compiler.compile_app(spec_strategies.app_of((case / "in.yaml").read_text()))
    return {
        "plan.yaml": yaml.dump([describe.describe(plan)]),
        "out.yaml": yaml.dump(objects.render(plan, _capabilities(case))),
        "graph.mmd": graph.mermaid(plan),
    }


def _capabilities(case: pathlib.Path) -> capabilities.Capabilities:
    file = case / "capabilities.yaml"
    return capabilities.from_mapping(pyyaml.safe_load(file.read_text())) if file.exists() else capabilities.DEFAULT


def main() -> None:
    """Write the files of all cases."""
    for case in cases():
        for name, text in outcome(case).items():
            (case / name).write_text(text)


if __name__ == "__main__":
    main()
