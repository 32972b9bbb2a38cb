"""`patternapp render`: the Kubernetes objects of an app."""

import enum
from typing import Annotated

import typer

from patternapp.cli import appfile, output
from patternapp.cli.options import AppFile, CapabilitiesFile

EXAMPLE = "patternapp render app.yaml | kubectl apply -f -"


class Notation(enum.StrEnum):
    """How objects are written."""

    YAML = "yaml"
    JSON = "json"


def run(
    file: AppFile,
    notation: Annotated[Notation, typer.Option("-o", "--output", help="How objects are written.")] = Notation.YAML,
    capabilities: CapabilitiesFile = None,
) -> None:
    """Print the Kubernetes objects that run an app."""
    from patternapp.render import objects, yaml

    able = appfile.capabilities(capabilities)
    rendered = [item for plan in appfile.plans(file) for item in objects.render(plan, able)]
    if notation is Notation.JSON:
        output.as_json({"apiVersion": "v1", "kind": "List", "items": rendered})
    else:
        typer.echo(yaml.dump(rendered), nl=False)
