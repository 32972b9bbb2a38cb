"""`patternapp validate`: everything that is wrong with files, at once."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from patternapp import errors
from patternapp.cli import appfile, output
from patternapp.cli.options import OutputOption
from patternapp.cli.output import Output

EXAMPLE = "patternapp validate app.yaml"

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="The files; - reads standard input.", readable=False)
]


def run(files: Files, out: OutputOption = Output.TEXT) -> None:
    """Print every problem in apps' files, and its mend."""
    problems: list[errors.Problem] = []
    for file in files:
        try:
            apps = appfile.apps(file)
        except errors.SpecError as error:
            problems.extend(error.problems)
        else:
            if out is Output.TEXT:
                typer.echo(f"{appfile.name(file)}: {', '.join(app.metadata.name for app in apps)}: valid")
    if out is Output.JSON:
        output.as_json({"valid": not problems, "problems": [dataclasses.asdict(problem) for problem in problems]})
        raise typer.Exit(1 if problems else 0)
    if problems:
        raise errors.SpecError(tuple(problems))
