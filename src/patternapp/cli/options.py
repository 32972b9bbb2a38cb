"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from patternapp.cli.output import Output

AppFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The app's file; - reads standard input.", readable=False)
]
"""Whether a file can be read shows when it is read: one that cannot is wrong input, not wrong usage."""
OutputOption = Annotated[Output, typer.Option("-o", "--output", help="How data is printed.")]
CapabilitiesFile = Annotated[
    Path | None,
    typer.Option(
        "--capabilities", help="A YAML file that says what the cluster can do.", metavar="FILE", readable=False
    ),
]
Url = Annotated[str, typer.Option("--url", envvar="PATTERNAPP_URL", help="Where `patternapp dev` runs.", metavar="URL")]
DEFAULT_URL = "http://127.0.0.1:8700"
