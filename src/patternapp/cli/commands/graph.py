"""`patternapp graph`: a picture of an app."""

import enum
from typing import Annotated

import typer

from patternapp.cli import appfile, output
from patternapp.cli.options import AppFile

EXAMPLE = "patternapp graph app.yaml --format svg > app.svg"


class Format(enum.StrEnum):
    """How the picture is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    JSON = "json"


def run(
    file: AppFile,
    format_: Annotated[Format, typer.Option("--format", help="How the picture is written.")] = Format.MERMAID,
) -> None:
    """Print a picture of an app and its events' ways."""
    from patternapp.plan import describe, graph

    plan = appfile.plan(file)
    if format_ is Format.JSON:
        output.as_json(describe.describe(plan))
        return
    draw = {Format.MERMAID: graph.mermaid, Format.DOT: graph.dot, Format.SVG: graph.svg}[format_]
    typer.echo(draw(plan), nl=False)
