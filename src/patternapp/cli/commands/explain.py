"""`patternapp explain`: which triggers of an app take an event, and why the others do not."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patternapp.cli import appfile, output
from patternapp.cli.options import OutputOption
from patternapp.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.filters import Attributes, Verdict
    from patternapp.plan.model import FilterList, Plan, Trigger

EXAMPLE = "patternapp explain event.json --app app.yaml"
MARKS = {
    True: ("✓", typer.colors.GREEN),
    False: ("✗", typer.colors.RED),
    None: ("?", typer.colors.YELLOW),
}
CESQL = "a CESQL expression, which only a cluster evaluates"


def run(
    file: Annotated[
        Path, typer.Argument(metavar="EVENT.json", help="Events, as for send --file; - reads them.", readable=False)
    ],
    app: Annotated[Path, typer.Option("--app", metavar="FILE", help="The app's file.", readable=False)] = Path(
        "app.yaml"
    ),
    out: OutputOption = Output.TEXT,
) -> None:
    """Print which triggers take an event, and why others do not.

    Nothing is sent, and no app has to run.
    """
    from patternapp.cli import eventfile

    plan = appfile.plan(app, accept=("LoopbackAddress",))
    explained = [_explained(plan, event.attributes) for event in eventfile.read(file)]
    if out is Output.JSON:
        output.as_json({"events": explained})
        return
    for one in explained:
        for line in _lines(one):
            output.styled(line)


def _explained(plan: "Plan", attributes: "Attributes") -> dict[str, Any]:
    from patternapp.plan import model

    head = {name: attributes[name] for name in ("id", "type", "source")}
    return head | {"triggers": [_trigger(trigger, attributes) for trigger in plan.edges_of(model.Trigger)]}


def _trigger(trigger: "Trigger", attributes: "Attributes") -> dict[str, Any]:
    """`matched` is None where it hangs on CESQL."""
    matched: bool | None = True
    conditions: list[dict[str, Any]] = []
    for number in range(len(trigger.filters)):
        verdict, listed = _condition(trigger.filters, number, attributes)
        conditions += listed
        matched = False if False in {matched, verdict} else verdict and matched
    return {"key": trigger.key, "receiver": trigger.head, "matched": matched, "conditions": conditions}


def _condition(
    filters: "FilterList", number: int, attributes: "Attributes"
) -> tuple[bool | None, list[dict[str, Any]]]:
    """Whether a condition of the outermost list matches, and what it and those inside it say."""
    from patternapp import filters as filtering

    alone = (filters[number],)
    if filtering.uses_cesql(alone):
        return None, [{"path": f"filters[{number}]", "matched": None, "reason": CESQL}]
    verdicts = filtering.explain(alone, attributes)
    return filtering.compile(alone)(attributes), [_plain(verdict, number) for verdict in verdicts]


def _plain(verdict: "Verdict", number: int) -> dict[str, Any]:
    """Each condition is explained alone, as the first; its place is another."""
    told = dataclasses.asdict(verdict)
    return told | {"path": told["path"].replace("filters[0]", f"filters[{number}]", 1)}


def _lines(one: dict[str, Any]) -> "Iterator[str]":
    triggers = one["triggers"]
    taken = sum(trigger["matched"] is True for trigger in triggers)
    yield output.shown(f"{one['type']} {one['id']} from {one['source']}: {taken} of {len(triggers)} triggers take it")
    for trigger in triggers:
        mark, color = MARKS[trigger["matched"]]
        yield f"{typer.style(mark, fg=color)} {typer.style(trigger['key'], bold=True)} to {trigger['receiver']}"
        for condition in trigger["conditions"]:
            # Of a trigger that takes the event, conditions inside others may well have failed.
            if trigger["matched"] is not True and condition["matched"] is trigger["matched"]:
                yield output.shown(f"    {condition['path']}: {condition['reason']}")
