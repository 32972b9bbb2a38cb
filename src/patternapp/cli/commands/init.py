"""`patternapp init`: a small app that runs at once, to start from."""

import enum
import re
import shlex
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from patternapp import errors

EXAMPLE = "patternapp init hello --pattern queue"

APP = "app.yaml"
FUNCTIONS = "functions.py"
README = "README.md"
PLACEHOLDER = "starter"
"""The name of the app in every starter."""


class Pattern(enum.StrEnum):
    """Which pattern the app shows."""

    EVENT_DRIVEN = "event-driven"
    GATEWAY = "gateway"
    FAN_OUT = "fan-out"
    QUEUE = "queue"
    STREAM = "stream"
    SCHEDULE = "schedule"


TRY = {
    Pattern.EVENT_DRIVEN: """patternapp send hello.said --data '{"name": "Ada"}'""",
    Pattern.GATEWAY: "curl http://127.0.0.1:8700/hello/Ada",
    Pattern.FAN_OUT: """patternapp send order.placed --data '{"order": 7, "total": 120}'""",
    Pattern.QUEUE: """patternapp send invoice.requested --count 25 --data '{"order": 7}'""",
    Pattern.STREAM: """patternapp send click --topic clicks --count 100 --data '{"page": "/"}'""",
    Pattern.SCHEDULE: "patternapp schedule run nightly",
}
"""How to see each starter work."""


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made where it is missing.")] = Path(),
    pattern: Annotated[Pattern, typer.Option(help="The pattern to start with.")] = Pattern.EVENT_DRIVEN,
) -> None:
    """Write a small app that runs at once, to start from."""
    taken = [name for name in (APP, FUNCTIONS, README) if (folder / name).exists()]
    if taken:
        raise errors.PatternAppError(f"{folder} has {', '.join(taken)} already; name another folder")
    starters = resources.files("patternapp.cli.starters")
    stem = pattern.value.replace("-", "_")
    app = _app_name(folder)
    texts = {
        APP: (starters / f"{stem}.yaml").read_text().replace(PLACEHOLDER, app),
        FUNCTIONS: (starters / f"{stem}.py").read_text(),
        README: (starters / "README.md.in").read_text().format(app=app, pattern=pattern.value, command=TRY[pattern]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    typer.echo(f"Wrote {', '.join(str(folder / name) for name in texts)}.")
    typer.echo(f"Run it: patternapp dev {shlex.quote(str(folder / APP))}")
    typer.echo(f"Try it, from another terminal: {TRY[pattern]}")


def _app_name(folder: Path) -> str:
    """The folder's name as a DNS label."""
    label = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return label[:40].strip("-") or "app"
