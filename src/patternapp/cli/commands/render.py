"""`patternapp render`: the Kubernetes objects of an app."""

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patternapp.cli import appfile, output
from patternapp.cli.options import AppFile

if TYPE_CHECKING:
    from patternapp.render.capabilities import Capabilities

EXAMPLE = "patternapp render app.yaml | kubectl apply -f -"


class Notation(enum.StrEnum):
    """How objects are written."""

    YAML = "yaml"
    JSON = "json"


def run(
    file: AppFile,
    notation: Annotated[Notation, typer.Option("-o", "--output", help="How objects are written.")] = Notation.YAML,
    capabilities: Annotated[
        Path | None, typer.Option(help="A YAML file that says what the cluster can do.", metavar="FILE")
    ] = None,
) -> None:
    """Print the Kubernetes objects that run an app."""
    from patternapp.render import objects, yaml

    able = _capabilities(capabilities)
    rendered = [item for plan in appfile.plans(file) for item in objects.render(plan, able)]
    if notation is Notation.JSON:
        output.as_json({"apiVersion": "v1", "kind": "List", "items": rendered})
    else:
        typer.echo(yaml.dump(rendered), nl=False)


def _capabilities(path: Path | None) -> "Capabilities":
    from patternapp.render import capabilities

    if path is None:
        return capabilities.DEFAULT
    return capabilities.from_mapping(appfile.mapping(path), file=str(path))
