"""`patternapp schema`: what may stand in an app's file."""

from typing import Annotated

import typer

EXAMPLE = "patternapp schema > patternapp.schema.json"


def run(
    crd: Annotated[bool, typer.Option("--crd", help="Print the CustomResourceDefinition instead, as YAML.")] = False,
) -> None:
    """Print the JSON Schema of an app's file, for editors."""
    if crd:
        from patternapp.spec import crd as definition

        typer.echo(definition.text(), nl=False)
    else:
        from patternapp.spec import schema

        typer.echo(schema.text(), nl=False)
